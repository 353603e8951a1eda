"""The wide multiplier of a requantizer; one signature, three kinds (see ``multiplier``).

Requantizers are many and DSPs few. A MULT18X18D multiplies the low 18 bits of both factors, a second
one, if there is one, a part of the rest, and Booth rows in LUTs what is narrow.
"""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .delay import delayed
from .lutmultiplier import booth_multiplier, levels
from .multiplier import ECP5_LATENCY, ECP5_PART, check_kind, mult18, plain


class WideMultiplier(wiring.Component):
    """``a * b`` with a signed and an unsigned factor.

    Latency: ``latency`` cycles. Throughput: one product a cycle.
    Range: all values of both factors; the product is exact.

    On ECP5 one or two MULT18X18D and LUTs, between registers with one adder at most. On iCE40 LUTs: 548
    logic cells for 21 x 18 bits, 682 for 24 x 20, 61 MHz alone on a UP5K, both less with a shorter latency.

    Parameters
    ----------
    a_width : bits of the signed factor, 2 to 36.
    b_width : bits of the unsigned factor, 2 to 36.
    kind : "generic", "ecp5" or "ice40".
    latency : cycles from the factors to the product; ``wide_latency(a_width, b_width)``, which every
        kind can do, if None. "ice40" and "generic" can do with less, down to 2.
    dsps : MULT18X18D of "ecp5", at most: 1 or 2. None has more where both factors have 18 bits or fewer.

    Members
    -------
    a : In(signed(a_width)).
    b : In(b_width).
    p : Out(signed(a_width + b_width)).
    """

    def __init__(
        self, a_width: int, b_width: int, kind: str, latency: int | None = None, dsps: int = 2
    ) -> None:
        check_kind(kind)
        for name, width in (("a_width", a_width), ("b_width", b_width)):
            if not 2 <= width <= 2 * ECP5_PART:
                raise ValueError(f"{name} must be 2 to {2 * ECP5_PART}, not {width!r}")
        if dsps not in (1, 2):
            raise ValueError(f"dsps must be 1 or 2, not {dsps!r}")
        least = _ecp5_latency(a_width, b_width) if kind == "ecp5" else 2
        self.latency = wide_latency(a_width, b_width) if latency is None else latency
        if self.latency < least:
            raise ValueError(f"latency must be at least {least} with kind {kind!r}, not {latency!r}")
        self._kind = kind
        self._dsps = dsps
        super().__init__({"a": In(signed(a_width)), "b": In(b_width), "p": Out(signed(a_width + b_width))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        if self._kind == "ice40":
            taken = min(self.latency, 1 + levels(len(self.b)))
            product = booth_multiplier(m, self.a, self.b, taken)
        elif self._kind == "ecp5":
            taken = _ecp5_latency(len(self.a), len(self.b))
            product = _ecp5_product(m, self.a, self.b, self._dsps)
        else:
            product, taken = plain(m, "wide", self.a, self.b, self.latency), self.latency
        m.d.comb += self.p.eq(delayed(m, product, self.latency - taken, "late"))
        return m


def wide_latency(a_width: int, b_width: int) -> int:
    """Cycles in which every kind of ``WideMultiplier`` of these widths reaches its best clock."""
    return max(_ecp5_latency(a_width, b_width), 1 + levels(b_width))


def _middle_latency(a_width: int, b_width: int) -> int:
    """The slowest of the products that stand 18 bits higher: a DSP, or rows and a level of adders a cycle."""
    rows = max(levels(a_width - ECP5_PART, b_signed=True), levels(b_width - ECP5_PART))
    return max(ECP5_LATENCY, 1 + rows)


def _ecp5_latency(a_width: int, b_width: int) -> int:
    """One DSP alone, or the middle products, their sum, the sum of all. The number of DSPs is no matter."""
    if max(a_width, b_width) <= ECP5_PART:
        return ECP5_LATENCY
    return _middle_latency(max(a_width, ECP5_PART), max(b_width, ECP5_PART)) + 2


def _ecp5_product(m: Module, a: Value, b: Value, dsps: int) -> Value:
    """``a_low * b_low + (middle << 18)``, the middle being what ``a_high`` and ``b_high`` add."""
    a_low, a_high = _split(a)
    b_low, b_high = _split(b)
    low = mult18(m, "low", a_low, b_low)
    if a_high is None and b_high is None:
        return low
    cycles = _middle_latency(max(len(a), ECP5_PART), max(len(b), ECP5_PART))
    middle = _middle(m, (a, a_low, a_high), (b, b_low, b_high), dsps, cycles)
    total = delayed(m, sum(middle[1:], middle[0]), 1, "middle_sum")
    low_late = delayed(m, low, cycles + 1 - ECP5_LATENCY, "low")
    everything = Cat(low_late[:ECP5_PART], (low_late >> ECP5_PART) + total)
    return delayed(m, everything[: len(a) + len(b)].as_signed(), 1, "all")


_Parts = tuple[Value, Value, Value | None]
"""A factor, its low part, its high part."""


def _middle(m: Module, a_parts: _Parts, b_parts: _Parts, dsps: int, cycles: int) -> list[Value]:
    """One or two products, ``cycles`` late: ``a * b_high + a_high * b_low`` in some form.

    The second DSP takes the longer high part times the other factor's low part.
    """
    (a, a_low, a_high), (b, b_low, b_high) = a_parts, b_parts

    def rows(wide: Value, narrow: Value) -> Value:
        wide = wide if wide.shape().signed else Cat(wide, Const(0, 1)).as_signed()
        taken = 1 + levels(len(narrow), b_signed=narrow.shape().signed)
        product = booth_multiplier(m, wide, narrow, taken, f"rows{len(narrow)}_")
        return delayed(m, product, cycles - taken, f"rows{len(narrow)}")

    def dsp(low: Value, high: Value) -> Value:
        return delayed(m, mult18(m, "middle", low, high), cycles - ECP5_LATENCY, "dsp")

    if a_high is None:
        assert b_high is not None, "there is no middle without a high part"
        return [rows(a, b_high) if dsps == 1 else dsp(a, b_high)]
    if b_high is None:
        return [rows(b, a_high) if dsps == 1 else dsp(b, a_high)]
    if dsps == 1:
        return [rows(a, b_high), rows(b_low, a_high)]
    if len(a_high) > len(b_high):
        return [rows(a, b_high), dsp(b_low, a_high)]
    return [rows(b, a_high), dsp(a_low, b_high)]


def _split(value: Value) -> tuple[Value, Value | None]:
    """The lowest 18 bits, unsigned, and the rest with the sign; or all of it and nothing."""
    if len(value) <= ECP5_PART:
        return value, None
    rest = value[ECP5_PART:]
    return value[:ECP5_PART], rest.as_signed() if value.shape().signed else rest
