"""int8 products in LUTs, for the lanes of a column that find no DSP."""

from __future__ import annotations

from types import MappingProxyType

from amaranth.hdl import Cat, Const, Instance, Module, Signal, Value, signed

from .delay import delayed
from .lutmultiplier import booth_multiplier
from .parts import Multiplier

LATENCY = 3
"""Cycles of an ECP5 product: the digits' products, their sums in pairs, the sum of all."""

_BYTE = 8
_ROW = _BYTE + 2
"""Bits of a byte times a digit of 2 bits."""


def carry_rows(m: Module, name: str, x: Value, w: Value, latency: int) -> Value:
    """``x * w`` of two int8 in the carry cells of an ECP5: a row of ``_ROW`` of them multiplies a byte with
    two bits, since such a cell adds two bits that are each the AND of two others.
    """
    assert latency == LATENCY, "a register for the digits' products, their sums in pairs and the sum of all"
    digits = [w[n : n + 2] for n in range(0, _BYTE, 2)]
    rows = [
        delayed(
            m,
            _times_digit(m, f"{name}_row{n}", x, digit, negative=n == len(digits) - 1),
            1,
            f"{name}_digit{n}",
        )
        for n, digit in enumerate(digits)
    ]
    pairs = [
        delayed(m, _joined(low, high, 2), 1, f"{name}_pair{n}")
        for n, (low, high) in enumerate(zip(rows[::2], rows[1::2], strict=True))
    ]
    return delayed(m, _joined(*pairs, 4)[: 2 * _BYTE].as_signed(), 1, f"{name}_product")


def _joined(low: Value, high: Value, shift: int) -> Value:
    """``low + (high << shift)``, signed; the lowest bits pass by the adder."""
    return Cat(low[:shift], low[shift:].as_signed() + high).as_signed()


def _times_digit(m: Module, name: str, x: Value, digit: Value, *, negative: bool) -> Value:
    """``x`` times a digit of two bits, whose upper one counts -2 instead of 2 if ``negative``."""
    row = Signal(signed(_ROW), name=name)
    bits = [x[min(place, _BYTE - 1)] for place in range(_ROW)]  # x, its sign repeated
    doubled = [Const(0, 1), *bits[: _ROW - 1]]
    carry: Value = Const(int(negative), 1)
    for place in range(0, _ROW, 2):
        following = Signal(name=f"{name}_carry{place}")
        halves = {}
        for half in (0, 1):
            at = place + half
            halves |= {f"i_A{half}": doubled[at], f"i_B{half}": digit[1]}
            halves |= {f"i_C{half}": bits[at], f"i_D{half}": digit[0]}
            halves |= {f"p_INIT{half}": Const(_gates(negative), 16), f"p_INJECT1_{half}": "NO"}
            halves |= {f"o_S{half}": row[at]}
        m.submodules[f"{name}_cell{place}"] = Instance("CCU2C", i_CIN=carry, o_COUT=following, **halves)
        carry = following
    return row


def _gates(negative: bool) -> int:
    """The LUT of half a carry cell: (A and B, or its inverse) xor (C and D).

    Where that is 0 the cell's carry is what its LUT's lowest entries, where C and D are 0, say of A and B:
    right for an adder.
    """
    table = 0
    for entry in range(16):
        a, b, c, d = (entry >> bit & 1 for bit in range(4))
        table |= ((a & b ^ int(negative)) ^ (c & d)) << entry
    return table


def booth_rows(m: Module, name: str, x: Value, w: Value, latency: int) -> Value:
    """``x * w`` of two int8 by Booth rows, for chips whose carry cells have no gates of their own."""
    return booth_multiplier(m, x, w, latency, f"{name}_")


CARRY_ROWS = Multiplier(
    name="carry-rows", make=carry_rows, latencies=(LATENCY,), cells=76, flip_flops=81,
    families=("ecp5",), portable=False,
)  # fmt: skip
BOOTH = Multiplier(name="booth", make=booth_rows, latencies=(2, 3), cells=94, flip_flops=81)

OURS = (CARRY_ROWS, BOOTH)
DEFAULTS = MappingProxyType({"ecp5": CARRY_ROWS, "ice40": BOOTH})
"""What makes a product for which there is no DSP, where nothing else is asked for."""
