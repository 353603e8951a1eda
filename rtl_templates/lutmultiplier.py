"""Multiplication in LUTs: a Booth multiplier for chips whose DSPs are all taken, or for a narrow factor."""

from __future__ import annotations

from dataclasses import dataclass

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed

from .delay import delayed


@dataclass(frozen=True)
class _Group:
    """The sum of ``rows`` neighbouring Booth rows, but for the late corrections.

    ``value`` is at the weight of its lowest row. ``correction`` is the last row's pending +1 (a row is
    negated by inverting it), at the weight of that row, or None if it is never negative.
    """

    rows: int
    value: Value
    correction: Value | None


def levels(b_width: int, *, b_signed: bool = False) -> int:
    """Levels of adders that a factor of ``b_width`` bits asks for."""
    return (_row_count(b_width, b_signed) - 1).bit_length()


def booth_multiplier(m: Module, a: Value, b: Value, latency: int, name: str = "") -> Value:
    """``a * b`` (``a`` signed, ``b`` as its shape says), radix-4 Booth rows and an adder tree.

    Latency: ``latency`` cycles, 2 to ``1 + levels(len(b))``: one for the rows, the others shared
    among the levels of adders (fewer registers, longer paths). Throughput: one a cycle.

    Sized for iCE40: a row's bit is one logic cell, because its LUT chooses between the factor, twice
    the factor and their inverses while the flip-flop's synchronous reset makes the zero. The +1 of
    an inverted row lands in the empty low bits of a neighbour, where an adder passes by anyway.
    """
    is_signed = b.shape().signed
    groups = [_row(m, a, b, number, name) for number in range(_row_count(len(b), is_signed))]
    count = levels(len(b), b_signed=is_signed)
    for level in range(count):
        registered = (level + 1) * (latency - 1) // count > level * (latency - 1) // count
        pairs = [groups[n : n + 2] for n in range(0, len(groups), 2)]
        groups = [
            _join(m, f"{name}sum{level}_{n}", len(a), registered, *pair) for n, pair in enumerate(pairs)
        ]
    return groups[0].value[: len(a) + len(b)].as_signed()


def _row_count(b_width: int, b_signed: bool) -> int:
    """Booth digits of a number: the last one must not be negative. A signed number's is always zero."""
    return (b_width + b_signed) // 2 + 1


def _row(m: Module, a: Value, b: Value, number: int, name: str) -> _Group:
    """The factor times one Booth digit, ``b[2n-1] + b[2n] - 2 * b[2n+1]``."""
    above = b[-1] if b.shape().signed else Const(0)
    bits = range(2 * number - 1, 2 * number + 2)
    low, middle, high = (Const(0) if bit < 0 else b[bit] if bit < len(b) else above for bit in bits)
    row = Signal(signed(len(a) + 1), name=f"{name}row{number}", reset_less=True)
    twice = Mux(low == middle, a << 1, a)
    zero = (low == middle) & (middle == high)
    with m.If(zero):
        m.d.sync += row.eq(0)
    with m.Else():
        m.d.sync += row.eq(twice ^ high.replicate(len(row)))
    if number == _row_count(len(b), b.shape().signed) - 1:
        return _Group(1, row, None)
    return _Group(1, row, delayed(m, high & ~(low & middle), 1, f"{name}correction{number}"))


def _join(
    m: Module, name: str, a_width: int, registered: bool, low: _Group, high: _Group | None = None
) -> _Group:
    """Add two neighbouring groups; with a register, if so, in which a group without a neighbour waits."""
    cycles = int(registered)
    correction = low.correction if high is None else high.correction
    late = None if correction is None else delayed(m, correction, cycles, f"{name}_correction")
    if high is None:
        return _Group(low.rows, delayed(m, low.value, cycles, name), late)
    shift = 2 * low.rows
    width = a_width + 2 * (low.rows + high.rows)
    # The correction of the lower group's last row goes below the upper group's lowest bit.
    start = shift if low.correction is None else shift - 2
    filler = Const(0, 0) if low.correction is None else Cat(low.correction, Const(0, 1))
    upper = low.value[start:].as_signed() + Cat(filler, high.value).as_signed()
    total = Cat(low.value[:start], upper)[:width].as_signed()
    return _Group(low.rows + high.rows, delayed(m, total, cycles, name), late)
