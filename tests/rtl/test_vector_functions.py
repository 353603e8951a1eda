"""Functions of other packages, driven as a core drives them, against their references."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from tests.rtl.support import Cycle, idle, make_config, play, register_writes
from tfl2hw.rtl_templates.isa import FUNCTION_SHIFT, INDEX, Kind
from tfl2hw.rtl_templates.parts import VectorFunction
from tfl2hw.rtl_templates.vector_functions import VectorFunctions, checked_unit


class Mixed(wiring.Component):
    """``a ^ b ^ mask`` a cycle later."""

    def __init__(self, lanes: int) -> None:
        super().__init__({
            "valid": In(1), "a": In(8 * lanes), "b": In(8 * lanes), "mask": In(8), "y": Out(8 * lanes),
        })  # fmt: skip
        self._lanes = lanes

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.d.sync += self.y.eq(self.a ^ self.b ^ self.mask.replicate(self._lanes))
        return m


class Slow(wiring.Component):
    """Bytes plus ``step``, or less ``step`` where ``down``, one a cycle."""

    def __init__(self, lanes: int) -> None:
        super().__init__({
            "valid": In(1), "a": In(8 * lanes), "step": In(3), "down": In(1), "y": Out(8 * lanes),
        })  # fmt: skip
        self._lanes = lanes

    def elaborate(self, platform: object) -> Module:
        m = Module()
        left = Signal.like(self.a, reset_less=True)
        byte = Signal(8)
        m.d.comb += byte.eq(left[:8] + self.step)
        with m.If(self.down):
            m.d.comb += byte.eq(left[:8] - self.step)
        with m.If(self.valid):
            m.d.sync += left.eq(self.a)
        with m.Else():
            m.d.sync += left.eq(left >> 8)
        m.d.sync += self.y.eq(self.y >> 8 | byte << 8 * (self._lanes - 1))
        return m


def wrapped(values: Any) -> Any:
    return (np.asarray(values) + 128 & 255) - 128


def stepped(operands: Sequence[Any], fields: Mapping[str, int]) -> Any:
    return wrapped(operands[0] + (-fields["step"] if fields["down"] else fields["step"]))


MIXED = VectorFunction(
    name="mixed", operands=2, unit=Mixed, latency=lambda lanes: 1, fields=(("mask", 8),),
    reference=lambda operands, fields: wrapped(operands[0] ^ operands[1] ^ fields["mask"]),
)  # fmt: skip
SLOW = VectorFunction(
    name="slow", operands=1, unit=Slow, latency=lambda lanes: lanes + 1, interval=lambda lanes: lanes,
    fields=(("step", 3), ("down", 1)), reference=stepped,
)  # fmt: skip


def word(values: Any) -> int:
    return int.from_bytes(np.asarray(values, np.int8).tobytes(), "little")


@pytest.mark.parametrize("lanes", [4, 8])
@pytest.mark.parametrize("gaps", [False, True])
def test_jobs_of_several_functions(lanes: int, gaps: bool) -> None:
    """Words as close as a function takes them, or with gaps; the next job's registers are written early."""
    generator, numbers = random.Random(lanes), np.random.default_rng(lanes)
    config = make_config((lanes, 4, 4), functions=(MIXED, SLOW))
    latency = VectorFunctions.latency(config)
    cycles: list[Cycle] = []
    expected = {}
    for number in (0, 1, 0, 1, 1):
        function = config.functions[number]
        fields = {name: generator.randrange(1 << width) for name, width in function.fields}
        cycles += [
            *register_writes(function_fields=function.packed(fields)),
            {"bus.start": 1, "bus.value": Kind.FUNCTION | number << FUNCTION_SHIFT},
            *idle(latency),
        ]
        pause = max(0, function.interval(lanes) - function.operands)
        for count in range(12):
            operands = numbers.integers(-128, 128, (function.operands, lanes))
            for place, operand in enumerate(operands):
                first, last = place == 0, place == function.operands - 1
                flags = {"first": int(first), "last": int(last), "begin": int(count == 0 and first)}
                cycles.append({"valid": 1, "x": word(operand), **flags})
                stray = {"first": generator.randrange(2), "last": generator.randrange(2), "x": 0x55}
                cycles += [stray] * (generator.randrange(3) if gaps else 0)
                if last:
                    made = function.reference(list(operands), fields)
                    at = [n for n, each in enumerate(cycles) if each.get("valid")][-1]
                    expected[at + 1 + function.latency(lanes)] = word(made)
            cycles += [stray] * pause
    seen = play(VectorFunctions(config), [*cycles, *idle(latency + 1)], ("word_valid", "word"))
    assert {number: made for number, (valid, made) in enumerate(seen) if valid} == expected


def test_fields_are_packed_in_order() -> None:
    assert SLOW.packed({"down": 1, "step": 5}) == 0b1101
    assert SLOW.unpacked(0b1101) == {"step": 5, "down": 1}
    with pytest.raises(ValueError, match="step must have 3 bits, not 8"):
        SLOW.packed({"step": 8, "down": 0})
    assert "function_fields" in INDEX


@pytest.mark.filterwarnings("ignore::amaranth.hdl.UnusedElaboratable")
def test_refusals() -> None:
    with pytest.raises(ValueError, match="operands must be 1 or 2, not 3"):
        VectorFunction(name="x", operands=3, unit=Mixed, reference=stepped, latency=lambda lanes: 1)
    with pytest.raises(ValueError, match="fields must have at most 24 bits"):
        VectorFunction(
            name="x", operands=1, unit=Mixed, reference=stepped, latency=lambda lanes: 1, fields=(("a", 25),)
        )
    other = VectorFunction(name="x", operands=2, unit=Mixed, reference=stepped, latency=lambda lanes: 1)
    with pytest.raises(ValueError, match=r"ports of the unit of x must be valid: In\(1\), .* mask: In"):
        checked_unit(other, 4)
