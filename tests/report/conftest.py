"""A model with everything that a report can have, as if it had been built, simulated and verified."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tfl2hw.codegen import Compiled, compile_model
from tfl2hw.codegen.bitstream import BuildResult
from tfl2hw.codegen.critical_path import CriticalPath, Stretch
from tfl2hw.sim.inference import Comparison, Mismatch, SampleRun
from tfl2hw.sim.verify import StageResult

DIGITS = Path(__file__).parents[2] / "examples" / "digits" / "digits_int8.tflite"


@pytest.fixture(scope="session")
def digits() -> Compiled:
    return compile_model(DIGITS, "icebreaker")


def build_of(compiled: Compiled, fmax_mhz: float = 35.2) -> BuildResult:
    path = (
        Stretch(unit="byte_units.softmax.x", cells=1, carries=0, logic_ns=1.39, wires_ns=0.0),
        Stretch(unit="array.column3.accumulator", cells=27, carries=23, logic_ns=10.1, wires_ns=9.4),
    )
    return BuildResult(
        bitstream=Path("icebreaker.bin"),
        fmax_mhz=fmax_mhz,
        target_mhz=30.0,
        meets_timing=fmax_mhz >= 30,
        resources={"LC": (5090, 5280), "DSP": (8, 8), "block RAM": (25, 30), "SPRAM": (4, 4)},
        critical_path=CriticalPath(stretches=path),
    )


def comparison_of(compiled: Compiled, mismatches: tuple[Mismatch, ...] = ()) -> Comparison:
    def zeros(tensor: int) -> np.ndarray:
        return np.zeros(compiled.graph.tensors[tensor].shape, np.int8)

    made = [tensor for layer in compiled.schedule.layers for tensor in layer.outputs]
    run = SampleRun(
        outputs=tuple(zeros(tensor) for tensor in compiled.graph.outputs),
        tensors={tensor: zeros(tensor) for tensor in made if tensor in compiled.graph.tensors},
        cycles=compiled.predicted_cycles,
    )
    return Comparison(runs=(run,) * 2, tensors_checked=2 * len(run.tensors), mismatches=mismatches)


def stages_of(compiled: Compiled) -> list[StageResult]:
    return [
        StageResult(
            stage=stage,
            samples=1,
            tensors_checked=9,
            mismatches=(),
            cycles=compiled.predicted_cycles,
            seconds=1.0,
        )
        for stage in ("rtl", "routed")
    ]
