"""The doors between the command line and the rooms behind it: one thin call each.

What needs the ``sim`` or ``build`` extra is imported when it is called, so that the other commands
work without them and a missing package becomes a sentence.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tfl2hw.cli.inputs import Sample
from tfl2hw.cli.results import Answer, Bitstream, BoardLine, Layer, Simulation
from tfl2hw.cli.terminal import Tell
from tfl2hw.errors import ToolError
from tfl2hw.ops import Numerics

Compiled = Any
"""tfl2hw.codegen.Compiled."""


def boards() -> Sequence[BoardLine]:
    """Every board that there is to build for."""
    raise ToolError("the boards are not there yet")


def compile_model(
    path: Path,
    board: str,
    numerics: Numerics = "litert-ref",
    lanes: int | None = None,
    columns: int | None = None,
) -> Compiled:
    """``path`` compiled for ``board``; ``lanes`` and ``columns`` override the board's array."""
    raise ToolError("the compiler is not there yet")


def layers(compiled: Compiled) -> tuple[Layer, ...]:
    """The layers with their predicted cycles."""
    raise ToolError("the compiler is not there yet")


def write_compiled(compiled: Compiled, directory: Path) -> list[Path]:
    """Write program, weight image, Verilog and report into ``directory``; the files written."""
    raise ToolError("the compiler is not there yet")


def simulate(compiled: Compiled, samples: Sequence[Sample], waves: Path | None, tell: Tell) -> Simulation:
    """Run every sample on the simulated core and compare every tensor with the interpreter's."""
    raise ToolError("the simulator is not there yet")


def build(compiled: Compiled, directory: Path, tell: Tell) -> Bitstream:
    """Synthesise, place, route and pack into ``directory``."""
    raise ToolError("the tools' runner is not there yet")


def program(directory: Path, tell: Tell) -> None:
    """Load the bitstream in ``directory`` onto its board."""
    raise ToolError("the programmer's runner is not there yet")


def run(directory: Path, port: str, sample: Sample, tell: Tell) -> Answer:
    """Send ``sample`` over ``port`` ("sim": the simulated board) and wait for the answer."""
    raise ToolError("the host session is not there yet")
