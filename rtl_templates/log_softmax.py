"""TFLite's int8 logarithm of the softmax, one byte at a time."""

from __future__ import annotations

from collections.abc import Sequence

from amaranth import Cat, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .fixed_point import FixedPoint, Program
from .softmax import NEWTON_STEPS, Mode

TABLE = 512
"""Entries of a table: 256 exponentials, 256 distances."""

OCTAVES = 12
"""The sum of the exponentials is 2**19 .. 2**31 - 1 (Q12.19)."""

LOG_2 = 1488522236
SQRT_HALF = 1518500250
FOURTH_ROOT_OF_HALF = 1805811301


def _product(a: int, b: int) -> int:
    return (a * b + (1 << 30)) >> 31


def _thresholds() -> list[int]:
    """For each number of doublings: the least normalised sum above sqrt(1/2), less 2**30.

    TFLite decides by the leading bit of the sum's product with sqrt(1/2) before it normalises it, so
    that its rounding counts the more the smaller the sum is.
    """
    least = [-(((1 << 30) - (1 << (61 - octave))) // SQRT_HALF) for octave in range(OCTAVES)]
    return [(value << octave) - (1 << 30) for octave, value in enumerate(least)]


def _exponents() -> tuple[list[int], list[int]]:
    """``exponent * log(2)`` in Q6.25 above sqrt(1/2), and what to add below it."""
    above, below = (
        [_product(((OCTAVES - 1 - octave) << 25) + (quarters << 23), LOG_2) for octave in range(OCTAVES)]
        for quarters in (3, 1)
    )
    return above, [low - high for low, high in zip(below, above, strict=True)]


def _program() -> Program:
    """From the sum of the exponentials (Q12.19) to its logarithm (Q5.26), plus half an output step.

    The steps are those of TFLite's log_x_for_x_greater_than_or_equal_to_1. ``x`` becomes the reciprocal of
    the denominator by gemmlowp's Newton steps, of ``half``, half the denominator.
    """
    double = "store t\n add t\n"
    newton = f"""
        multiply half
        store t clear
        add quarter
        subtract t
        multiply x
        {double} {double}
        add x
        store x
    """
    above, below = _exponents()
    words: dict[str, int | list[int]] = {
        "thresholds": _thresholds(),
        "above": above,
        "below": below,
        "one": 1,
        "sixtyfourth": 1 << 25,
        "quarter": 1 << 29,
        "one_half": 1 << 30,
        "half_step": 1 << 21,
        "sqrt_half": SQRT_HALF,
        "centre": FOURTH_ROOT_OF_HALF,
        "alpha_n": 117049297,
        "alpha_d": 127690142,
        "alpha_i": 1057819769,
        "alpha_f": 638450708,
        "guess": 1515870810,  # 48/17 in Q2.29
        "guess_slope": -1010580540,  # -32/17
    }
    names = ("t", "r", "p", "q", "square", "numerator", "exponent", "half", "x")
    normalise = "store t test count\n add t conditional\n" * (OCTAVES - 1)
    code = f"""
        {normalise}
        store r
        subtract thresholds indexed
        store t test clear
        add r
        multiply sqrt_half
        {double}
        store r conditional clear
        add above indexed
        add below indexed conditional
        store exponent clear

        add r
        subtract centre
        {double}
        store q
        multiply quarter
        add centre
        store p clear
        add q
        multiply q
        store square
        multiply q
        multiply alpha_n
        store numerator clear
        add q
        multiply r
        add numerator
        add one_half
        store t test
        subtract one_half
        subtract one conditional
        multiply sixtyfourth
        store numerator clear

        add square
        multiply alpha_d
        add alpha_i
        add q
        multiply p
        store t clear
        add q
        multiply alpha_f
        add t
        subtract one
        multiply one_half
        add one_half
        store half
        multiply guess_slope
        add guess
        store x
        {newton * NEWTON_STEPS}
        add x
        multiply numerator
        add exponent
        {double}
        add half_step
        halt t
    """
    return Program(code=code, words=words | dict.fromkeys(names, 0), test_bit=30)


class LogSoftmax(wiring.Component):
    """Exact TFLite int8 LOG_SOFTMAX of a row, in three passes over its bytes.

    Pass MAX finds the row's maximum, pass SUM adds the exponentials of ``max - x``, ``finish`` makes
    the logarithm of the sum, and pass SCALE turns each byte into its result. There is no handshake:
    every latency is constant.

    The result is ``127 - ((distance + logarithm + 2**21) >> 22)``, at least -128, of the distance ``(max -
    x) * scale`` in Q5.26: the one adder that makes the sum and the logarithm makes this sum too.

    Verified range: rows of 1 to 1000 bytes against the integer reference, and the logarithm alone at the ends
    and the middle of every octave of the sum; by construction any row whose sum is below 2**31, so up to 4095
    bytes.

    Members
    -------
    start : In(1), a strobe that begins a pass of ``mode``. MAX forgets the maximum, SUM the sum.
    mode : In(2), a :class:`~.softmax.Mode`, sampled with ``start``.
    x_valid : In(1), ``x`` is a token. From the cycle after ``start``; one a cycle at most in every mode.
    x : In(signed(8)), the row's byte.
    x_last : In(1), a mark that comes out with the token's result as ``y_last``.
    finish : In(1), a strobe with the last token of SUM or in any cycle after it. The first SCALE token may
        come ``LOGARITHM_LATENCY`` cycles after it.
    y_valid : Out(1), ``y`` is a result, ``SCALE_LATENCY`` cycles after its token.
    y : Out(signed(8)), the result, in the cycle of ``y_valid``.
    y_last : Out(1), the mark that came with the token.
    table : In, the number of the table to use; stands still from SUM's ``start`` to SCALE's last result.
    load_en, load_address, load_data : In(1), In, In(32): writes a table entry: of table n exponential ``d``
        at ``512 * n + d``, distance ``d`` at ``512 * n + 256 + d``. Not between ``finish`` and SCALE.

    Parameters
    ----------
    tables : how many tables of 512 entries.
    init : up to 512 initial entries a table, one table after the other: 256 exponentials ``exp(-d * scale)``
        in Q12.19, each in 0..2**19, then 256 distances ``d * scale`` in Q5.26, each in 0..2**30, which is
        -128.

    Raises
    ------
    ValueError : more entries than the tables have, or one out of range.
    """

    PROGRAM = _program()
    LOGARITHM_LATENCY = PROGRAM.latency + 1
    SCALE_INTERVAL = 1
    SCALE_LATENCY = 3

    def __init__(self, tables: int = 1, init: Sequence[int] = ()) -> None:
        if len(init) > TABLE * tables:
            raise ValueError(f"init must have at most {TABLE * tables} entries, not {len(init)!r}")
        most = (1 << 19, 1 << 30)
        if any(not 0 <= value <= most[place % TABLE // 256] for place, value in enumerate(init)):
            raise ValueError("init must be of exponentials in 0..2**19 and distances in 0..2**30")
        self._table = [*init, *[0] * (TABLE * tables - len(init))]
        table_bits = (tables - 1).bit_length()
        super().__init__({
            "start": In(1),
            "mode": In(2),
            "x_valid": In(1),
            "x": In(signed(8)),
            "x_last": In(1),
            "table": In(table_bits),
            "finish": In(1),
            "y_valid": Out(1),
            "y": Out(signed(8)),
            "y_last": Out(1),
            "load_en": In(1),
            "load_address": In(9 + table_bits),
            "load_data": In(32),
        })

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.machine = machine = FixedPoint(self.PROGRAM, self._table)
        mode = Signal(Mode)
        token = Signal()
        x = Signal(signed(8), reset_less=True)
        begin = Signal()
        m.d.sync += [token.eq(self.x_valid), x.eq(self.x), begin.eq(self.start)]
        with m.If(self.start):
            m.d.sync += mode.eq(self.mode)

        maximum = Signal(signed(8), reset_less=True)
        difference = Signal(signed(9))
        m.d.comb += difference.eq(maximum - x)
        with m.If(mode == Mode.MAX):
            with m.If(begin):
                m.d.sync += maximum.eq(-128)
            with m.Elif(token & (difference < 0)):
                m.d.sync += maximum.eq(x)

        add, scale = Signal(), Signal()
        m.d.sync += [add.eq(token & (mode == Mode.SUM)), scale.eq(token & (mode == Mode.SCALE))]
        finish = Signal(2)
        m.d.sync += finish.eq(Cat(self.finish, finish))
        m.d.comb += [
            machine.select.eq(token),
            machine.address.eq(Cat(difference[:8], mode == Mode.SCALE, self.table)),
            machine.clear.eq(begin & (mode == Mode.SUM)),
            machine.add.eq(add),
            machine.start.eq(finish[1]),
            machine.load_en.eq(self.load_en),
            machine.load_address.eq(self.load_address),
            machine.load_data.eq(self.load_data),
        ]

        steps = machine.total[22:]
        low = Signal()
        m.d.comb += low.eq(steps[8:].any())
        m.d.sync += [
            self.y_valid.eq(scale),
            self.y.eq(Cat(Mux(low, 0, ~steps[:7]), low | steps[7])),
        ]
        marks = Signal(2, reset_less=True)
        m.d.sync += Cat(marks, self.y_last).eq(Cat(self.x_last, marks))
        return m
