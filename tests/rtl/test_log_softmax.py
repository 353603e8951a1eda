"""The LOG_SOFTMAX unit against the operator's integer reference."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
from amaranth.sim import Simulator

from tests.rtl.row_bench import Row, run_rows
from tfl2hw.ops.log_softmax import log_softmax_rows
from tfl2hw.ops.logarithm import logarithm
from tfl2hw.rtl_templates.fixed_point import FixedPoint
from tfl2hw.rtl_templates.log_softmax import LogSoftmax
from tfl2hw.rtl_templates.softmax import Mode

PASSES = ((Mode.MAX, 1), (Mode.SUM, 1), (Mode.SCALE, LogSoftmax.SCALE_INTERVAL))


def tables(scale: float) -> tuple[list[int], list[int]]:
    """Tables to within rounding: the unit takes any whose first exponential is 1."""
    exponentials = [round(2**19 * 2.718281828459045 ** (-d * scale)) for d in range(256)]
    return exponentials, [min(1 << 30, round(d * scale * (1 << 26))) for d in range(256)]


def run(
    exponentials: list[int], distances: list[int], rows: list[Row], *, load: bool = False, gap: int = 0
) -> None:
    dut = LogSoftmax() if load else LogSoftmax(init=[*exponentials, *distances])

    async def loading(ctx: Any) -> None:
        ctx.set(dut.load_en, 1)
        for address, value in enumerate([*exponentials, *distances]):
            ctx.set(dut.load_address, address)
            ctx.set(dut.load_data, value)
            await ctx.tick()
        ctx.set(dut.load_en, 0)

    def expected(row: Row) -> list[int]:
        one = np.array([row], np.int64)
        values = log_softmax_rows(one, np.array(exponentials, np.int32), np.array(distances, np.int32))
        return [int(y) for y in values[0]]

    run_rows(
        dut, rows, expected, passes=PASSES, finish=(1, LogSoftmax.LOGARITHM_LATENCY),
        latency=LogSoftmax.SCALE_LATENCY, gap=gap, prepare=loading if load else None,
    )  # fmt: skip


@pytest.mark.parametrize(("scale", "gap"), [(0.02, 0), (0.1, 3), (0.5, 0), (9.0, 3)])
def test_random_rows(scale: float, gap: int) -> None:
    generator = random.Random(f"{scale} {gap}")
    rows = [[generator.randrange(-128, 128) for _ in range(depth)] for depth in (1, 2, 3, 10, 40)]
    rows += [[generator.randrange(100, 128) for _ in range(depth)] for depth in (2, 7, 16)]
    run(*tables(scale), rows, gap=gap)


@pytest.mark.parametrize("depth", [1, 2, 3, 4, 511, 1000])
def test_equal_bytes(depth: int) -> None:
    run(*tables(0.1), [[-128 if depth % 2 else 127] * depth])


def test_arbitrary_tables_loaded() -> None:
    generator = random.Random(5)
    exponentials = [1 << 19] + [generator.randrange(2 ** generator.randrange(1, 20)) for _ in range(255)]
    distances = [0] + [generator.randrange(2 ** generator.randrange(1, 31)) for _ in range(254)] + [1 << 30]
    rows = [[generator.randrange(-128, 128) for _ in range(generator.randrange(1, 20))] for _ in range(4)]
    run(exponentials, distances, rows, load=True)


def sums() -> list[int]:
    """Sums at the ends of octaves and around sqrt(2) in each, where roundings decide, and random ones."""
    generator = random.Random(7)
    chosen = [1 << 19, (1 << 19) + 1, (1 << 31) - 1]
    for octave in range(19, 31):
        middle = round(2 ** (octave + 0.5))
        chosen += [middle - 1, middle, middle + 1, (2 << octave) - 1]
        chosen += [generator.randrange(1 << octave, 2 << octave) for _ in range(3)]
    return chosen


def test_logarithm() -> None:
    """The program alone: the accumulator's number becomes its logarithm, plus half a step."""
    dut = FixedPoint(LogSoftmax.PROGRAM, sums())

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
            await ctx.tick().repeat(LogSoftmax.PROGRAM.latency - 2)
            assert ctx.get(dut.running)
            await ctx.tick()
            assert not ctx.get(dut.running)
            assert ctx.get(dut.accumulator) == int(logarithm(np.array(value, np.int64))) + (1 << 21), value

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(testbench)
    simulator.run()


@pytest.mark.filterwarnings("ignore::amaranth.hdl.UnusedElaboratable")
@pytest.mark.parametrize(
    ("tables", "init", "message"),
    [
        (1, [0] * 513, "init must have at most 512 entries, not 513"),
        (2, [0] * 1100, "init must have at most 1024 entries, not 1100"),
        (1, [2**19 + 1], r"exponentials in 0..2\*\*19"),
        (1, [0] * 256 + [-1], r"distances in 0..2\*\*30"),
        (2, [0] * 512 + [2**20], r"exponentials in 0..2\*\*19"),
    ],
)
def test_refuses(tables: int, init: list[int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LogSoftmax(tables, init)
