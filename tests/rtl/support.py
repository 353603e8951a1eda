"""Cycle-by-cycle stimuli for units without a handshake, small configurations, words and bytes."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from typing import Any

from amaranth.lib import data
from amaranth.sim import Simulator

from tfl2hw.rtl_templates.config import CoreConfig
from tfl2hw.rtl_templates.isa import INDEX, VALUE_BITS

Cycle = Mapping[str, Any]
"""Values of inputs in one cycle, by dotted name; inputs that are not named are 0."""

SHAPES = [(4, 4, 1), (8, 4, 2), (8, 8, 4), (16, 8, 4)]
"""Lanes, columns, requantizers."""


def make_config(shape: tuple[int, int, int] = (4, 4, 1), **changes: Any) -> CoreConfig:
    lanes, columns, requantizers = shape
    fields: dict[str, Any] = {
        "accumulator_bits": 20, "mantissa_bits": 14, "mantissa_fraction": 13, "offset_bits": 35,
        "shift_bits": 4,
        "bank_depth": 32, "parameter_depth": 16, "program_depth": 64, "scratchpad_words": 256,
    }  # fmt: skip
    return CoreConfig(lanes=lanes, columns=columns, requantizers=requantizers, **fields | changes)


def play(dut: Any, cycles: Iterable[Cycle], watch: Sequence[str]) -> list[tuple[Any, ...]]:
    """What the signals named in ``watch`` were in each cycle, at its end."""
    seen: list[tuple[Any, ...]] = []

    async def testbench(ctx: Any) -> None:
        before: dict[str, Any] = {}
        for cycle in cycles:
            for name in before:
                if name not in cycle:
                    member = _member(dut, name)
                    ctx.set(member, {} if isinstance(member, data.View) else 0)
            for name, value in cycle.items():
                if before.get(name) != value:
                    ctx.set(_member(dut, name), value)
            before = dict(cycle)
            _, _, *values = await ctx.tick().sample(*(_member(dut, name) for name in watch))
            seen.append(tuple(values))

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(testbench)
    simulator.run()
    return seen


def register_writes(**values: int) -> list[dict[str, int]]:
    """A cycle for each register that the sequencer writes."""
    mask = (1 << VALUE_BITS) - 1
    return [
        {"bus.valid": 1, "bus.register": INDEX[name], "bus.value": value & mask}
        for name, value in values.items()
    ]


def start(kind: int, flags: int = 0) -> dict[str, int]:
    """The cycle that starts a job."""
    return {"bus.start": 1, "bus.value": kind | flags}


def begin(kind: int, flags: int = 0) -> list[dict[str, int]]:
    """The cycles that start a job, and tell a unit that its results begin."""
    return [start(kind, flags), {"begin": 1}]


def idle(count: int) -> list[dict[str, int]]:
    return [{} for _ in range(count)]


def unsigned(values: Iterable[int], bits: int = 8) -> int:
    """Values packed into one word, the first in the lowest bits."""
    mask = (1 << bits) - 1
    return sum((int(value) & mask) << bits * place for place, value in enumerate(values))


def signed_bytes(generator: random.Random, count: int) -> list[int]:
    """Random int8, the ends of the range more often."""
    return [generator.choice((-128, 127, generator.randrange(-128, 128))) for _ in range(count)]


def _member(dut: Any, name: str) -> Any:
    return reduce(getattr, name.split("."), dut)
