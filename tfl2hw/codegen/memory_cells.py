"""What the memories of a design hold, cell by cell, as Yosys divides them among the chip's memories."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tfl2hw.codegen.synthesis import COLLISIONS
from tfl2hw.codegen.yosys import run_yosys

_FLOW = {"ecp5": "synth_ecp5", "ice40": "synth_ice40"}
_CELLS = {"ecp5": ("DP16KD", "TRELLIS_DPR16X4"), "ice40": ("SB_RAM40_4K*",)}
_INITIAL = re.compile(r"INIT(VAL)?(_[0-9A-F]{1,2})?")
_SHAPE = ("DATA_WIDTH_A", "DATA_WIDTH_B", "READ_MODE", "WRITE_MODE")
"""Parameters that tell how a cell divides its bits into words."""

_CONTENTS = re.compile(r"(  cell \$meminit_v2 [^\n]*\n(?:    [^\n]*\n)*?    connect \\DATA )[^\n]*\n")


@dataclass(frozen=True, kw_only=True)
class MemoryCell:
    """One memory of the chip: its cell type's name, the parameters that shape it, and its initial values.

    ``initial`` are strings of 0, 1 and x, the highest bit first, by the parameter's name.
    """

    type: str
    shape: Mapping[str, str]
    initial: Mapping[str, str]


_LOGIC = 'attribute \\ram_style "logic"'


def without_contents(rtlil: str) -> str:
    """RTLIL without what its memories hold: two designs that agree in it differ in contents alone.

    What is made of LUTs has no contents that could be replaced: it stays.
    """
    modules = re.split(r"(?m)^(?=module )", rtlil)
    return "".join(each if _LOGIC in each else _CONTENTS.sub(r"\1\n", each) for each in modules)


def mapped_cells(rtlil: str, family: str, name: str) -> dict[str, MemoryCell]:
    """The memory cells that a synthesis of ``rtlil`` makes, by their names in the netlist.

    The steps are those of ``synthesise`` up to where memories have become cells; the logic, which takes most
    of the time, is left away as soon as it has had its say on them.

    Raises
    ------
    ToolError : Yosys is missing or failed.
    """
    with tempfile.TemporaryDirectory(prefix="tfl2hw-") as folder:
        directory = Path(folder)
        (directory / f"{name}.il").write_text(rtlil)
        flow = f"{_FLOW[family]} -top {name}"
        kinds = " ".join(f"t:{kind}" for kind in _CELLS[family])
        commands = [
            f"read_rtlil {name}.il", COLLISIONS, f"{flow} -run begin:map_ram",
            "delete c:* t:$mem_v2 %d", f"{flow} -run map_ram:map_ffram",
            f"select {kinds}", "write_json -selected memories.json",
        ]  # fmt: skip
        run_yosys(commands, directory, "memories.log")
        return memory_cells(json.loads((directory / "memories.json").read_text())["modules"][name])


def memory_cells(module: Mapping[str, Any]) -> dict[str, MemoryCell]:
    """The memory cells of a module of a JSON netlist, by name."""
    return {
        name: MemoryCell(
            type=_kind(cell["type"]),
            shape={key: cell["parameters"][key] for key in _SHAPE if key in cell["parameters"]},
            initial=initial_values(cell),
        )
        for name, cell in module["cells"].items()
        if _kind(cell["type"]) in ("DP16KD", "TRELLIS_DPR16X4", "SB_RAM40_4K")
    }


def initial_values(cell: Mapping[str, Any]) -> dict[str, str]:
    """The parameters of a cell that are initial values."""
    return {key: value for key, value in cell["parameters"].items() if _INITIAL.fullmatch(key)}


def _kind(cell_type: str) -> str:
    return "SB_RAM40_4K" if cell_type.startswith("SB_RAM40_4K") else cell_type
