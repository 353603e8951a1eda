"""A bench for units that take the bytes of a row several times, without a handshake."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

from amaranth.sim import Simulator

Row = list[int]


def run_rows(
    dut: Any,
    rows: Sequence[Row],
    expected: Callable[[Row], list[int]],
    *,
    passes: Sequence[tuple[int, int]],
    finish: tuple[int, int],
    latency: int,
    ports: dict[str, int] | None = None,
    gap: int = 0,
    prepare: Callable[[Any], Any] | None = None,
) -> None:
    """Every row through every pass; asserts each result, its mark and its cycle.

    Parameters
    ----------
    passes : mode and least number of cycles between two tokens of each pass, the last one's with results.
    finish : the pass behind which ``finish`` is given, and the cycles from it to the next pass's token.
    latency : cycles from a token of the last pass to its result.
    ports : inputs that stay.
    gap : idle cycles between tokens, at random below this.
    prepare : a coroutine function that runs first.
    """
    generator = random.Random(f"{gap} {len(rows)}")
    results: list[tuple[int, int]] = []

    async def tokens(ctx: Any, mode: int, row: Row, interval: int, last_pass: bool) -> None:
        ctx.set(dut.mode, mode)
        ctx.set(dut.start, 1)
        await ctx.tick()
        ctx.set(dut.start, 0)
        ctx.set(dut.mode, generator.randrange(2))
        for index, x in enumerate(row):
            ctx.set(dut.x_valid, 1)
            ctx.set(dut.x, x)
            ctx.set(dut.x_last, index == len(row) - 1)
            await ctx.tick()
            ctx.set(dut.x_valid, 0)
            ctx.set(dut.x, generator.randrange(-128, 128))
            ctx.set(dut.x_last, generator.randrange(2))
            idle = interval - 1 + (generator.randrange(gap) if gap else 0)
            # finish may come in the very cycle behind the last token
            if idle and (last_pass or index < len(row) - 1):
                await ctx.tick().repeat(idle)

    async def testbench(ctx: Any) -> None:
        for name, value in (ports or {}).items():
            ctx.set(getattr(dut, name), value)
        if prepare:
            await prepare(ctx)
        for row in rows:
            results.clear()
            for number, (mode, interval) in enumerate(passes):
                await tokens(ctx, mode, row, interval, number == len(passes) - 1)
                if number == finish[0]:
                    ctx.set(dut.finish, 1)
                    await ctx.tick()
                    ctx.set(dut.finish, 0)
                    await ctx.tick().repeat(finish[1] - 2)
            await ctx.tick().repeat(latency + 2)
            wanted = expected(row)
            assert [y for y, _ in results] == wanted, (row, wanted, results)
            assert [mark for _, mark in results] == [0] * (len(wanted) - 1) + [1]

    async def monitor(ctx: Any) -> None:
        taken: list[int] = []
        cycle, last_pass = 0, False
        async for _, _, start, mode, x_valid, y_valid, y, y_last in ctx.tick().sample(
            dut.start, dut.mode, dut.x_valid, dut.y_valid, dut.y, dut.y_last
        ):
            if start:
                last_pass = mode == passes[-1][0]
            if x_valid and last_pass:
                taken.append(cycle)
            if y_valid:
                assert cycle - taken.pop(0) == latency
                results.append((y, y_last))
            cycle += 1

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(testbench)
    simulator.add_testbench(monitor, background=True)
    simulator.run()
