"""Registers of a loop nest, walked as the hardware's counters walk them, against the loops themselves."""

from __future__ import annotations

import random
from collections.abc import Mapping
from itertools import product
from math import prod

import pytest

from tfl2hw.schedule.nest import Loop, Nest, Output, byte_rows, linear

ADDRESSES = {"ifm": 1000, "second": 5000, "ofm": 64}


def loops_of(nest: Nest) -> list[tuple[int, int, int]]:
    """Address, row and column of every token, from nested loops, outermost first."""
    seen = []
    for at in product(*(range(loop.count) for loop in reversed(nest.loops))):
        turns = at[::-1]
        address = ADDRESSES[nest.source] + nest.offset
        row, column = nest.row, nest.column
        for turn, loop in zip(turns, nest.loops, strict=True):
            address, row, column = (
                address + turn * loop.step,
                row + turn * loop.row,
                column + turn * loop.column,
            )
        seen.append((address, row, column))
    return seen


def walk(values: dict[str, int]) -> list[tuple[int, int, int]]:
    """What the counters make of the registers: a level that ends hands over to the next one."""
    left = [values[f"count{level}"] for level in range(6)]
    address, row, column = values["base"], values["base_row"], values["base_column"]
    seen = []
    while True:
        seen.append((address, row, column))
        level = 0
        while level < 6 and left[level] < 0:
            left[level] = values[f"count{level}"]
            level += 1
        if level == 6:
            return seen
        left[level] -= 1
        address += values[f"step{level}"]
        row += values.get(f"row{level}", 0)
        column += values.get(f"column{level}", 0)
        if level == 5:
            row, column = values["base_row"], values["base_column"]


def random_nest(generator: random.Random) -> Nest:
    loops = [
        Loop(
            generator.randrange(1, 4), generator.randrange(-50, 50),
            *((generator.randrange(-3, 4), generator.randrange(-3, 4)) if 1 <= level <= 4 else (0, 0)),
        )
        for level in range(6)
    ]  # fmt: skip
    return Nest(
        source="ifm",
        loops=tuple(loops),
        offset=generator.randrange(-100, 100),
        row=-2,
        column=3,
        height=4,
        width=9,
    )


@pytest.mark.parametrize("seed", range(20))
def test_registers_walk_the_loops(seed: int) -> None:
    nest = random_nest(random.Random(seed))
    values = nest.registers(ADDRESSES)
    assert walk(values) == loops_of(nest)
    assert (values["height"], values["width"]) == (4, 9)


def test_a_second_source_alternates() -> None:
    nest = Nest(
        source="ifm", second="second", loops=(Loop(2), Loop(), Loop(), Loop(3, 8), Loop(2, 24), Loop())
    )
    addresses = [address for address, _, _ in walk(nest.registers(ADDRESSES))]
    assert addresses == [base + 8 * n for n in range(6) for base in (1000, 5000)]


def test_gap_skip_and_stride() -> None:
    """Each is written less what its counter's sign bit takes."""
    plain = Nest(source="ifm", loops=(Loop(),) * 6).registers(ADDRESSES)
    assert (plain["gap"], plain["window_skip"], plain["window_stride"]) == (-1, -1, -1)
    window = Nest(source="ifm", loops=(Loop(),) * 6, gap=3, skip=2, stride=4).registers(ADDRESSES)
    assert (window["gap"], window["window_skip"], window["window_stride"]) == (2, 1, 2)


def test_tokens_count_gaps() -> None:
    nest = Nest(source="ifm", loops=tuple(Loop(count) for count in (2, 3, 1, 4, 5, 2)), gap=2)
    assert nest.tokens == 4 * 5 * 2 * (6 + 2)


def written(output: Output, addresses: Mapping[str, int], groups: int) -> list[int]:
    """Addresses as the writer's registers make them."""
    r = output.registers(addresses[output.target])
    names = ["out_inner", "out_outer", *(["out_planes"] if output.planes else [])]
    steps = ["pixel", "row", *(["plane"] if output.planes else []), "group"]
    left, address, seen = [r[name] for name in names], r["out_base"], []
    for _ in range(prod(r[name] + 2 for name in names) * groups):
        seen.append(address)
        level = 0
        while level < len(names) and left[level] < 0:
            left[level] = r[names[level]]
            level += 1
        if level < len(names):
            left[level] -= 1
        address += r[f"out_step_{steps[level]}"]
    return seen


@pytest.mark.parametrize(("words", "lanes", "rows"), [(3, 8, 4), (1, 4, 1), (1, 8, 5), (7, 4, 1)])
def test_linear_output(words: int, lanes: int, rows: int) -> None:
    assert written(linear("ofm", words, lanes, rows), ADDRESSES, 1) == [
        64 + lanes * n for n in range(words * rows)
    ]


def test_output_walk() -> None:
    output = Output(target="ofm", inner=2, outer=3, pixel=16, row=100, group=-200)
    assert written(output, ADDRESSES, 2)[:8] == [64, 80, 180, 196, 296, 312, 112, 128]


@pytest.mark.parametrize(("length", "rows", "pitch"), [(5, 4, 8), (1, 3, 4), (8, 2, 8), (9, 1, 16)])
def test_byte_rows(length: int, rows: int, pitch: int) -> None:
    """A row begins ``pitch`` bytes behind the one before, also where the next job goes on."""
    expected = [64 + pitch * row + byte for row in range(rows) for byte in range(length)]
    assert written(byte_rows("ofm", length, rows, pitch), ADDRESSES, 1) == expected
    again = byte_rows("ofm", length, 1, pitch)
    assert written(again, ADDRESSES, rows) == expected
