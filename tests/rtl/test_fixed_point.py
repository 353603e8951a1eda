"""The fixed-point machine: products of any sign, every instruction, and what is no program."""

from __future__ import annotations

import random
from typing import Any

import pytest

from tests.rtl.support import Cycle, idle, play
from tfl2hw.rtl_templates.fixed_point import FixedPoint, Program

PRODUCT = 33
"""Cycles from ``multiply`` to ``product``."""


def program(code: str, test_bit: int = 30, **words: Any) -> Program:
    return Program(code=code, words={"out": 0, **words}, test_bit=test_bit)


def result(given: Program) -> int:
    """What a program leaves in the accumulator, exactly when ``latency`` says."""
    cycles: list[Cycle] = [{"clear": 1}, {"start": 1}, *idle(given.latency + 1)]
    seen = play(FixedPoint(given, []), cycles, ["running", "accumulator"])
    running = [cycle for cycle, (busy, _) in enumerate(seen) if busy]
    assert (running[0], running[-1]) == (2, given.latency)
    return int(seen[1 + given.latency][1])


def products(generator: random.Random) -> list[tuple[int, int]]:
    ends = [0, 1, -1, 2**31 - 1, -(2**31) + 1, 1 << 30, -(1 << 30)]
    pairs = [(a, b) for a in ends for b in ends]
    return pairs + [
        (
            generator.randrange(-(2**31), 2**31) >> generator.randrange(31),
            generator.randrange(-(2**31), 2**31),
        )
        for _ in range(40)
    ]


def test_products() -> None:
    """One program that makes product after product; each is there 36 cycles after its first instruction."""
    pairs = products(random.Random(1))
    words = {f"a{i}": a for i, (a, _) in enumerate(pairs)} | {f"b{i}": b for i, (_, b) in enumerate(pairs)}
    code = "".join(f"add a{i}\nmultiply b{i}\nstore out clear\n" for i in range(len(pairs))) + "halt out"
    given = program(code, **words)
    cycles: list[Cycle] = [{"clear": 1}, {"start": 1}, *idle(given.latency)]
    seen = play(FixedPoint(given, []), cycles, ["accumulator"])
    made = [seen[2 + 38 * i + 36][0] for i in range(len(pairs))]
    assert made == [(a * b + (1 << 30)) >> 31 for a, b in pairs]


def test_instructions() -> None:
    table = [100, 200, 300, 400]
    code = """
        store out test count
        add step conditional
        store out test count
        add step conditional
        store out test count
        add step conditional
        add table indexed
        subtract step
        store kept clear
        add kept
        add one conditional
        halt out
    """
    # 0, 4, 8: the third is not below 8, so that two are counted and the flag is clear
    given = program(code, 3, step=4, one=1, kept=0, table=table)
    assert result(given) == 8 + table[2] - 4


def test_conditional_store_still_clears() -> None:
    code = """
        add big
        store out test
        store kept conditional clear
        store out test
        add small conditional
        add kept
        halt out
    """
    assert result(program(code, 3, big=8, small=3, kept=50)) == 53


@pytest.mark.parametrize("skip", [0, 1, 7, 9])
def test_product_of_digits(skip: int) -> None:
    generator = random.Random(skip)
    table = [generator.randrange(-(2**31), 2**31) >> generator.randrange(20) for _ in range(8)]
    dut = FixedPoint(program("halt out"), table)
    digits = [generator.choice((-256, 255, -1, 0, generator.randrange(-256, 256))) for _ in table]
    cycles: list[Cycle] = []
    for address, value in enumerate(digits):
        cycles += [{"select": 1, "address": address}, {"multiply": 1, "digits": value, "skip": skip}]
        cycles += idle(PRODUCT - 1)
    seen = play(dut, [*cycles, *idle(2)], ["product", "accumulator"])
    ready = [(cycle, value) for cycle, (product, value) in enumerate(seen) if product]
    starts = [cycle for cycle, given in enumerate(cycles) if "multiply" in given]
    wanted = [((value << skip) * word + (1 << 30)) >> 31 for value, word in zip(digits, table, strict=True)]
    wrapped = [(value + 2**31) % 2**32 - 2**31 for value in wanted]
    assert ready == [(cycle + PRODUCT, value) for cycle, value in zip(starts, wrapped, strict=True)]


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("add out", "the last instruction must be halt"),
        ("", "the last instruction must be halt"),
        ("divide out\nhalt out", "no instruction: 'divide out'"),
        ("add nobody\nhalt out", "no instruction: 'add nobody'"),
        ("add out twice\nhalt out", "no instruction: 'add out twice'"),
    ],
)
def test_no_program(code: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        assert program(code).instructions
