"""LOAD jobs in hardware: a core that starts empty is filled through a small scratchpad, and runs.

That every memory is loaded at all is shown by each test on the prebuilt core; here the pieces are small.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests import small_models
from tests.small_models import SmallModel
from tfl2hw.codegen.compile import compile_model
from tfl2hw.codegen.cycles import count_cycles
from tfl2hw.codegen.loading import Load, loads
from tfl2hw.codegen.verilog import to_verilog
from tfl2hw.passes.evaluate_network import evaluate_network
from tfl2hw.rtl_templates.core import Core
from tfl2hw.rtl_templates.hostbus import PROGRAM_SPACE
from tfl2hw.runtime.device import Device
from tfl2hw.runtime.network import location
from tfl2hw.runtime.session import Session
from tfl2hw.sim.device import SimulatedDevice
from tfl2hw.sim.harness import CoreDesign

PIECE_WORDS = 32
"""Words of the scratchpad that are used at a time."""


def model() -> SmallModel:
    """Convolutions, a window, a sum, and softmaxes of three scales, one of them twice; two logarithms."""
    made = small_models.network(5)
    made.sink(*(made.softmax(made.input((1, 3, 9), scale=scale)) for scale in (0.1, 0.3, 0.1)))
    made.sink(*(made.log_softmax(made.input((1, 2, 7), scale=scale)) for scale in (0.1, 0.3)))
    return made


def words_of(load: Load) -> list[int]:
    """The program of a load that runs."""
    (program,) = (data for address, data in load.writes if address == PROGRAM_SPACE)
    return [int.from_bytes(program[at : at + 4], "little") for at in range(0, len(program), 4)]


@pytest.mark.long
@pytest.mark.parametrize("shape", [(4, 4), (8, 4), (16, 8)])
def test_a_model_in_an_empty_core(shape: tuple[int, int], tmp_path: Path) -> None:
    """Banks, parameters of several words, tables, exponentials and logarithms; then exact, on time."""
    path = model().write(tmp_path, "model")
    compiled = compile_model(path, "ulx3s-85f", "litert-ref", *shape)
    assert (compiled.config.softmax_tables, compiled.config.log_tables) == (3, 2)
    config = replace(compiled.config, count_bits=max(10, compiled.config.count_bits))
    *filling, last = loads(compiled.image, replace(config, scratchpad_words=PIECE_WORDS))
    assert len(filling) > 20
    sample = small_models.samples(path, 1)[0]
    expected = evaluate_network(compiled.network, sample)
    with SimulatedDevice(to_verilog(Core(config), "core"), CoreDesign(name="core")) as transport:
        device = Device(transport, lanes=config.lanes)
        device.mark(1)
        for load in filling:
            for address, data in load.writes:
                device.write(address, data)
            words = words_of(load)
            assert device.run(0) == (count_cycles(words, config).total, len(words))
        session = Session(
            device,
            identity=bytes.fromhex(config.identity),
            loads=(last,),
            inputs=[location(compiled, tensor) for tensor in compiled.network.inputs],
            outputs=[location(compiled, tensor) for tensor in compiled.network.outputs],
        )
        answer = session.run(sample)
    assert answer.cycles == compiled.predicted_cycles
    for tensor, output in zip(compiled.network.outputs, answer.outputs, strict=True):
        np.testing.assert_array_equal(output, expected[tensor])
