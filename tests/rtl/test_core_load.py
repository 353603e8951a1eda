"""LOAD jobs: a core that starts empty is filled through its scratchpad and then runs the model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests import small_models
from tests.small_models import SmallModel
from tfl2hw.codegen.compile import Compiled, compile_model
from tfl2hw.codegen.cycles import count_cycles
from tfl2hw.codegen.verilog import to_verilog
from tfl2hw.passes.evaluate_network import evaluate_network
from tfl2hw.rtl_templates.config import CoreConfig
from tfl2hw.rtl_templates.core import Core
from tfl2hw.rtl_templates.hostbus import PROGRAM_SPACE
from tfl2hw.rtl_templates.isa import Kind, Opcode, instruction, write
from tfl2hw.rtl_templates.tail import destinations
from tfl2hw.runtime.device import Device
from tfl2hw.runtime.network import location
from tfl2hw.runtime.session import Session
from tfl2hw.sim.device import SimulatedDevice
from tfl2hw.sim.harness import CoreDesign

CHUNK_WORDS = 24
"""Scratchpad words that the host sends at a time."""

Load = tuple[int, Sequence[Sequence[int]], int]
"""First destination, the entries of each, and the words that carry an entry."""


def model() -> SmallModel:
    """Convolutions, a window, a sum, and softmaxes of three scales, one of them twice; two logarithms."""
    made = small_models.network(5)
    made.sink(*(made.softmax(made.input((1, 3, 9), scale=scale)) for scale in (0.1, 0.3, 0.1)))
    made.sink(*(made.log_softmax(made.input((1, 2, 7), scale=scale)) for scale in (0.1, 0.3)))
    return made


def loads(compiled: Compiled, config: CoreConfig) -> Iterator[Load]:
    """What a core has to hold, by destination."""
    image, first = compiled.image, destinations(config)
    yield 0, image.weights, 1
    yield first["parameters"], image.parameters, config.parameter_parts
    yield first["table0"], image.tables, config.table_parts
    yield first["exponentials"], [image.exponentials], config.exponential_parts
    yield first["logarithms"], [image.logarithms], config.exponential_parts


def send(device: Device, config: CoreConfig, load: Load) -> None:
    """Chunk by chunk into the scratchpad, from there on by a program of one LOAD."""
    destination, memories, parts = load
    entries = max(1, CHUNK_WORDS // (parts * len(memories)))
    for start in range(0, len(memories[0]), entries):
        chunk = [memory[start : start + entries] for memory in memories]
        words = [entry for each in chunk for entry in each]
        device.write(0, b"".join(entry.to_bytes(parts * config.lanes, "little") for entry in words))
        values = {
            "load_base": 0, "load_words": len(chunk[0]) * parts - 2, "load_first": destination,
            "load_count": len(chunk) - 2, "load_address": start * parts,
        }  # fmt: skip
        program = [write(name, value) for name, value in values.items()]
        program += [instruction(Opcode.START, Kind.LOAD), instruction(Opcode.END)]
        send_program(device, program)
        assert device.run(0) == (count_cycles(program, config).total, len(program))


def send_program(device: Device, words: Sequence[int]) -> None:
    device.write(PROGRAM_SPACE, b"".join(word.to_bytes(4, "little") for word in words))


@pytest.mark.parametrize(
    "shape",
    [(4, 4), pytest.param((8, 4), marks=pytest.mark.long), pytest.param((16, 8), marks=pytest.mark.long)],
)
def test_a_model_in_an_empty_core(shape: tuple[int, int], tmp_path: Path) -> None:
    """Banks, parameters of several words, both tables and the exponentials; then exact, on time."""
    path = model().write(tmp_path, "model")
    compiled = compile_model(path, "sim-large", "litert-ref", *shape)
    assert compiled.config.softmax_tables == 3
    config = replace(compiled.config, count_bits=max(10, compiled.config.count_bits))
    sample = small_models.samples(path, 1)[0]
    expected = evaluate_network(compiled.network, sample)
    with SimulatedDevice(to_verilog(Core(config), "core"), CoreDesign(name="core")) as transport:
        device = Device(transport, lanes=config.lanes)
        for load in loads(compiled, config):
            send(device, config, load)
        send_program(device, compiled.image.program)
        session = Session(
            device,
            identity=bytes.fromhex(config.identity),
            loads=(),
            inputs=[location(compiled, tensor) for tensor in compiled.network.inputs],
            outputs=[location(compiled, tensor) for tensor in compiled.network.outputs],
        )
        answer = session.run(sample)
    assert answer.cycles == compiled.predicted_cycles
    for tensor, output in zip(compiled.network.outputs, answer.outputs, strict=True):
        np.testing.assert_array_equal(output, expected[tensor])
