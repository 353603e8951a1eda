"""The writer against the walk over the OFM that its registers describe."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import product

import pytest

from tests.rtl.support import SHAPES, Cycle, begin, idle, make_config, play, register_writes, start, unsigned
from tfl2hw.rtl_templates.config import CoreConfig
from tfl2hw.rtl_templates.isa import FLAG_PAIR, Kind
from tfl2hw.rtl_templates.writer import Writer

WATCH = ("write_enable", "write_address", "write_data")


def addresses(
    base: int, inner: int, outer: int, groups: int, steps: tuple[int, int, int], size: int
) -> Iterator[int]:
    """Byte address of each pixel: a step after each, another one after a row, another after a group."""
    address = base
    for _ in range(groups):
        for row in range(outer):
            for pixel in range(inner):
                yield address % size
                if pixel < inner - 1:
                    address += steps[0]
                else:
                    address += steps[1] if row < outer - 1 else steps[2]


def registers(base: int, inner: int, outer: int, steps: tuple[int, int, int]) -> list[Cycle]:
    pixel, row, group = steps
    return [
        *register_writes(
            out_base=base, out_inner=inner - 2, out_outer=outer - 2,
            out_step_pixel=pixel, out_step_row=row, out_step_group=group,
        ),
        *begin(Kind.MATRIX),
    ]  # fmt: skip


def pixel_cycles(
    generator: random.Random, config: CoreConfig, pixel: list[int], gaps: float
) -> list[dict[str, int]]:
    """The bytes of a pixel as the array brings them: the last column of each chain first."""
    cycles: list[dict[str, int]] = []
    for place in reversed(range(config.chain)):
        while generator.random() < gaps:
            cycles.append({"y": generator.getrandbits(8 * config.requantizers)})
        each = [pixel[group * config.chain + place] for group in range(config.requantizers)]
        cycles.append({"valid": 1, "y": unsigned(each)})
    return cycles


@pytest.mark.parametrize("shape", [*SHAPES, (4, 4, 4), (16, 2, 1), (8, 8, 1), (4, 4, 2)])
@pytest.mark.parametrize("gaps", [0.0, 0.5])
def test_pixels(shape: tuple[int, int, int], gaps: float) -> None:
    """Groups, rows and pixels, two jobs, with the bytes of a pixel apart or together."""
    config, generator = make_config(shape), random.Random(f"{shape} {gaps}")
    size = config.scratchpad_words * config.lanes
    cycles: list[Cycle] = []
    expected = {}
    for inner, outer, groups in ((3, 2, 3), (1, 4, 2), (4, 1, 1), (1, 1, 3)):
        base = generator.randrange(0, 400, config.columns)
        steps = tuple(generator.randrange(-200, 200) * config.columns for _ in range(3))
        cycles += registers(base, inner, outer, steps)
        for address in addresses(base, inner, outer, groups, steps, size):
            pixel = [generator.randrange(256) for _ in range(config.columns)]
            cycles += pixel_cycles(generator, config, pixel, gaps)
            expected[len(cycles) - 1 + Writer.latency] = (address, unsigned(pixel))
        cycles += idle(Writer.latency)
    seen = play(Writer(config), [*cycles, {}], WATCH)
    assert [number for number, (enable, *_) in enumerate(seen) if enable] == sorted(expected)
    for number, (address, pixel) in expected.items():
        enable, word_address, data = seen[number]
        phase = address % config.lanes // config.columns
        assert enable == ((1 << config.columns) - 1) << config.columns * phase
        assert word_address == address // config.lanes
        mask = (1 << 8 * config.columns) - 1
        assert data >> 8 * config.columns * phase & mask == pixel


@pytest.mark.parametrize("shape", [(8, 8, 8), (8, 8, 4), (16, 8, 1)])
def test_planes(shape: tuple[int, int, int]) -> None:
    """Pairs of pixels, rows of them, planes of those, groups; jobs without planes before and between."""
    config, generator = make_config(shape, pair=True), random.Random(str(shape))
    size = config.scratchpad_words * config.lanes
    cycles: list[Cycle] = register_writes(out_planes=5, out_step_plane=99 * config.columns)
    expected = {}
    for inner, outer, planes, groups in (
        (3, 2, 0, 2),
        (2, 3, 3, 2),
        (1, 2, 0, 3),
        (2, 1, 1, 2),
        (1, 1, 2, 3),
    ):
        base = generator.randrange(0, 400, config.columns)
        pixel, row, plane, group = (generator.randrange(-200, 200) * config.columns for _ in range(4))
        if planes:
            cycles += register_writes(out_planes=planes - 2, out_step_plane=plane)
        writes = registers(base, inner, outer, (pixel, row, group))
        cycles += [*writes[:-2], *begin(Kind.MATRIX, FLAG_PAIR)] if planes else writes
        address = base
        for at in product(range(groups), range(max(1, planes)), range(outer), range(inner)):
            if any(at):
                changed = next(number for number in (3, 2, 1, 0) if at[number])
                address += (group, plane, row, pixel)[changed]
            bytes_in = [generator.randrange(256) for _ in range(config.columns)]
            cycles += pixel_cycles(generator, config, bytes_in, 0.2)
            expected[len(cycles) - 1 + Writer.latency] = address % size // config.columns
        cycles += idle(Writer.latency)
    seen = play(Writer(config), [*cycles, {}], WATCH)
    whole, phases = (1 << config.columns) - 1, config.lanes // config.columns
    found = {
        number: address * phases + next(n for n in range(phases) if enable == whole << n * config.columns)
        for number, (enable, address, _) in enumerate(seen)
        if enable
    }
    assert found == expected


@pytest.mark.parametrize("shape", [(4, 4, 1), (8, 4, 2), (16, 2, 1)])
def test_whole_words(shape: tuple[int, int, int]) -> None:
    """Words of the vector units, back to back and with gaps, are written whole and at once."""
    config, generator = make_config(shape), random.Random(5)
    lanes = config.lanes
    cycles: list[Cycle] = registers(8 * lanes, 3, 4, (lanes, 5 * lanes, -lanes))
    expected = {}
    for address in addresses(8 * lanes, 3, 4, 2, (lanes, 5 * lanes, -lanes), 256 * lanes):
        cycles += idle(generator.choice((0, 0, 0, 1, 3)))
        word = generator.getrandbits(8 * lanes)
        cycles.append({"word_valid": 1, "word": word})
        expected[len(cycles) - 1] = ((1 << lanes) - 1, address // lanes, word)
    seen = play(Writer(config), [*cycles, {}], WATCH)
    assert {number: each for number, each in enumerate(seen) if each[0]} == expected


@pytest.mark.parametrize("shape", [(4, 4, 1), (8, 4, 2), (16, 2, 1)])
@pytest.mark.parametrize("gaps", [0.0, 0.5])
def test_single_bytes(shape: tuple[int, int, int], gaps: float) -> None:
    """Bytes at any address, back to back and with gaps; nothing else of their words is enabled."""
    config, generator = make_config(shape), random.Random(f"{shape} {gaps}")
    lanes = config.lanes
    steps = (1, lanes - 4, -3)
    cycles: list[Cycle] = registers(3, 5, 3, steps)
    expected = {}
    for address in addresses(3, 5, 3, 2, steps, 256 * lanes):
        while generator.random() < gaps:
            cycles.append({"byte": generator.randrange(256), "word": generator.getrandbits(8 * lanes)})
        byte = generator.randrange(256)
        cycles.append({"byte_valid": 1, "byte": byte})
        expected[len(cycles) - 1] = (1 << address % lanes, address // lanes, byte)
    seen = play(Writer(config), [*cycles, {}], WATCH)
    found = {
        number: (enable, address, data >> 8 * (enable.bit_length() - 1) & 0xFF)
        for number, (enable, address, data) in enumerate(seen)
        if enable
    }
    assert found == expected


def test_the_address_goes_on_where_out_base_is_not_written() -> None:
    """A later START counts rows anew but writes behind what was written: a loop's body relies on it."""
    config = make_config((8, 4, 2))
    row = [{"byte_valid": 1, "byte": 7}] * 5
    cycles = [*registers(16, 5, 1, (1, 0, 4)), *row, start(Kind.SOFTMAX_MAX), {}, *begin(Kind.MOVE), *row]
    seen = play(Writer(config), [*cycles, {}], WATCH)
    written = [8 * address + enable.bit_length() - 1 for enable, address, _ in seen if enable]
    assert written == [*range(16, 21), *range(24, 29)]


def test_registers_of_the_next_job() -> None:
    """They are written, and it is started, while bytes of this one come; only ``begin`` takes them over."""
    config, lanes = make_config((8, 4, 2)), 8
    jobs = [(3, 5, 2, (1, 9, -4)), (200, 2, 4, (-1, 3, 2)), (90, 1, 8, (7, 1, 5)), (16, 4, 2, (2, 2, 2))]
    cycles: list[Cycle] = registers(*jobs[0])[:-1]
    expected = []
    for number, (base, inner, outer, steps) in enumerate(jobs):
        following = registers(*jobs[number + 1])[:-1] if number + 1 < len(jobs) else []
        cycles.append({"begin": 1})
        places = list(addresses(base, inner, outer, 1, steps, 256 * lanes))
        following += idle(len(places) - len(following))
        cycles += [{"byte_valid": 1, "byte": 7} | other for other in following]
        expected += places
    seen = play(Writer(config), [*cycles, {}], WATCH)
    assert [lanes * address + enable.bit_length() - 1 for enable, address, _ in seen if enable] == expected
