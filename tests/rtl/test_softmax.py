"""The softmax unit against gemmlowp's integer formulas."""

from __future__ import annotations

import random
from collections.abc import Iterable

import pytest
from amaranth.sim import Simulator

from tests.rtl.support import make_config
from tfl2hw.rtl_templates.config import SOFTMAX_DIGITS
from tfl2hw.rtl_templates.softmax import Mode, Softmax

INT32_MAX = 2**31 - 1


def srdhm(a: int, b: int) -> int:
    """SaturatingRoundingDoublingHighMul, as gemmlowp writes it."""
    if a == b == -(2**31):
        return INT32_MAX
    product = a * b
    nudge = 2**30 if product >= 0 else 1 - 2**30
    quotient = abs(product + nudge) // 2**31
    return quotient if product + nudge >= 0 else -quotient


def rdbp(x: int, exponent: int) -> int:
    """RoundingDivideByPOT."""
    mask = (1 << exponent) - 1
    return (x >> exponent) + ((x & mask) > (mask >> 1) + (x < 0))


def shift_left_saturating(x: int, bits: int) -> int:
    return max(-(2**31), min(INT32_MAX, x << bits))


def one_over_one_plus_x(a: int) -> int:
    half_denominator = (a + INT32_MAX + 1) // 2
    x = 1515870810 + srdhm(half_denominator, -1010580540)
    for _ in range(3):
        x += shift_left_saturating(srdhm(x, (1 << 29) - srdhm(half_denominator, x)), 2)
    return shift_left_saturating(x, 1)


def softmax(row: list[int], exponentials: list[int]) -> list[int]:
    values = [exponentials[max(row) - x] for x in row]
    total = sum(rdbp(e, 12) for e in values)
    headroom = 32 - total.bit_length()
    reciprocal = one_over_one_plus_x((total << headroom) - 2**31)
    scaled = [rdbp(srdhm(reciprocal, e), 12 - headroom + 23) for e in values]
    return [max(-128, min(127, y - 128)) for y in scaled]


def table(scale: float) -> list[int]:
    """Exponentials to within rounding: the unit takes any table whose first entry is 1."""
    values = [min(INT32_MAX, round(2**31 * 2.718281828459045 ** (-d * scale))) for d in range(256)]
    return [0 if value < 2**31 * 2.718281828459045**-10 else value for value in values]


def run(
    exponentials: list[int],
    rows: Iterable[list[int]],
    *,
    load: bool,
    gap: int = 0,
    seed: int = 0,
    scaled: int | None = None,
    table: int = 0,
    digit_bits: int = 1,
) -> None:
    """Three passes over each row, of which the last may end after ``scaled`` bytes.

    ``exponentials`` may hold several tables; ``table`` is the one to use.
    """
    generator = random.Random(seed)
    tables = -(-len(exponentials) // 256)
    dut = Softmax(tables, [] if load else exponentials, digit_bits)
    interval, latency = Softmax.scale_interval(digit_bits), Softmax.scale_latency(digit_bits)

    async def tokens(ctx, mode, row, interval):
        ctx.set(dut.start, 1)
        ctx.set(dut.mode, mode)
        await ctx.tick()
        ctx.set(dut.start, 0)
        for x in row:
            ctx.set(dut.x_valid, 1)
            ctx.set(dut.x, x)
            await ctx.tick()
            if interval == 1 and not gap:
                continue
            ctx.set(dut.x_valid, 0)
            ctx.set(dut.x, generator.randrange(-128, 128))
            idle = interval - 1 + (generator.randrange(gap) if gap else 0)
            if idle:
                await ctx.tick().repeat(idle)
        ctx.set(dut.x_valid, 0)

    async def testbench(ctx):
        if load:
            ctx.set(dut.load_en, 1)
            for address, value in enumerate(exponentials):
                ctx.set(dut.load_address, address)
                ctx.set(dut.load_data, value)
                await ctx.tick()
            ctx.set(dut.load_en, 0)
        ctx.set(dut.table, table)
        for row in rows:
            results.clear()
            await tokens(ctx, Mode.MAX, row, 1)
            await tokens(ctx, Mode.SUM, row, 1)
            ctx.set(dut.finish, 1)
            await ctx.tick()
            ctx.set(dut.finish, 0)
            await ctx.tick().repeat(Softmax.reciprocal_latency(digit_bits) - 2)
            await tokens(ctx, Mode.SCALE, row[:scaled], interval)
            await ctx.tick().repeat(max(latency, interval + 6) - interval + 4)
            assert results == softmax(row, exponentials[256 * table :])[:scaled]

    results: list[int] = []

    async def monitor(ctx):
        inputs = []
        cycle = 0
        scaling = False
        async for _, _, start, mode, x_valid, y_valid, y in ctx.tick().sample(
            dut.start, dut.mode, dut.x_valid, dut.y_valid, dut.y
        ):
            if start:
                scaling = mode == Mode.SCALE
            if x_valid and scaling:
                inputs.append(cycle)
            if y_valid:
                assert cycle - inputs.pop(0) == latency
                results.append(y)
            cycle += 1

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(testbench)
    simulator.add_testbench(monitor, background=True)
    simulator.run()


@pytest.mark.parametrize("digit_bits", SOFTMAX_DIGITS)
@pytest.mark.parametrize("scale", [0.02, 0.1, 0.5])
@pytest.mark.parametrize("gap", [0, 5])
def test_random_rows(scale: float, gap: int, digit_bits: int) -> None:
    generator = random.Random(f"{scale} {gap}")
    rows = [[generator.randrange(-128, 128) for _ in range(depth)] for depth in (1, 2, 3, 10, 12, 40)]
    rows += [[generator.randrange(100, 128) for _ in range(depth)] for depth in (2, 7, 16)]
    run(table(scale), rows, load=False, gap=gap, digit_bits=digit_bits)


@pytest.mark.parametrize("digit_bits", SOFTMAX_DIGITS)
@pytest.mark.parametrize("depth", [1, 2, 4, 16, 256, 511])
def test_equal_bytes(depth: int, digit_bits: int) -> None:
    """A sum that is a power of two takes the reciprocal to its saturation."""
    run(table(0.1), [[-128 if depth % 2 else 127] * depth], load=False, digit_bits=digit_bits)


@pytest.mark.parametrize("digit_bits", SOFTMAX_DIGITS)
@pytest.mark.parametrize("depth", [100, 1000])
def test_long_rows(depth: int, digit_bits: int) -> None:
    generator = random.Random(depth)
    row = [generator.randrange(-128, 128) for _ in range(depth)]
    run(table(0.05), [row], load=False, digit_bits=digit_bits)


def test_a_deep_row_whose_sum_is_small() -> None:
    """Depth alone is no limit: what counts is that the exponentials add up to less than 512.0."""
    generator = random.Random(7)
    row = [generator.randrange(-128, 60) for _ in range(6000)]
    row[4321] = 127
    exponentials = table(0.05)
    assert sum(exponentials[127 - x] for x in row) < 512 << 31
    run(exponentials, [row[4300:] + row[:4300]], load=False, scaled=40)


@pytest.mark.parametrize("load", [False, True])
def test_several_tables(load: bool) -> None:
    """Each is used by its number, and differs where it matters."""
    tables = [table(scale) for scale in (0.02, 0.1, 0.5)]
    flat = [value for each in tables for value in each]
    generator = random.Random(3)
    row = [generator.randrange(-20, 20) for _ in range(9)]
    assert len({tuple(softmax(row, each)) for each in tables}) == 3
    for number in range(3):
        run(flat, [row], load=load, table=number)


@pytest.mark.parametrize("digit_bits", SOFTMAX_DIGITS)
def test_arbitrary_tables_loaded(digit_bits: int) -> None:
    generator = random.Random(digit_bits)
    for seed in range(4):
        exponentials = [INT32_MAX] + [
            generator.randrange(2 ** generator.randrange(1, 32)) for _ in range(255)
        ]
        exponentials = [min(value, INT32_MAX) for value in exponentials]
        rows = [[generator.randrange(-128, 128) for _ in range(generator.randrange(1, 20))] for _ in range(6)]
        run(exponentials, rows, load=True, seed=seed, digit_bits=digit_bits)


@pytest.mark.filterwarnings("ignore::amaranth.hdl.UnusedElaboratable")
@pytest.mark.parametrize(
    ("init", "message"), [([0] * 257, "at most 256 entries, not 257"), ([2**31], "values in 0..2")]
)
def test_refuses(init: list[int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Softmax(init=init)


@pytest.mark.parametrize("digit_bits", SOFTMAX_DIGITS)
def test_latencies(digit_bits: int) -> None:
    """What the schedule and the documentation count with."""
    wanted = {1: (32, 49, 368), 2: (17, 34, 203), 4: (11, 23, 137)}
    found = (Softmax.scale_interval, Softmax.scale_latency, Softmax.reciprocal_latency)
    assert tuple(each(digit_bits) for each in found) == wanted[digit_bits]


def test_refuses_a_core_without_a_table() -> None:
    with pytest.raises(ValueError, match="softmax_tables must be at least 1, not 0"):
        make_config(softmax_tables=0)
