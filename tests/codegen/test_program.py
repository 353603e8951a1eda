"""The program: what its words say, that nothing is missing in them, and the way back from text."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import small_models
from tests.small_models import SmallModel
from tfl2hw.codegen.compile import Compiled, compile_model
from tfl2hw.codegen.program import BANKED
from tfl2hw.rtl_templates.isa import (
    BACK_REGISTERS,
    FLAG_PICK,
    FLAG_STREAM,
    FRONT_REGISTERS,
    INDEX,
    REGISTERS,
    VALUE_BITS,
    Kind,
    Opcode,
    disassemble,
    instruction,
    kind_of,
    signed_value,
    write,
)
from tfl2hw.schedule.elementwise import Table
from tfl2hw.schedule.matrix import Matrix, Move
from tfl2hw.schedule.rows import Rows


def parse(line: str) -> int:
    """A line of a listing as a word."""
    if " = " in line:
        name, value = line.split(" = ")
        return write(name, int(value, 16))
    if line.startswith("START"):
        _, kind, flags = line.split()
        return instruction(Opcode.START, Kind[kind] | int(flags.removeprefix("flags="), 16) << 4)
    if line.startswith("LOOP"):
        return instruction(Opcode.LOOP, int(line.removeprefix("LOOP turns=")) - 2)
    name, _, value = line.partition(" ")
    return instruction(Opcode[name], int(value or 0))


def compiled(model: SmallModel, folder: Path, board: str = "ulx3s-85f", **shape: int) -> Compiled:
    return compile_model(model.write(folder, "model"), board, **shape)


def starts(words: tuple[int, ...], chain: int = 1) -> Iterator[tuple[Kind, int, dict[str, int]]]:
    """Each START with its flags and the registers as they are then; those of a loop in its first turn."""
    registers: dict[str, int] = {}
    banks: tuple[dict[str, int], dict[str, int]] = ({}, {})
    for word in words:
        opcode, value = word >> VALUE_BITS, word & (1 << VALUE_BITS) - 1
        if opcode < len(REGISTERS):
            name = REGISTERS[opcode]
            (banks[registers["step_bank"]] if name in BANKED else registers)[name] = value
        elif opcode == Opcode.START:
            kind = kind_of(value)
            yield kind, value & ~15, registers | banks[registers["step_bank"]]
            if kind not in (Kind.SOFTMAX_MAX, Kind.SOFTMAX_SUM):
                registers.pop("out_base", None)  # the hardware has moved it on
            if kind == Kind.MATRIX:
                registers["parameter_base"] += chain * (signed_value(registers["count5"]) + 2)
        elif opcode == Opcode.NEXT:
            registers.pop("base")  # the loop has


def used(registers: dict[str, int]) -> dict[str, int]:
    """Those that matter: not the steps of levels that turn once."""
    once = {name[-1] for name, value in registers.items() if name.startswith("count") and value == -1}
    left = {name: value for name, value in registers.items() if name not in BANKED or name[-1] not in once}
    for step, count in (("out_step_pixel", "out_inner"), ("out_step_row", "out_outer")):
        if left.get(count) == -1:
            del left[step]
    return left


def test_disassembler_round_trip() -> None:
    generator = random.Random(1)
    words = [
        instruction(opcode, generator.getrandbits(VALUE_BITS))
        for opcode in range(len(REGISTERS))
        for _ in range(3)
    ]
    words += [instruction(Opcode.START, kind | flags << 4) for kind in Kind for flags in range(8)]
    words += [instruction(Opcode.LOOP, turns - 2) for turns in (1, 2, 3, 70_000)]
    words += [instruction(opcode, 99) for opcode in (Opcode.WAIT, Opcode.BREAK, Opcode.END)]
    words.append(instruction(Opcode.NEXT))
    assert [parse(line) for line in disassemble(words)] == words


def test_disassembly_of_a_model(tmp_path: Path) -> None:
    words = compiled(small_models.network(1), tmp_path).program.words
    assert tuple(parse(line) for line in disassemble(words)) == words


def test_encodings() -> None:
    assert write("count0", -1) == INDEX["count0"] << 24 | 0xFFFFFF
    assert instruction(Opcode.START, Kind.MOVE | FLAG_PICK) == 0x80 << 24 | 16 | 1
    assert len(REGISTERS) <= 64, "the bus names a register with 6 bits"
    assert not set(FRONT_REGISTERS) & set(BACK_REGISTERS)


@pytest.mark.parametrize(
    ("board", "lanes", "columns"), [("ulx3s-85f", 8, 8), ("ulx3s-85f", 8, 4), ("icebreaker", 4, 4)]
)
def test_every_start_has_its_registers(board: str, lanes: int, columns: int, tmp_path: Path) -> None:
    """Though only changes are written, each job finds all of its nest's and writer's values."""
    made = compiled(small_models.network(2, residual=False), tmp_path, board, lanes=lanes, columns=columns)
    schedule, mask = made.schedule, (1 << VALUE_BITS) - 1
    found = starts(made.program.words, schedule.target.chain)
    for layer in schedule.layers:
        for job in layer.jobs:
            passes = 3 if isinstance(job, Rows) else 1
            for number in range(passes):
                kind, flags, registers = next(found)
                wanted = job.nest.registers(schedule.memory.addresses)
                if isinstance(job, Rows):
                    assert kind == (Kind.SOFTMAX_MAX, Kind.SOFTMAX_SUM, Kind.SOFTMAX_SCALE)[number]
                    wanted.pop("gap")
                else:
                    assert kind == {Matrix: Kind.MATRIX, Move: Kind.MOVE, Table: Kind.TABLE}[type(job)]
                if number == passes - 1:
                    wanted |= job.output.registers(schedule.memory.addresses[job.output.target])
                if isinstance(job, Matrix):
                    assert bool(flags & FLAG_PICK) == job.pick
                    assert bool(flags & FLAG_STREAM) == (board == "icebreaker")
                    wanted |= {"low": job.rescale.low, "high": job.rescale.high, "pad_value": job.pad_value}
                    assert "parameter_base" in registers
                wanted = used(wanted)
                assert {name: registers[name] for name in wanted} == {
                    name: value & mask for name, value in wanted.items()
                }
    assert next(found, None) is None


def test_breaks_stand_behind_each_layer(tmp_path: Path) -> None:
    made = compiled(small_models.network(4), tmp_path)
    words, breaks = made.program.words, made.program.breaks
    assert len(breaks) == len(made.schedule.layers)
    found = [number + 1 for number, word in enumerate(words) if word >> VALUE_BITS == Opcode.BREAK]
    assert found == list(breaks)
    ends = [number for number, word in enumerate(words) if word >> VALUE_BITS == Opcode.END]
    assert ends == [len(words) - 1]


def test_nothing_is_written_twice(tmp_path: Path) -> None:
    """A register that holds its value already is left alone, but for those that the hardware moves on."""
    known: dict[tuple[str, int], int] = {}
    bank = 0
    for word in compiled(small_models.network(4), tmp_path).program.words:
        opcode = word >> VALUE_BITS
        if opcode >= len(REGISTERS):
            continue
        name = REGISTERS[opcode]
        if name == "step_bank":
            bank = word & 1
        if name != "out_base":
            key = name, bank if name in BANKED else 0
            assert known.get(key) != word, name
            known[key] = word


def test_weights_and_parameters_go_on_from_job_to_job(tmp_path: Path) -> None:
    made = compiled(small_models.network(4), tmp_path)
    jobs = [job for layer in made.schedule.layers for job in layer.jobs if isinstance(job, Matrix)]
    weight, parameter = 0, 0
    matrix = [
        registers
        for kind, _, registers in starts(made.program.words, made.schedule.target.chain)
        if kind == Kind.MATRIX
    ]
    for job, registers in zip(jobs, matrix, strict=True):
        assert (registers["weight_base"], registers["parameter_base"]) == (weight, parameter)
        weight += job.groups * job.weights.shape[2]
        parameter += job.parameter_groups * made.schedule.target.chain
    assert weight <= made.config.bank_depth
    assert parameter <= made.config.parameter_depth


def softmax_words(rows: int, folder: Path) -> tuple[int, ...]:
    model = SmallModel(1)
    model.sink(model.softmax(model.input((1, rows, 11), scale=0.1)))
    return compiled(model, folder, "sim-large", lanes=8, columns=4).program.words


def test_rows_of_a_softmax_are_a_loop(tmp_path: Path) -> None:
    """Of any number: the program is as long; one row needs no loop. No BREAK stands inside."""
    lengths = {rows: len(softmax_words(rows, tmp_path)) for rows in (1, 2, 3, 5000)}
    assert lengths[2] == lengths[3] == lengths[5000]
    assert lengths[1] < lengths[2]  # no LOOP, base_add, NEXT
    lines = disassemble(softmax_words(5000, tmp_path))
    body = lines[lines.index("LOOP turns=5000") + 1 : lines.index("NEXT")]
    assert [line for line in body if "START" in line] == [
        f"START {kind} flags=0x0" for kind in ("SOFTMAX_MAX", "SOFTMAX_SUM", "SOFTMAX_SCALE")
    ]
    assert body[-1] == "base_add = 0x10"
    assert "BREAK" not in body
    assert not [line for line in body if line.startswith("out_")]
    # each turn begins with the registers as they have to be, whichever turn went before
    assert body[0] == "gap = 0xffffff"
    assert body[1].startswith("WAIT ")
