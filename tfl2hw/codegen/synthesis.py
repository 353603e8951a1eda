"""RTLIL to a netlist of the chip's cells."""

from __future__ import annotations

import re
from itertools import count
from pathlib import Path

from tfl2hw.boards import Board
from tfl2hw.codegen.ecp5_netlist import finish_netlist
from tfl2hw.codegen.tools import Progress
from tfl2hw.codegen.yosys import run_yosys

STAGE = "synthesis"

SMALL_SET = 8
"""On iCE40 eight logic cells share clock enable and reset. Flip-flops that share a reset with fewer others
get it as logic: it mostly fits into the cell's own LUT, and the placer can fill its tiles."""
SMALL_ENABLED = 6
"""The same of clock enables. A counter's LUTs are full already, so the least counters keep theirs."""

_ICE40_CELLS = (
    "$_DFF_?_", "$_DFFE_?P_", "$_DFF_?P?_", "$_DFFE_?P?P_", "$_SDFF_?P?_", "$_SDFFCE_?P?P_",
)  # fmt: skip
_SYNTHESIS = {
    "ecp5": (
        "synth_ecp5 -top {name} -run begin:map_luts",
        "splitnets",
        "synth_ecp5 -top {name} -run map_luts: -json {name}.json",
    ),
    "ice40": (
        "synth_ice40 -top {name} -run begin:map_ffs",
        "dfflegalize "
        + " ".join(f"-cell {cell} 0" for cell in _ICE40_CELLS)
        + f" -cell $_DLATCH_?_ x -mince {SMALL_ENABLED} -minsrst {SMALL_SET}",
        "synth_ice40 -top {name} -run map_ffs: -json {name}.json",
    ),
}
"""Commands of each family. On ECP5 Yosys 0.70 sometimes fails to put back what ABC has mapped (an assertion
on the sizes of two nets) unless nets are single bits by then: hence ``splitnets``."""

_HEADER = re.compile(r"^\d+\.\d+\. (?:Executing )?(\S+)")
_HEADERS = {"ecp5": 53, "ice40": 52}
"""Steps that each family's commands announce; good enough for a progress bar."""

COLLISIONS = (
    "setparam -set COLLISION_X_MASK 1'1 t:$memrd_v2 r:COLLISION_X_MASK=1'0 %i r:TRANSPARENCY_MASK=1'0 %i"
)
"""Amaranth promises the old value when a word is read and written at once, which costs registers and
a LUT behind each block RAM. No unit reads and writes one address at once and uses what it reads, but for
ports that are transparent, so the promise is taken back."""


def synthesise(name: str, board: Board, directory: Path, progress: Progress) -> None:
    """``NAME.il`` to ``NAME.json`` in ``directory``, finished for the board's chip (see ``ecp5_netlist``).

    The log is ``synthesis.log``.

    Raises
    ------
    ToolError : Yosys is missing, failed, or reports a conflict of drivers.
    """
    steps = count(1)

    def follow(line: str) -> None:
        header = _HEADER.match(line)
        if header:
            done = min(next(steps) / _HEADERS[board.family], 0.99)
            progress(f"{STAGE}: {header.group(1)}", done)

    commands = [f"read_rtlil {name}.il", COLLISIONS]
    commands += [command.format(name=name) for command in _SYNTHESIS[board.family]]
    run_yosys(commands, directory, "synthesis.log", follow)
    if board.family == "ecp5" and board.chip is not None:
        finish_netlist(directory / f"{name}.json", name, board.chip.dsp_rows)
