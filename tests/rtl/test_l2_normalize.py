"""The L2_NORMALIZATION unit against the operator's integer reference."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
from amaranth.sim import Simulator

from tests.rtl.row_bench import Row, run_rows
from tfl2hw.ops.l2_normalization import inverse_root, l2_normalize_rows
from tfl2hw.rtl_templates.fixed_point import FixedPoint
from tfl2hw.rtl_templates.l2_normalize import EVEN, L2Normalize, Mode

PASSES = ((Mode.SUM, 1), (Mode.SCALE, L2Normalize.SCALE_INTERVAL))


def run(rows: list[Row], zero_point: int, gap: int = 0) -> None:
    def expected(row: Row) -> list[int]:
        return [int(y) for y in l2_normalize_rows(np.array([row], np.int64), zero_point)[0]]

    run_rows(
        L2Normalize(), rows, expected, passes=PASSES, finish=(0, L2Normalize.INVERSE_LATENCY),
        latency=L2Normalize.SCALE_LATENCY, ports={"zero_point": zero_point}, gap=gap,
    )  # fmt: skip


@pytest.mark.parametrize(("zero_point", "gap"), [(0, 0), (-128, 4), (127, 0), (-7, 4)])
def test_random_rows(zero_point: int, gap: int) -> None:
    generator = random.Random(zero_point)
    rows = [[generator.randrange(-128, 128) for _ in range(depth)] for depth in (1, 2, 3, 10, 33)]
    near = [max(-128, min(127, zero_point + offset)) for offset in (-3, -1, 0, 1, 2)]
    rows += [[generator.choice(near) for _ in range(depth)] for depth in (2, 5, 12)]
    run(rows, zero_point, gap)


def test_short_rows() -> None:
    """Sums of squares 0, 1, 2, 3 and the like, whose inverse root is scaled up most."""
    run([[0], [1], [-1], [0, 0, 1], [1, -1], [1, 1, -1], [2, 0], [2, -1, 1, 0], [3, -2, 2, 1]], 0)


@pytest.mark.parametrize("zero_point", [-128, 127])
def test_long_rows(zero_point: int) -> None:
    """Sums of squares in the top octaves, where results are divided: 4096 and 8256 bytes' ends."""
    generator = random.Random(zero_point)
    for depth in (300, 8256):
        row = [-1 - zero_point] * (depth - 12) + [generator.randrange(-128, 128) for _ in range(12)]
        run_tail(row, zero_point, 40)


def run_tail(row: Row, zero_point: int, count: int) -> None:
    """Sums the whole row, scales its last ``count`` bytes."""
    dut = L2Normalize()
    results: list[int] = []

    async def testbench(ctx: Any) -> None:
        ctx.set(dut.zero_point, zero_point)
        for mode, values, interval in ((Mode.SUM, row, 1), (Mode.SCALE, row[-count:], dut.SCALE_INTERVAL)):
            ctx.set(dut.start, 1)
            ctx.set(dut.mode, mode)
            await ctx.tick()
            ctx.set(dut.start, 0)
            for index, x in enumerate(values):
                ctx.set(dut.x_valid, 1)
                ctx.set(dut.x, x)
                ctx.set(dut.finish, mode == Mode.SUM and index == len(row) - 1)
                await ctx.tick()
                ctx.set(dut.x_valid, 0)
                ctx.set(dut.finish, 0)
                if interval > 1:
                    await ctx.tick().repeat(interval - 1)
            await ctx.tick().repeat(dut.INVERSE_LATENCY - 2 if mode == Mode.SUM else dut.SCALE_LATENCY)

    async def monitor(ctx: Any) -> None:
        async for _, _, y_valid, y in ctx.tick().sample(dut.y_valid, dut.y):
            if y_valid:
                results.append(y)

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(testbench)
    simulator.add_testbench(monitor, background=True)
    simulator.run()
    wanted = l2_normalize_rows(np.array([row], np.int64), zero_point)[0][-count:]
    assert results == [int(y) for y in wanted]


def sums() -> list[int]:
    """Small sums, both ends of every octave and random ones."""
    generator = random.Random(7)
    chosen = list(range(9))
    for octave in range(3, 29):
        chosen += [1 << octave, (2 << octave) - 1, generator.randrange(1 << octave, 2 << octave)]
    return chosen


def test_inverse_root() -> None:
    """The program alone: word and index are the reference's multiplier and exponent."""
    dut = FixedPoint(L2Normalize.PROGRAM, sums())

    async def testbench(ctx: Any) -> None:
        for address, value in enumerate(sums()):
            ctx.set(dut.address, address)
            ctx.set(dut.select, 1)
            ctx.set(dut.clear, 1)
            await ctx.tick()
            ctx.set(dut.select, 0)
            ctx.set(dut.clear, 0)
            ctx.set(dut.add, 1)
            await ctx.tick()
            ctx.set(dut.add, 0)
            ctx.set(dut.start, 1)
            await ctx.tick()
            ctx.set(dut.start, 0)
            await ctx.tick().repeat(L2Normalize.PROGRAM.latency - 1)
            assert not ctx.get(dut.running)
            multiplier, shift = inverse_root(np.array(value, np.int64))
            exact = ctx.get(dut.word) * 2.0 ** (ctx.get(dut.index) - EVEN)
            if value > 1:
                assert exact == int(multiplier) * 2.0 ** (int(shift) + 7), value
            else:
                assert exact == 2.0 ** (31 + 7), value

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(testbench)
    simulator.run()
