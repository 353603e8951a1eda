"""The files of a compiled model: program, memory contents, Verilog."""

from __future__ import annotations

import json
import tempfile
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from tfl2hw.codegen.bitstream import NAME, elaborate, pll_for
from tfl2hw.codegen.compile import Compiled
from tfl2hw.codegen.verilog import rtlil_to_verilog, to_rtlil
from tfl2hw.codegen.yosys import has_yosys
from tfl2hw.rtl_templates.config import CoreConfig
from tfl2hw.rtl_templates.core import Core
from tfl2hw.rtl_templates.frames import PROTOCOL


def board_config(compiled: Compiled) -> CoreConfig:
    """The configuration with the multipliers of the board's chip."""
    return replace(compiled.config, multiplier=compiled.board.multiplier)


def board_core(compiled: Compiled) -> Core:
    """The core of the board's bitstream."""
    return Core(board_config(compiled), compiled.core_image, boots=compiled.boots)


HARDWARE = ("core.v", "top.v", "core.il", "top.il")
"""Core and board's top in Verilog, and in RTLIL, which takes their place where there is no Yosys."""


def write_files(compiled: Compiled, directory: Path, *, verilog: bool = True) -> list[Path]:
    """Write program, memory contents, Verilog of core and board top, and link; the files written.

    Without Yosys, which writes the Verilog, core and top are written in its own language, RTLIL. Everything
    is made before the first file is written. Without ``verilog``, which takes most of the time, neither is
    left.

    Raises
    ------
    ToolError : Yosys failed.
    """
    texts = {
        "program.hex": "".join(f"{word:08x}\n" for word in compiled.image.program),
        "image.json": json.dumps(image_json(compiled)) + "\n",
        "link.json": json.dumps(link_json(compiled), indent=2) + "\n",
    }
    if verilog:
        texts |= _hardware(compiled)
    directory.mkdir(parents=True, exist_ok=True)
    for name in set(HARDWARE) - texts.keys():
        (directory / name).unlink(missing_ok=True)
    for name, text in texts.items():
        (directory / name).write_text(text)
    return [directory / name for name in texts]


def _hardware(compiled: Compiled) -> dict[str, str]:
    """The core, and the board's top where there is a board."""
    texts = {"core": to_rtlil(board_core(compiled), "core")}
    if compiled.board.chip is not None:
        texts["top"] = _top_rtlil(compiled)
    if not has_yosys():
        return {f"{name}.il": text for name, text in texts.items()}
    return {f"{name}.v": rtlil_to_verilog(text) for name, text in texts.items()}


def image_json(compiled: Compiled) -> dict[str, Any]:
    """Contents of the memories: words as numbers, the scratchpad as pairs of address and hex digits."""
    image = asdict(compiled.image)
    image["scratchpad"] = [[address, data.hex()] for address, data in compiled.image.scratchpad]
    return image


def link_json(compiled: Compiled) -> dict[str, Any]:
    """What a program other than ours has to know to talk to the board: docs/link.md explains it."""
    return {
        "protocol": PROTOCOL,
        "identity": compiled.config.identity,
        "baud": compiled.board.baud,
        "word": compiled.config.lanes,
        "contents": _witness(compiled),
        "inputs": [_place(compiled, tensor) for tensor in compiled.network.inputs],
        "outputs": [_place(compiled, tensor) for tensor in compiled.network.outputs],
    }


def _witness(compiled: Compiled) -> dict[str, Any] | None:
    if compiled.witness is None:
        return None
    address, data = compiled.witness
    return {"address": address, "hex": data.hex()}


def _place(compiled: Compiled, tensor: int) -> dict[str, Any]:
    """Where a map's bytes lie: rows of ``left``, width and ``right`` pixels of ``pitch`` bytes each."""
    placement = compiled.schedule.placements[tensor]
    layout, (left, right) = placement.layout, placement.layout.margins
    return {
        "address": placement.address,
        "bytes": layout.size,
        "shape": list(layout.shape),
        "pitch": layout.pixel,
        "left": left,
        "right": right,
        "fill": layout.fill,
    }


def _top_rtlil(compiled: Compiled) -> str:
    """The board's top: the core with PLL, reset, UART and pins."""
    with tempfile.TemporaryDirectory(prefix="tfl2hw-") as folder:
        elaborate(board_core(compiled), compiled.board, pll_for(compiled.board), Path(folder))
        return (Path(folder) / f"{NAME}.il").read_text()
