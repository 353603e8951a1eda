"""The same inputs on every stage of a build: reference, RTL, synthesised netlist, routed netlist."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy.typing as npt

from tfl2hw.codegen import Compiled
from tfl2hw.codegen.bitstream import NAME, uart_divisor
from tfl2hw.codegen.tools import silent
from tfl2hw.errors import ToolError
from tfl2hw.passes.evaluate import evaluate
from tfl2hw.runtime.flash import boot_contents, boot_cycles
from tfl2hw.runtime.network import open_session
from tfl2hw.sim.device import CYCLES_A_SECOND, SimulatedDevice
from tfl2hw.sim.harness import UartDesign
from tfl2hw.sim.inference import (
    Mismatch,
    SampleRun,
    clock_mhz,
    computed,
    differences,
    metered,
    run_sample,
)
from tfl2hw.sim.meter import Progress
from tfl2hw.sim.netlist import Stage, netlist_verilog
from tfl2hw.sim.oracle import interpret

Array = npt.NDArray[Any]

NETLISTS: tuple[Stage, ...] = ("rtl", "synthesis", "routed")
STAGES = ("reference", *NETLISTS)

POWER_UP = 256
"""Cycles until a board's top has left its reset."""


@dataclass(frozen=True, kw_only=True, eq=False)
class StageResult:
    """What one stage computed, against the interpreter.

    ``cycles`` are the most that a sample took, None for the reference. ``error`` says how the stage
    failed where it did not even answer, or not in the cycles that were predicted.
    """

    stage: str
    samples: int
    tensors_checked: int
    mismatches: tuple[Mismatch, ...]
    cycles: int | None
    seconds: float
    error: str | None = None

    @property
    def exact(self) -> bool:
        """Whether every tensor is the interpreter's."""
        return not self.mismatches and self.error is None


def verify_build(
    compiled: Compiled,
    directory: Path,
    samples: Sequence[Sequence[Array]],
    numerics: str,
    progress: Progress,
    *,
    stages: Sequence[str] = STAGES,
    layers: bool = True,
) -> list[StageResult]:
    """Run ``samples`` on each of ``stages`` of the build in ``directory``, from pin to pin.

    The bench does the same at the pins of every stage: weights from the flash, where the core boots from it,
    or over the link where it takes them so, inputs, and reads of outputs and, with ``layers``, of every
    tensor of the first sample.

    Parameters
    ----------
    directory : the folder of intermediate files that ``build_bitstream`` made.

    Raises
    ------
    ModelError : the interpreter does not take the model.
    ToolError : the build left no netlist of a stage, or a tool is missing or failed.
    """
    progress("the interpreter", None)
    expected = interpret(compiled.file, samples, numerics)
    results = []
    for stage in stages:
        if stage == "reference":
            progress(stage, None)
            results.append(_reference(compiled, samples, numerics, expected))
        else:
            netlist: Stage = next(name for name in NETLISTS if name == stage)
            results.append(_netlist(compiled, directory, netlist, samples, expected, progress, layers))
    return results


def netlist_device(
    stage: Stage,
    family: str,
    directory: Path,
    divisor: int,
    progress: Progress = silent,
    *,
    flash: bytes = b"",
    flash_address: int | None = None,
) -> SimulatedDevice:
    """The board's top as ``stage`` left it in ``directory``, behind its UART pins, out of reset.

    Parameters
    ----------
    family : "ecp5" or "ice40".
    divisor : clock cycles a bit of its UART.
    flash : what its flash holds from byte ``flash_address`` on; by then it has been read.

    Raises
    ------
    ToolError : as ``netlist_verilog``, or no simulator can be built.
    """
    with tempfile.TemporaryDirectory(prefix="tfl2hw-netlist-") as work:
        verilog, pins = netlist_verilog(stage, family, directory, Path(work))
    design = UartDesign(
        name=NAME,
        divisor=divisor,
        clk=pins.clock,
        rst=None,
        rx=pins.rx,
        tx=pins.tx,
        flash=pins.flash,
        flash_address=flash_address or 0,
    )
    told = partial(_within, progress, stage)
    device = SimulatedDevice(verilog, design, gates=True, flash=flash, progress=told)
    device.read(1, (POWER_UP + boot_cycles(flash)) / CYCLES_A_SECOND)
    return device


def _within(progress: Progress, stage: str, text: str, fraction: float | None) -> None:
    progress(f"{stage}: {text}", fraction)


def _reference(
    compiled: Compiled,
    samples: Sequence[Sequence[Array]],
    numerics: str,
    expected: Sequence[Mapping[int, Array]],
) -> StageResult:
    """The integer arithmetic of the operators, which everything else is compiled from."""
    start = time.monotonic()
    mismatches: list[Mismatch] = []
    checked = 0
    for number, (sample, wanted) in enumerate(zip(samples, expected, strict=True)):
        found = evaluate(compiled.graph, numerics, sample)
        known = {index: values for index, values in found.items() if index in wanted}
        checked += len(known)
        mismatches += differences(compiled, number, known, wanted)
    return StageResult(
        stage="reference",
        samples=len(samples),
        tensors_checked=checked,
        mismatches=tuple(mismatches),
        cycles=None,
        seconds=time.monotonic() - start,
    )


def _netlist(
    compiled: Compiled,
    directory: Path,
    stage: Stage,
    samples: Sequence[Sequence[Array]],
    expected: Sequence[Mapping[int, Array]],
    progress: Progress,
    layers: bool,
) -> StageResult:
    progress(f"{stage}: building the simulator", None)
    start = time.monotonic()
    runs: list[SampleRun] = []
    error: str | None = None
    divisor = uart_divisor(clock_mhz(compiled), compiled.board.baud)
    board, contents = compiled.board, boot_contents(compiled) if compiled.boots else b""
    with netlist_device(
        stage, board.family, directory, divisor, progress, flash=contents, flash_address=board.flash
    ) as device:
        session = open_session(compiled, device, booted=compiled.boots)
        progress(f"{stage}: loading the model", None)
        watched = [layers and number == 0 for number in range(len(samples))]
        try:
            session.prepare()
            with metered(device, compiled, watched, progress) as meter:
                for number, sample in enumerate(samples):
                    name = f"{stage}: sample {number + 1} of {len(samples)}"
                    runs.append(
                        run_sample(compiled, session, sample, layers=watched[number], meter=meter, name=name)
                    )
        except ToolError as problem:  # a netlist that is wrong need not answer at all
            error = str(problem)
    mismatches: list[Mismatch] = []
    for number, (run, wanted) in enumerate(zip(runs, expected, strict=False)):
        mismatches += differences(compiled, number, computed(compiled, run), wanted)
        if error is None and run.cycles != compiled.predicted_cycles:
            error = f"sample {number} took {run.cycles} cycles, predicted are {compiled.predicted_cycles}"
    return StageResult(
        stage=stage,
        samples=len(runs),
        tensors_checked=sum(len(computed(compiled, run)) for run in runs),
        mismatches=tuple(mismatches),
        cycles=max((run.cycles for run in runs), default=None),
        seconds=time.monotonic() - start,
        error=error,
    )
