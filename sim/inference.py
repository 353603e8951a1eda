"""A compiled model on the simulated core, every tensor compared with the interpreter's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tfl2hw.codegen import Compiled
from tfl2hw.codegen.bitstream import pll_for, uart_divisor
from tfl2hw.codegen.tools import silent
from tfl2hw.codegen.verilog import to_verilog
from tfl2hw.rtl_templates.core import Core
from tfl2hw.rtl_templates.top import UartTop
from tfl2hw.runtime.flash import boot_cycles
from tfl2hw.runtime.network import as_in_file, from_device, location, open_session, to_device
from tfl2hw.runtime.session import Session
from tfl2hw.sim.device import CYCLES_A_SECOND, SimulatedDevice
from tfl2hw.sim.harness import SPI, CoreDesign, UartDesign
from tfl2hw.sim.meter import Meter, Progress
from tfl2hw.sim.oracle import interpret
from tfl2hw.sim.prebuilt import prebuilt_verilog
from tfl2hw.sim.verilator import require_programs

Array = npt.NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class Mismatch:
    """A tensor that differs from the interpreter's: in how many values, and how the first does."""

    sample: int
    tensor: int
    name: str
    values: int
    first: str


@dataclass(frozen=True, kw_only=True, eq=False)
class SampleRun:
    """One inference: outputs and intermediate tensors (by index) in the file's types and shapes.

    ``cycles`` is from start to answer ready, of a run without halts.
    """

    outputs: tuple[Array, ...]
    tensors: Mapping[int, Array]
    cycles: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Comparison:
    """All samples: what the core did, and where it differs from the interpreter."""

    runs: tuple[SampleRun, ...]
    tensors_checked: int
    mismatches: tuple[Mismatch, ...]


def simulated_core(
    compiled: Compiled, waves: Path | None = None, progress: Progress = silent
) -> SimulatedDevice:
    """The bare core of ``compiled`` in simulation."""
    require_programs()
    return SimulatedDevice(_verilog(compiled), CoreDesign(name="core"), waves=waves, progress=progress)


def simulated_board(
    compiled: Compiled,
    waves: Path | None = None,
    *,
    divisor: int | None = None,
    progress: Progress = silent,
    flash: bytes | None = None,
) -> SimulatedDevice:
    """The core of ``compiled`` behind its board's UART, bit by bit, in simulation.

    Parameters
    ----------
    divisor : the UART's, in clock cycles a bit: None for the board's own.
    flash : what the board's flash holds from ``Board.flash`` on, which a core that boots has read when this
        returns; None: a core without a flash.
    """
    require_programs()
    if divisor is None:
        divisor = uart_divisor(clock_mhz(compiled), compiled.board.baud)
    if flash is None:
        verilog = to_verilog(UartTop(_core(compiled), divisor), "top")
        design = UartDesign(name="top", divisor=divisor)
        return SimulatedDevice(verilog, design, waves=waves, progress=progress)
    address = compiled.board.flash or 0
    verilog = to_verilog(UartTop(_core(compiled, boots=True), divisor, address), "top")
    design = UartDesign(name="top", divisor=divisor, flash=SPI, flash_address=address)
    device = SimulatedDevice(verilog, design, waves=waves, flash=flash, progress=progress)
    progress("booting from the flash", None)
    device.read(1, boot_cycles(flash) / CYCLES_A_SECOND)
    return device


def clock_mhz(compiled: Compiled) -> float:
    """The core's clock on its board."""
    board = compiled.board
    return float(board.target_mhz if board.chip is None else pll_for(board).mhz)


def run_samples(
    compiled: Compiled,
    samples: Sequence[Sequence[Array]],
    numerics: str,
    progress: Progress,
    waves: Path | None = None,
) -> Comparison:
    """Run every sample, once in one go and once layer by layer, and compare all that it computes.

    Raises
    ------
    ModelError, ToolError : the interpreter or the simulator cannot run the model.
    """
    progress("the interpreter", None)
    expected = interpret(compiled.file, samples, numerics)
    runs = run_core(compiled, samples, progress, waves)
    mismatches, checked = [], 0
    for number, (run, wanted) in enumerate(zip(runs, expected, strict=True)):
        found = computed(compiled, run)
        checked += len(found)
        mismatches += differences(compiled, number, found, wanted)
    return Comparison(runs=tuple(runs), tensors_checked=checked, mismatches=tuple(mismatches))


def computed(compiled: Compiled, run: SampleRun) -> dict[int, Array]:
    """All tensors of a run by their index, outputs included."""
    return {**run.tensors, **dict(zip(compiled.graph.outputs, run.outputs, strict=True))}


def run_core(
    compiled: Compiled, samples: Sequence[Sequence[Array]], progress: Progress, waves: Path | None = None
) -> list[SampleRun]:
    """Run every sample on the simulated core, once in one go and once layer by layer.

    Raises
    ------
    ToolError : the simulator cannot be built, or fails.
    """
    progress("elaborating the core", None)
    with simulated_core(compiled, waves, progress) as device:
        return run_on(device, compiled, samples, progress)


def run_on(
    device: SimulatedDevice, compiled: Compiled, samples: Sequence[Sequence[Array]], progress: Progress
) -> list[SampleRun]:
    """The same on a device that is there already: a prebuilt core runs model after model.

    Raises
    ------
    ToolError : the device fails, or has another core.
    """
    session = open_session(compiled, device)
    progress("loading the model", None)
    session.prepare()
    with metered(device, compiled, [True] * len(samples), progress) as meter:
        return [
            run_sample(compiled, session, sample, meter=meter, name=_counted(number, len(samples)))
            for number, sample in enumerate(samples)
        ]


@contextmanager
def metered(
    device: SimulatedDevice, compiled: Compiled, layers: Sequence[bool], progress: Progress
) -> Iterator[Meter]:
    """Counts the cycles of ``device`` over samples, each with or without a second run for its ``layers``."""
    meter = Meter(progress, compiled.predicted_cycles * (len(layers) + sum(layers)))
    device.watch(meter.tick)
    try:
        yield meter
    finally:
        device.watch(None)


def _counted(number: int, samples: int) -> str:
    return f"sample {number + 1} of {samples}"


def run_sample(
    compiled: Compiled,
    session: Session,
    sample: Sequence[Array],
    *,
    layers: bool = True,
    meter: Meter | None = None,
    name: str = "",
) -> SampleRun:
    """Run one sample in one go and, with ``layers``, once more layer by layer to read every tensor.

    ``meter`` is told each step, and calls the sample by its ``name``.

    Raises
    ------
    ToolError : the device fails, or has another core.
    """
    inputs = to_device(compiled, sample)
    if meter is not None:
        meter.begin(name, compiled.predicted_cycles)
    whole = session.run(inputs)
    tensors = {}
    halts = [0, *compiled.cycles.breaks, compiled.predicted_cycles]
    steps = session.steps(inputs) if layers else iter(())
    for number, layer in enumerate(compiled.schedule.layers if layers else ()):
        if meter is not None and number + 1 < len(halts):
            meter.begin(f"{name}, layer {number + 1} {layer.op}", halts[number + 1] - halts[number])
        if next(steps, None) is None:
            break
        for tensor in layer.outputs:
            if tensor in compiled.graph.tensors:
                found = session.fetch(location(compiled, tensor))
                tensors[tensor] = as_in_file(compiled, tensor, found)
    return SampleRun(
        outputs=tuple(from_device(compiled, whole.outputs)), tensors=tensors, cycles=whole.cycles
    )


def differences(
    compiled: Compiled, sample: int, found: Mapping[int, Array], wanted: Mapping[int, Array]
) -> list[Mismatch]:
    """Those tensors of sample number ``sample`` in ``found`` that are not as in ``wanted``."""
    different = []
    for tensor, values in found.items():
        places = np.argwhere(values != wanted[tensor])
        if len(places):
            at = tuple(int(axis) for axis in places[0])
            different.append(
                Mismatch(
                    sample=sample,
                    tensor=tensor,
                    name=compiled.graph.tensors[tensor].name,
                    values=len(places),
                    first=f"at {at}: {values[at]}, not {wanted[tensor][at]}",
                )
            )
    return different


def _verilog(compiled: Compiled) -> str:
    if compiled.board.core is not None:
        return prebuilt_verilog(compiled.config, "core")
    return to_verilog(_core(compiled), "core")


def _core(compiled: Compiled, *, boots: bool = False) -> Core:
    """The core with what a simulator can hold in place of the chip's primitives."""
    scratchpad = "block" if compiled.config.scratchpad == "block" else "spram-model"
    config = replace(compiled.config, multiplier="generic", scratchpad=scratchpad)
    return Core(config, compiled.core_image, boots=boots)
