"""Loads, done in Python as the tail does them: every memory then holds what the image says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests import small_models
from tfl2hw.boards.sim_large import generous_core
from tfl2hw.codegen.compile import Compiled, compile_model
from tfl2hw.codegen.loading import Load, loads
from tfl2hw.rtl_templates.config import CoreConfig
from tfl2hw.rtl_templates.hostbus import PROGRAM_SPACE
from tfl2hw.rtl_templates.isa import REGISTERS, VALUE_BITS, Kind, Opcode, kind_of, signed_value
from tfl2hw.rtl_templates.tail import destinations


@pytest.fixture(scope="module", params=[(4, 4), (8, 8), (16, 4)], ids=str)
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Compiled:
    """A model with everything that is loaded, the scratchpad's constants too."""
    model = small_models.indices(2)
    model.sink(small_models.add_network(model, residual=True))
    model.sink(*(model.softmax(model.input((1, 3, 9), scale=scale)) for scale in (0.1, 0.3)))
    model.sink(model.log_softmax(model.input((1, 2, 7), scale=0.1)))
    path = model.write(tmp_path_factory.mktemp("model"), "model")
    return compile_model(path, "sim-large", "litert-ref", *request.param)


class Filled:
    """A core's memories as its LOAD jobs leave them."""

    def __init__(self, config: CoreConfig) -> None:
        self._lanes = config.lanes
        self._scratchpad = bytearray(config.scratchpad_words * config.lanes)
        self._program = bytearray(4 * config.program_depth)
        self.words: dict[int, dict[int, bytes]] = {}
        """By destination: words by their address."""

    def do(self, load: Load) -> None:
        for address, data in load.writes:
            memory, start = (
                (self._program, address - PROGRAM_SPACE)
                if address >= PROGRAM_SPACE
                else (self._scratchpad, address)
            )
            assert start + len(data) <= len(memory)
            memory[start : start + len(data)] = data
        if load.runs:
            self._run()

    def _run(self) -> None:
        registers: dict[str, int] = {}
        for at in range(0, len(self._program), 4):
            word = int.from_bytes(self._program[at : at + 4], "little")
            opcode, value = word >> VALUE_BITS, word & (1 << VALUE_BITS) - 1
            if opcode == Opcode.END:
                return
            if opcode == Opcode.START:
                assert value == kind_of(value) == Kind.LOAD
                self._load({name: signed_value(value) for name, value in registers.items()})
            else:
                registers[REGISTERS[opcode]] = value
        raise AssertionError("a program without an end")

    def _load(self, registers: dict[str, int]) -> None:
        at = registers["load_base"]
        for number in range(registers["load_count"] + 2):
            place = self.words.setdefault(registers["load_first"] + number, {})
            for word in range(registers["load_words"] + 2):
                place[registers["load_address"] + word] = bytes(self._scratchpad[at : at + self._lanes])
                at += self._lanes

    def entries(self, destination: int, parts: int) -> tuple[int, ...]:
        words = self.words.get(destination, {})
        assert sorted(words) == list(range(len(words)))
        data = b"".join(words[address] for address in range(len(words)))
        size = parts * self._lanes
        return tuple(
            int.from_bytes(data[start : start + size], "little") for start in range(0, len(data), size)
        )


@pytest.mark.parametrize("scratchpad_words", [None, 64])
def test_every_memory_is_filled(made: Compiled, scratchpad_words: int | None) -> None:
    """Piece by piece where the scratchpad is smaller than what goes through it."""
    config, image = made.config, made.image
    sent = list(loads(image, config))
    if scratchpad_words is not None:
        whole = len(sent)
        small = replace(config, scratchpad_words=scratchpad_words)
        sent = [*loads(image, small)][:-1] + sent[-1:]
        assert len(sent) > whole
        assert all(len(load.writes[0][1]) <= scratchpad_words * config.lanes for load in sent[:-1])
    core, first = Filled(config), destinations(config)
    for load in sent:
        core.do(load)
    assert image.weights == tuple(core.entries(n, 1) for n in range(config.columns))
    for name, contents, parts in (
        ("parameters", image.parameters, config.parameter_parts),
        ("table0", image.tables, config.table_parts),
        ("exponentials", (image.exponentials,), config.exponential_parts),
        ("logarithms", (image.logarithms,), config.exponential_parts),
    ):
        assert contents[0], f"no {name} in the model"
        found = tuple(core.entries(first[name] + n, parts) for n in range(len(contents)))
        assert found == tuple(contents), name


def test_scratchpad_and_program_come_last_and_do_not_run(made: Compiled) -> None:
    """The loads before go through both."""
    *filling, last = loads(made.image, made.config)
    assert all(load.runs for load in filling)
    assert not last.runs
    program = b"".join(word.to_bytes(4, "little") for word in made.image.program)
    assert last.writes == (*made.image.scratchpad, (PROGRAM_SPACE, program))
    assert made.image.scratchpad, "no constants in the model"


def test_only_what_there_is_is_loaded(tmp_path: Path) -> None:
    model = small_models.SmallModel(1)
    model.sink(model.arg("ARG_MAX", model.input((1, 4, 6)), 2))
    made = compile_model(model.write(tmp_path, "model"), "sim-large")
    assert len(loads(made.image, made.config)) == 1
    assert made.config == replace(generous_core(8, 8), identity=made.config.identity)
