"""Products of two int8 without a DSP: three times a factor is made once, for all digits of the other."""

from __future__ import annotations

from amaranth.hdl import Array, Const, Module, Signal, Value, signed

from tfl2hw.extending import Multiplier, delayed


def product(m: Module, name: str, x: Value, w: Value, latency: int) -> Value:
    """``x * w``, ``latency`` cycles later; one product a cycle.

    Cycle 1 makes 3x, cycle 2 the products of the halves of w, cycle 3 adds them. With a latency of 2 the last
    two are one.
    """
    once, digits = delayed(m, x, 1, f"{name}_x"), delayed(m, w, 1, f"{name}_w")
    thrice = delayed(m, x + (x << 1), 1, f"{name}_3x")
    multiples = [Const(0, signed(10)), once, once << 1, thrice]
    low = _half(m, f"{name}_low", digits[:4], multiples, multiples, latency - 2)
    # the highest digit of an int8 counts 0, 1, -2, -1
    signed_multiples = [*multiples[:2], -(once << 1), -once]
    high = _half(m, f"{name}_high", digits[4:], multiples, signed_multiples, latency - 2)
    return delayed(m, (low + (high << 4))[:16].as_signed(), 1, f"{name}_product")


def _half(m: Module, name: str, bits: Value, lower: list[Value], upper: list[Value], registers: int) -> Value:
    """The product of x and four bits of w: two digits, each of which chooses a multiple of x."""
    half = Signal(signed(14), name=name)
    m.d.comb += half.eq(Array(lower)[bits[:2]] + (Array(upper)[bits[2:]] << 2))
    return delayed(m, half, registers, name)


THREEFOLD = Multiplier(name="threefold", make=product, latencies=(2, 3), cells=125, flip_flops=60)
