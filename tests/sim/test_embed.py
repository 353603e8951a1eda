"""Cores behind other people's buses: TFLite's bytes, whatever the bus does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.small_models import SmallModel, samples
from tfl2hw.codegen import Compiled, compile_model, embed
from tfl2hw.codegen.verilog import to_verilog
from tfl2hw.runtime.network import to_device
from tfl2hw.sim import simulate, verilator
from tfl2hw.sim.oracle import interpret

DIGITS = Path(__file__).parents[2] / "examples" / "digits"
BENCHES = {"axi_stream": "tests.sim.axi_stream_bench", "wishbone": "tests.sim.wishbone_bench"}


def run_bench(compiled: Compiled, kind: str, inputs: Sequence[Sequence[Any]], folder: Path) -> None:
    """The bench of ``kind`` with ``inputs``, and what the interpreter makes of them."""
    scratchpad = "block" if compiled.config.scratchpad == "block" else "spram-model"
    config = replace(compiled.config, multiplier="generic", scratchpad=scratchpad)
    component, name = embed.make(compiled, kind, config), embed.module_names(compiled)[kind]
    verilog = to_verilog(component, name, embed.SEPARATOR)
    answers = interpret(compiled.file, inputs, "litert-ref")
    outputs = [[answer[tensor] for tensor in compiled.graph.outputs] for answer in answers]
    simulate.simulate(
        verilator.build(verilog, name, public=[port.name for port in embed.ports(component)]),
        top=name,
        module=BENCHES[kind],
        parameters={
            "inputs": [_hex(to_device(compiled, sample)) for sample in inputs],
            "outputs": [_hex(sample) for sample in outputs],
            "weights": embed.weights_of(compiled).hex(),
            "identity": compiled.config.identity,
            "cycles": compiled.predicted_cycles,
            "window_bytes": embed.facts(compiled, config)["wishbone"]["window_bytes"],
        },
        folder=folder,
    )


def _hex(arrays: Sequence[Any]) -> str:
    return b"".join(np.ascontiguousarray(array).tobytes() for array in arrays).hex()


@pytest.mark.parametrize("kind", BENCHES)
def test_digits(kind: str, tmp_path: Path) -> None:
    compiled = compile_model(DIGITS / "digits_int8.tflite", "ulx3s-25f", lanes=4, columns=4, strips=False)
    inputs = [[np.load(DIGITS / f"digit_{digit}.npy")] for digit in (3, 7)]
    run_bench(compiled, kind, inputs, tmp_path)


@pytest.mark.parametrize("kind", BENCHES)
def test_weights_that_are_loaded(kind: str, tmp_path: Path) -> None:
    """A UP5K's, whose memory cannot start with them; two inputs and two outputs, one of them in between."""
    model = SmallModel(11)
    first, second = model.input((1, 3, 4, 3)), model.input((1, 10))
    model.sink(model.conv(first, 5, (3, 3)))
    model.sink(model.dense(second, 6))
    compiled = compile_model(model.write(tmp_path, "small"), "icebreaker", lanes=4, columns=2)
    assert embed.tensors_of(compiled).weight_bytes
    run_bench(compiled, kind, samples(compiled.file, 2), tmp_path)
