"""The multipliers by name, ours and those of other packages, and the proof that one is exact."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from amaranth.hdl import Module, Signal, Value, signed
from amaranth.sim import Simulator

from tfl2hw.boards import Board
from tfl2hw.errors import ExtensionError, UsageError
from tfl2hw.extensions import OURS, Provided, provided
from tfl2hw.rtl_templates import soft_multiplier
from tfl2hw.rtl_templates.parts import Multiplier, SoftProducts

LATENCY = {"ice40": 2}
"""Cycles of the multipliers of a family's cores; 3 of all others."""


@cache
def multipliers() -> Mapping[str, Provided[Multiplier]]:
    """All multipliers by name, with the packages that bring them. Raises ExtensionError."""
    return provided("multiplier", Multiplier, soft_multiplier.OURS, lambda extension: extension.multipliers)


def soft_products(choice: str, board: Board) -> SoftProducts:
    """The products that ``choice``, "NAME" or "NAME:LANES", means on ``board``.

    Raises
    ------
    UsageError : there is no such multiplier, or not for this board.
    ExtensionError : an extension is broken, or its multiplier is not exact.
    """
    name, colon, lanes = choice.partition(":")
    found = multipliers().get(name)
    if found is None:
        raise UsageError(f"there is no multiplier {name!r}; the multipliers are {', '.join(multipliers())}")
    if colon and not (lanes.isdecimal() and int(lanes)):
        raise UsageError(f"--multiplier {choice}: after the colon stands a number of lanes, not {lanes!r}")
    if board.core is not None and board.chip is not None:
        raise UsageError(
            f"--multiplier {choice}: {board.name} has one core for all models, which stays as it is"
        )
    latency = LATENCY.get(board.family, 3)
    fits = board.chip is None or board.family in found.value.families
    if not fits or latency not in found.value.latencies:
        raise UsageError(
            f"--multiplier {choice}: {board.name} needs one for {board.family} that takes {latency} cycles; "
            f"{name} is for {' and '.join(found.value.families)} and takes "
            f"{' or '.join(map(str, found.value.latencies))}"
        )
    if found.package != OURS:
        _check(found, latency)
    return SoftProducts(multiplier=found.value, lanes=int(lanes) if colon else None)


def _check(found: Provided[Multiplier], latency: int) -> None:
    who = f"the multiplier {found.value.name} of the package {found.package}"
    if not found.value.portable:
        raise ExtensionError(
            f"{who} is not portable, so that nothing can be proved of it; accepted: portable=True"
        )
    wrong = first_wrong(found.value, latency)
    if wrong is not None:
        x, w, product = wrong
        raise ExtensionError(
            f"{who} makes {x} * {w} = {product} after {latency} cycles; accepted: {x * w}, and the exact "
            "product of all other int8"
        )


@cache
def first_wrong(multiplier: Multiplier, latency: int) -> tuple[int, int, int] | None:
    """The first factors, and what is made of them, that ``multiplier`` does not multiply exactly.

    All 65,536 pairs are tried, one a cycle, each product ``latency`` cycles behind its factors.
    """
    m = Module()
    x, w, p = Signal(signed(8)), Signal(signed(8)), Signal(signed(16))
    product = Value.cast(multiplier.make(m, "lane0", x, w, latency))
    m.d.comb += p.eq(product)
    pairs = [(a, b) for a in range(-128, 128) for b in range(-128, 128)]
    wrong: list[tuple[int, int, int]] = []

    async def bench(ctx: Any) -> None:
        for number in range(len(pairs) + latency):
            a, b = pairs[min(number, len(pairs) - 1)]
            ctx.set(x, a)
            ctx.set(w, b)
            if number >= latency:
                a, b = pairs[number - latency]
                found = ctx.get(p)
                if found != a * b:
                    wrong.append((a, b, found))
                    return
            await ctx.tick()

    simulator = Simulator(m)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    return wrong[0] if wrong else None
