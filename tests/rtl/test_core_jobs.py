"""Copies, bytes, indexed reads and loops on a whole core, by programs written for the purpose."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from tests.rtl.support import make_config
from tfl2hw.codegen.cycles import count_cycles
from tfl2hw.codegen.verilog import to_verilog
from tfl2hw.rtl_templates.config import CoreConfig
from tfl2hw.rtl_templates.core import Core
from tfl2hw.rtl_templates.hostbus import PROGRAM_SPACE
from tfl2hw.rtl_templates.image import EMPTY
from tfl2hw.rtl_templates.isa import FLAG_INDEXED, PART_SHIFT, Kind, Opcode, instruction, write
from tfl2hw.runtime.device import Device
from tfl2hw.schedule.nest import Loop, Nest, Output, byte_rows, linear
from tfl2hw.sim.device import SimulatedDevice
from tfl2hw.sim.harness import CoreDesign

CONFIG = make_config((8, 4, 2), scratchpad_words=512, program_depth=512)
UNALIGNED = replace(CONFIG, unaligned=True)
SOURCE, TARGET, ROWS = 0, 2048, 1024
ADDRESSES = {"source": SOURCE, "target": TARGET, "rows": ROWS}
DATA = random.Random(1).randbytes(1024)
DRAINED = 30
"""Cycles behind a job's last token in which everything is written."""
WAIT, END = (instruction(each, DRAINED) for each in (Opcode.WAIT, Opcode.END))
NEXT = instruction(Opcode.NEXT)


@contextmanager
def simulated(config: CoreConfig) -> Iterator[Device]:
    """A core whose scratchpad starts with ``DATA`` at byte 0."""
    core = Core(config, replace(EMPTY, scratchpad=((SOURCE, DATA),)))
    with SimulatedDevice(to_verilog(core, "core"), CoreDesign(name="core")) as transport:
        device = Device(transport, lanes=config.lanes)
        device.mark(1)
        yield device


@pytest.fixture(scope="module")
def device() -> Iterator[Device]:
    with simulated(CONFIG) as device:
        yield device


@pytest.fixture(scope="module")
def unaligned() -> Iterator[Device]:
    with simulated(UNALIGNED) as device:
        yield device


def run(device: Device, words: list[int], config: CoreConfig = CONFIG) -> None:
    """Run ``words`` to their end, in the predicted cycles, with zeros at the target."""
    device.write(TARGET, bytes(1024))
    device.write(PROGRAM_SPACE, b"".join(word.to_bytes(4, "little") for word in words))
    assert device.run(0) == (count_cycles(words, config).total, len(words))


def registers(nest: Nest, output: Output | None = None, **others: int) -> list[int]:
    back = output.registers(ADDRESSES[output.target]) if output else {}
    values = nest.registers(ADDRESSES) | back | others
    return [write(name, value) for name, value in values.items()]


def loops(*first: Loop) -> tuple[Loop, ...]:
    return (*first, *[Loop()] * (6 - len(first)))


def test_starts_with_its_contents(device: Device) -> None:
    assert device.read(SOURCE, len(DATA)) == DATA


@pytest.mark.parametrize("gap", [0, 3])
def test_copy(device: Device, gap: int) -> None:
    """Rows of words, from and to different places, and what lies outside as the pad value."""
    nest = Nest(
        source="source",
        loops=loops(Loop(), Loop(), Loop(), Loop(3, 8, 0, 1), Loop(4, 40, 1, 0)),
        offset=-40, row=-1, height=2, width=2, gap=gap,
    )  # fmt: skip
    output = Output(target="target", inner=3, outer=4, pixel=8, row=24, group=0)
    run(device, [*registers(nest, output, pad_value=0x5A), instruction(Opcode.START, Kind.COPY), END])
    expected = bytearray(1024)
    for row in range(4):
        for column in range(3):
            inside = 0 <= row - 1 < 2 and column < 2
            start = 40 * (row - 1) + 8 * column
            at = 40 * row + 8 * column
            expected[at : at + 8] = DATA[start : start + 8] if inside else b"\x5a" * 8
    assert device.read(TARGET, 1024) == bytes(expected)


def test_bytes_leave_their_neighbours_alone(device: Device) -> None:
    """Odd rows to odd places: every byte that is not written keeps its value."""
    nest = Nest(source="source", loops=loops(Loop(5, 1), Loop(3, 11)), offset=3)
    words = registers(nest, byte_rows("target", 5, 3, 13), out_base=TARGET + 6)
    run(device, [*words, instruction(Opcode.START, Kind.MOVE), END])
    expected = bytearray(1024)
    for row in range(3):
        expected[6 + 13 * row : 11 + 13 * row] = DATA[3 + 11 * row : 8 + 11 * row]
    assert device.read(TARGET, 1024) == bytes(expected)


@pytest.mark.parametrize("part", [8, 4, 2, 1])
def test_copy_from_any_byte_on(unaligned: Device, part: int) -> None:
    """The words from odd places, whole or their first bytes, to multiples of what is written."""
    nest = Nest(
        source="source",
        loops=loops(Loop(3, part), Loop(), Loop(5, 11, 1)),
        offset=3 - 11, row=-1, height=3,
    )  # fmt: skip
    output = Output(target="target", inner=3, outer=5, pixel=part, row=3 * part, group=0, offset=part)
    kind = Kind.COPY | (8 // part).bit_length() - 1 << PART_SHIFT
    words = [*registers(nest, output, pad_value=0x5A), instruction(Opcode.START, kind), END]
    run(unaligned, words, UNALIGNED)
    expected = bytearray(1024)
    for row in range(5):
        for turn in range(3):
            start = 3 + 11 * (row - 1) + turn * part
            at = part * (1 + 5 * row + turn)
            taken = DATA[start : start + part] if 0 <= row - 1 < 3 else b"\x5a" * part
            expected[at : at + part] = taken
    assert unaligned.read(TARGET, 1024) == bytes(expected)
    assert unaligned.read(SOURCE, len(DATA)) == DATA


def test_bytes_of_an_unaligned_core(unaligned: Device) -> None:
    nest = Nest(source="source", loops=loops(Loop(5, 1), Loop(3, 11)), offset=3)
    words = registers(nest, byte_rows("target", 5, 3, 13), out_base=TARGET + 6)
    run(unaligned, [*words, instruction(Opcode.START, Kind.MOVE), END], UNALIGNED)
    expected = bytearray(1024)
    for row in range(3):
        expected[6 + 13 * row : 11 + 13 * row] = DATA[3 + 11 * row : 8 + 11 * row]
    assert unaligned.read(TARGET, 1024) == bytes(expected)


@pytest.mark.parametrize("turns", [1, 2, 37])
def test_loop(device: Device, turns: int) -> None:
    """``base_add`` moves the reads on, by any signed step; the writer goes on by itself."""
    nest = Nest(source="source", loops=loops(Loop(3, 1)), offset=300)
    words = registers(nest, byte_rows("target", 3, 1, 5))
    body = [instruction(Opcode.START, Kind.MOVE), write("base_add", -7), WAIT]
    tail = [instruction(Opcode.START, Kind.MOVE), END]
    run(device, [*words, instruction(Opcode.LOOP, turns - 2), *body, NEXT, *tail])
    expected = bytearray(1024)
    for turn in range(turns + 1):
        expected[5 * turn : 5 * turn + 3] = DATA[300 - 7 * turn : 303 - 7 * turn]
    assert device.read(TARGET, 1024) == bytes(expected)


@pytest.mark.parametrize("kind", [Kind.COPY, Kind.MOVE])
def test_gather(device: Device, kind: Kind) -> None:
    """Rows of eight bytes by their numbers, two bytes each; the last job is not indexed."""
    rows = [5, 0, 127, 17]
    device.write(ROWS, b"".join(row.to_bytes(2, "little") for row in rows))
    # two bytes, highest first, then three tokens right of the width, which double the number
    spell = Nest(source="rows", loops=loops(Loop(), Loop(5, -1, 0, 1)), width=2)
    take = Nest(source="source", loops=loops(Loop(), Loop(), Loop(), Loop(8 if kind == Kind.MOVE else 1, 1)))
    output = byte_rows("target", 8, 1, 8) if kind == Kind.MOVE else linear("target", 1, 8)
    words = [write(name, value) for name, value in output.registers(TARGET).items()]
    for number in range(len(rows)):
        words += [
            *registers(replace(spell, offset=2 * number + 1)),
            WAIT,
            instruction(Opcode.START, Kind.INDEX),
        ]
        words += [*registers(take), WAIT, instruction(Opcode.START, kind | FLAG_INDEXED)]
    run(device, [*words, WAIT, instruction(Opcode.START, kind), END])
    expected = b"".join(DATA[8 * row : 8 * row + 8] for row in rows) + DATA[:8]
    assert device.read(TARGET, len(expected)) == expected


def test_an_index_below_zero_goes_back(device: Device) -> None:
    """Addresses are modulo the memory: four bytes of -2, eight times that, from byte 160 on."""
    device.write(ROWS, (-2).to_bytes(4, "little", signed=True))
    spell = Nest(source="rows", loops=loops(Loop(), Loop(7, -1, 0, 1)), offset=3, width=4)
    take = Nest(source="source", loops=loops(Loop(), Loop(), Loop(), Loop(3, 8)), offset=160)
    words = [*registers(spell), instruction(Opcode.START, Kind.INDEX)]
    words += [
        *registers(take, linear("target", 3, 8)),
        WAIT,
        instruction(Opcode.START, Kind.COPY | FLAG_INDEXED),
    ]
    run(device, [*words, END])
    assert device.read(TARGET, 24) == DATA[144:168]
