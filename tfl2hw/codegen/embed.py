"""The core for somebody else's design: Verilog of it bare and behind two kinds of bus, and facts about it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from amaranth.hdl._ir import PortDirection

from tfl2hw.boards import get
from tfl2hw.codegen.compile import Compiled
from tfl2hw.codegen.verilog import ports_of, to_verilog
from tfl2hw.codegen.write import board_config
from tfl2hw.errors import UsageError
from tfl2hw.rtl_templates.axi_stream import AxiStreamCore
from tfl2hw.rtl_templates.bare_core import CONTROL, BareCore
from tfl2hw.rtl_templates.config import CoreConfig
from tfl2hw.rtl_templates.image import Image
from tfl2hw.rtl_templates.inference import Tensors
from tfl2hw.rtl_templates.tensor_map import TensorMap
from tfl2hw.rtl_templates.wishbone import WishboneCore, window_bits

FACTS, PORTS, WEIGHTS = "core.json", "ports.md", "weights.bin"
KINDS = ("core", "axi_stream", "wishbone")
SEPARATOR = "_"
NEIGHBOUR = 64
"""Weights fewer bytes apart are one piece, with zeros between them."""


@dataclass(frozen=True, kw_only=True)
class Port:
    """A port of an exported module: ``direction`` is "input" or "output", ``width`` in bits."""

    name: str
    direction: str
    width: int
    meaning: str


def check_embeddable(board: str) -> None:
    """Raises UsageError for a board that there is not, or whose one core is made for no model."""
    try:
        chosen = get(board)
    except LookupError as problem:
        raise UsageError(str(problem.args[0])) from None
    if chosen.core is not None:
        raise UsageError(
            f"--core makes a core for one model, and {chosen.name} has one core for all models: name "
            "a board that has the chip of your design; `tfl2hw boards` lists them."
        )


def core_config(compiled: Compiled, *, generic: bool) -> CoreConfig:
    """The configuration with the chip's multipliers, or with plain products for any chip (``generic``).

    Raises
    ------
    UsageError : ``generic``, but the core is made around a memory of the chip.
    """
    if not generic:
        return board_config(compiled)
    if compiled.config.scratchpad != "block":
        raise UsageError(
            f"--generic leaves out the chip's own cells, and a core for {compiled.board.name} keeps its maps "
            "and weights in SPRAM, which is one: name a board that has everything in block RAM, such as "
            "ulx3s-25f."
        )
    return replace(compiled.config, multiplier="generic")


def module_names(compiled: Compiled) -> dict[str, str]:
    """The modules' names by their kind: the model's file with what a Verilog name cannot have replaced."""
    stem = re.sub(r"[^A-Za-z0-9_]", "_", compiled.file.stem)
    return {kind: f"{stem if stem[:1].isalpha() else f'm{stem}'}_{kind}" for kind in KINDS}


def tensors_of(compiled: Compiled) -> Tensors:
    """Where inputs and outputs lie, and what has to be loaded."""
    network = compiled.network
    return Tensors(
        inputs=tuple(_map(compiled, tensor) for tensor in network.inputs),
        outputs=tuple(_map(compiled, tensor) for tensor in network.outputs),
        weights=tuple((address, len(data)) for address, data in _pieces(compiled)),
    )


def weights_of(compiled: Compiled) -> bytes:
    """What has to be loaded after each reset; empty where nothing has to."""
    return b"".join(data for _, data in _pieces(compiled))


def _pieces(compiled: Compiled) -> list[tuple[int, bytes]]:
    """What the scratchpad must hold that it cannot start with; neighbours are one piece."""
    pieces: list[tuple[int, bytes]] = []
    loads = () if compiled.config.scratchpad == "block" else compiled.image.scratchpad
    for address, data in sorted(loads):
        if pieces and address - (end := pieces[-1][0] + len(pieces[-1][1])) < NEIGHBOUR:
            before, start = pieces.pop()[::-1]
            pieces.append((start, before + bytes(address - end) + data))
        else:
            pieces.append((address, data))
    return pieces


def make(compiled: Compiled, kind: str, config: CoreConfig) -> Any:
    """The component of one of ``KINDS``, with ``config``: ``core_config``, or another for a simulator."""
    image: Image = compiled.core_image
    if kind == "core":
        return BareCore(config, image)
    made = AxiStreamCore if kind == "axi_stream" else WishboneCore
    return made(config, image, tensors_of(compiled))


def ports(component: Any) -> list[Port]:
    """The ports of an exported module, clock and reset first."""
    found = [Port(name=name, direction="input", width=1, meaning=text) for name, text in CONTROL.items()]
    for name, (value, direction) in ports_of(component, SEPARATOR).items():
        way = "input" if direction == PortDirection.Input else "output"
        found.append(Port(name=name, direction=way, width=len(value), meaning=component.PORTS[name]))
    return found


def write_core(compiled: Compiled, directory: Path, *, generic: bool = False) -> list[Path]:
    """Write the modules' Verilog, their ports, what to know of them, weights to load; the files written.

    Everything is made before the first file is written.

    Parameters
    ----------
    compiled : for a board that ``check_embeddable`` lets pass, without strips.
    generic : as for ``core_config``.

    Raises
    ------
    UsageError : as ``core_config``.
    ToolError : Yosys, which writes the Verilog, is missing or failed.
    """
    config = core_config(compiled, generic=generic)
    contents, pages = {}, [f"# Ports of the cores of {compiled.file.name}\n"]
    for kind, name in module_names(compiled).items():
        component = make(compiled, kind, config)
        contents[f"{name}.v"] = to_verilog(component, name, SEPARATOR).encode()
        pages += _ports_section(name, component)
    contents[PORTS] = "".join(pages).encode()
    contents[FACTS] = (json.dumps(facts(compiled, config), indent=2) + "\n").encode()
    if compiled.config.scratchpad != "block":
        contents[WEIGHTS] = weights_of(compiled)
    directory.mkdir(parents=True, exist_ok=True)
    (directory / WEIGHTS).unlink(missing_ok=True)
    for name, data in contents.items():
        (directory / name).write_bytes(data)
    return [directory / name for name in contents]


def facts(compiled: Compiled, config: CoreConfig) -> dict[str, Any]:
    """What a driver has to know: docs/core.md explains it."""
    tensors, network, graph = tensors_of(compiled), compiled.network, compiled.graph
    return {
        "model": compiled.file.name,
        "multipliers": config.multiplier,
        "modules": module_names(compiled),
        "identity": compiled.config.identity,
        "cycles": compiled.predicted_cycles,
        "word": compiled.config.lanes,
        "inputs": [
            _tensor(compiled, *each)
            for each in zip(graph.inputs, network.inputs, tensors.inputs, strict=True)
        ],
        "outputs": [
            _tensor(compiled, *each)
            for each in zip(graph.outputs, network.outputs, tensors.outputs, strict=True)
        ],
        "input_bytes": tensors.input_bytes,
        "output_bytes": tensors.output_bytes,
        "weights": [{"address": address, "bytes": count} for address, count in tensors.weights],
        "weight_bytes": tensors.weight_bytes,
        "wishbone": {"window_bytes": 4 << window_bits(tensors)},
    }


def _tensor(compiled: Compiled, in_file: int, on_chip: int, place: TensorMap) -> dict[str, Any]:
    """A tensor as the file has it, the bytes that stand for it, and where they lie."""
    known, conversion = compiled.graph.tensors[in_file], compiled.conversions.get(in_file)
    quantisation = known.quantisation if conversion is None else conversion.int8
    return {
        "name": known.name,
        "shape": list(known.shape),
        "file_dtype": known.dtype,
        "dtype": known.dtype if conversion is None else "int8",
        "scale": None if quantisation is None else quantisation.scale,
        "zero_point": None if quantisation is None else quantisation.zero_point,
        "bytes": place.count,
        "address": place.address,
        "map": [place.height, place.width, place.channels],
        "pitch": place.pitch,
        "left": place.left,
        "right": place.right,
        "fill": place.fill,
        "tensor": on_chip,
    }


def _map(compiled: Compiled, tensor: int) -> TensorMap:
    placement = compiled.schedule.placements[tensor]
    layout = placement.layout
    (height, width, channels), (left, right) = layout.shape, layout.margins
    assert layout.strips is None, "a core for a stream is compiled without strips"
    place = TensorMap(
        address=placement.address,
        height=height,
        width=width,
        channels=channels,
        pitch=layout.pixel,
        left=left,
        right=right,
        fill=layout.fill % 256,
    )
    assert place.size == layout.size
    return place


def _ports_section(name: str, component: Any) -> Iterator[str]:
    yield f"\n## `{name}`\n\n{component.TITLE}\n\n"
    yield "| port | direction | width | meaning |\n|---|---|--:|---|\n"
    for port in ports(component):
        yield f"| `{port.name}` | {port.direction} | {port.width} | {port.meaning} |\n"
