"""How long compiling takes, and how fast the simulator is.

``python bench/toolspeed.py [MODEL]... [--board B]... [--runs N] [--json]``

Each model (without MODEL: those of ``bench/cycles.py``) is compiled for ``sim-large`` and, with the search
for a shape, for ``ulx3s-85f``. kws_int8, or the first model, then runs N times on the 8x8 core of each board
through cocotb: cycles of the core a second, from the inputs to the answer, the best of the runs. Seconds are
those of the clock on the wall; what else the machine does slows them, so seconds of the processor stand
beside them. A simulator that is not in the cache is built before anything is measured.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer
from cycles import models

from tfl2hw.cli.inputs import random_samples
from tfl2hw.cli.options import Json
from tfl2hw.cli.terminal import print_json, print_table, progress
from tfl2hw.codegen import compile_model
from tfl2hw.errors import Tfl2hwError
from tfl2hw.runtime.network import open_session, to_device
from tfl2hw.sim.inference import simulated_core

BOARDS = ("sim-large", "ulx3s-85f")
SIMULATED = "kws_int8"


@dataclass(frozen=True, kw_only=True)
class Compilation:
    """Seconds from file to memory contents. ``refused`` is why there is none for this board."""

    model: str
    board: str
    seconds: float
    processor_seconds: float
    shape: str | None
    considered: int
    refused: str | None


@dataclass(frozen=True, kw_only=True)
class Simulation:
    """Cycles a second: the best run's by the clock on the wall, all runs' by the simulator's processor."""

    model: str
    board: str
    cycles: int
    a_second: float
    a_processor_second: float | None


def compilation(model: Path, board: str) -> Compilation:
    """Compile ``model`` for ``board``."""
    start, started = time.monotonic(), time.process_time()
    shape = refused = None
    considered = 0
    try:
        compiled = compile_model(model, board)
        config = compiled.config
        shape = f"{config.lanes}x{config.columns}, Q = {config.requantizers}"
        considered = 1 if compiled.search is None else len(compiled.search.considered)
    except Tfl2hwError as refusal:
        refused = str(refusal).removeprefix(f"{model}: ")
    return Compilation(
        model=model.stem,
        board=board,
        seconds=round(time.monotonic() - start, 2),
        processor_seconds=round(time.process_time() - started, 2),
        shape=shape,
        considered=considered,
        refused=refused,
    )


def simulation(model: Path, board: str, runs: int) -> Simulation:
    """Run ``model`` ``runs`` times on the 8x8 core of ``board``."""
    compiled = compile_model(model, board, "litert-ref", 8, 8)
    (sample,) = random_samples(compiled.graph, 1, 0)
    with simulated_core(compiled) as device:
        session = open_session(compiled, device)
        inputs = to_device(compiled, sample.inputs)
        session.run(inputs)  # loads the core
        processor = _processor(device.process_id)
        started, best, total = processor(), 0.0, 0
        for _ in range(runs):
            start = time.monotonic()
            cycles = session.run(inputs).cycles
            best, total = max(best, cycles / (time.monotonic() - start)), total + cycles
        busy = processor() - started
    return Simulation(
        model=model.stem,
        board=board,
        cycles=compiled.predicted_cycles,
        a_second=round(best),
        a_processor_second=round(total / busy) if busy else None,
    )


def _processor(process: int) -> Callable[[], float]:
    """The processor time of another process, where the system tells it."""
    file = Path(f"/proc/{process}/stat")
    if not file.exists():
        return lambda: 0.0

    def seconds() -> float:
        fields = file.read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    return seconds


def main(
    named: Annotated[list[Path] | None, typer.Argument(metavar="[MODEL]...", show_default=False)] = None,
    boards: Annotated[
        list[str] | None, typer.Option("--board", help="May be repeated (default: sim-large, ulx3s-85f).")
    ] = None,
    runs: Annotated[int, typer.Option("--runs", min=1, help="Simulated inferences.")] = 10,
    json: Json = False,
) -> None:
    """Seconds to compile, and simulated cycles a second."""
    found = models(named or [])
    with progress("compiling") as tell:
        compilations = []
        for model in found:
            for board in boards or BOARDS:
                tell(f"{model.stem} for {board}", None)
                compilations.append(compilation(model, board))
        simulated = next((model for model in found if model.stem == SIMULATED), found[0])
        tell(f"simulating {simulated.stem}", None)
        simulations = [simulation(simulated, board, runs) for board in boards or BOARDS]
    if json:
        print_json({
            "compilations": [asdict(each) for each in compilations],
            "simulations": [asdict(each) for each in simulations],
        })
    else:
        _print(compilations, simulations)


def _print(compilations: list[Compilation], simulations: list[Simulation]) -> None:
    rows = [
        (
            each.model,
            each.board,
            each.seconds,
            each.processor_seconds,
            each.shape or "refused",
            each.considered or None,
        )
        for each in compilations
    ]
    header = ("model", "board", "seconds", "of the processor", "shape", "shapes considered")
    print_table("From file to memory contents", header, rows, "  rr r")
    print_table(
        "Simulation of the 8x8 core through cocotb",
        ("model", "core", "cycles", "cycles a second", "a second of the processor"),
        [
            (each.model, each.board, each.cycles, int(each.a_second), each.a_processor_second)
            for each in simulations
        ],
        "  rrr",
    )


if __name__ == "__main__":
    typer.run(main)
