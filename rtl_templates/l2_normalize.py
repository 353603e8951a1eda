"""TFLite's int8 L2 normalisation, one byte at a time."""

from __future__ import annotations

from amaranth import Cat, Module, Mux, Signal, signed
from amaranth.lib import enum, wiring
from amaranth.lib.wiring import In, Out

from .fixed_point import DIGITS, FixedPoint, Program

PAIRS = 13
"""Factors of four that bring the least sum of squares, 2, to 2**27."""
EVEN = 4
"""The number of them at which the inverse root's exponent is that of an output step."""
NEWTON_STEPS = 5
SQUARES = 256
"""Entries of the table of squares."""


class Mode(enum.IntEnum, shape=1):
    """What the tokens of a pass are for."""

    SUM = 0
    SCALE = 1


def _program() -> Program:
    """From the sum of squares to the inverse of its root, by Newton steps from 1 (x in Q3.28).

    The index counts the factors of four. A sum of 0 or 1 never reaches 2**27: TFLite gives such a row,
    whose values are 0 or +-1, the root 1.
    """
    double = "store t\n add t\n"
    newton = f"""
        multiply x
        multiply x
        {double * 6}
        multiply half
        store cube clear
        add x
        multiply one_and_a_half
        subtract cube
        {double * 3}
        store x
    """
    normalise = "store t test count\n" + 3 * "add t conditional\n"
    code = f"""
        {normalise * PAIRS}
        store t test
        subtract one
        multiply one_half
        multiply one_half
        store half clear
        add unit
        store x
        {newton * NEWTON_STEPS}
        multiply sqrt_half
        store inverse clear
        add quarter
        store inverse conditional
        halt inverse
    """
    words = {
        "one": 1,
        "unit": 1 << 28,
        "quarter": 1 << 29,
        "one_half": 1 << 30,
        "one_and_a_half": 3 << 27,
        "sqrt_half": 1518500250,
    }
    return Program(
        code=code, words=words | dict.fromkeys(("t", "half", "x", "cube", "inverse"), 0), test_bit=27
    )


class L2Normalize(wiring.Component):
    """Exact TFLite int8 L2_NORMALIZATION of a row, in two passes over its bytes.

    Pass SUM adds the squares of ``x - zero_point``, ``finish`` makes the inverse root of the sum and pass
    SCALE multiplies with it. There is no handshake: every latency is constant.

    The squares come from a table in the machine's memory. A product takes 33 cycles: the difference is
    the serial operand, moved up by the inverse root's exponent where that is positive; where it is
    negative, the product is divided by 2 to 16 behind it (``RoundingDivideByPOT``).

    Verified range: rows of 1 to 8256 bytes (sums of squares below 2**29) against the integer reference,
    all zero points.

    Members
    -------
    start : In(1), a strobe that begins a pass of ``mode``. SUM forgets the sum.
    mode : In(1), a :class:`Mode`, sampled with ``start``.
    zero_point : In(signed(8)), of the row; constant while it is worked on.
    x_valid : In(1), ``x`` is a token. From the cycle after ``start``; in SUM one a cycle, in SCALE one every
        ``SCALE_INTERVAL`` cycles at most.
    x : In(signed(8)), the row's byte.
    x_last : In(1), a mark that comes out with the token's result as ``y_last``.
    finish : In(1), a strobe with the last token of SUM or in any cycle after it. The first SCALE token may
        come ``INVERSE_LATENCY`` cycles after it.
    y_valid : Out(1), ``y`` is a result, ``SCALE_LATENCY`` cycles after its token.
    y : Out(signed(8)), the result, in the cycle of ``y_valid``.
    y_last : Out(1), the mark that came with the token, in that cycle.
    """

    PROGRAM = _program()
    INVERSE_LATENCY = PROGRAM.latency + 1
    SCALE_INTERVAL = DIGITS + 2
    SCALE_LATENCY = 2 + SCALE_INTERVAL + EVEN + 1

    def __init__(self) -> None:
        super().__init__({
            "start": In(1),
            "mode": In(1),
            "zero_point": In(signed(8)),
            "x_valid": In(1),
            "x": In(signed(8)),
            "x_last": In(1),
            "finish": In(1),
            "y_valid": Out(1),
            "y": Out(signed(8)),
            "y_last": Out(1),
        })

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.machine = machine = FixedPoint(self.PROGRAM, [value**2 for value in range(SQUARES)])
        mode = Signal(Mode)
        token, add, begin = Signal(), Signal(), Signal()
        difference = Signal(signed(9), reset_less=True)
        mark = Signal(reset_less=True)
        m.d.sync += [token.eq(self.x_valid), begin.eq(self.start)]
        m.d.sync += [difference.eq(self.x - self.zero_point), mark.eq(self.x_last)]
        with m.If(self.start):
            m.d.sync += mode.eq(self.mode)
        summing = mode == Mode.SUM
        finish = Signal(2)
        m.d.sync += [finish.eq(Cat(self.finish, finish)), add.eq(token & summing)]
        m.d.comb += [
            machine.select.eq(token & summing),
            machine.address.eq(Mux(difference < 0, -difference, difference)[:8]),
            machine.clear.eq(begin & summing),
            machine.add.eq(add),
            machine.start.eq(finish[1]),
            machine.multiply.eq(token & ~summing),
            machine.digits.eq(difference),
            machine.skip.eq(Mux(machine.index > EVEN, machine.index - EVEN, 0)),
        ]
        last = Signal(reset_less=True)
        with m.If(machine.multiply):
            m.d.sync += last.eq(mark)
        self._round(m, machine, last)
        return m

    def _round(self, m: Module, machine: FixedPoint, last: Signal) -> None:
        """The product, divided by ``2 ** (EVEN - index)`` where that is above 1, clamped."""
        window = Signal(signed(9), reset_less=True)
        half, rest = Signal(reset_less=True), Signal(reset_less=True)
        marked = Signal(reset_less=True)
        steps = Signal(range(EVEN + 1), init=EVEN)
        with m.If(machine.product):
            m.d.sync += [window.eq(machine.accumulator), half.eq(0), rest.eq(0), steps.eq(0), marked.eq(last)]
        with m.Elif(steps != EVEN):
            m.d.sync += steps.eq(steps + 1)
            with m.If(steps + machine.index < EVEN):
                m.d.sync += [window.eq(window >> 1), half.eq(window[0]), rest.eq(rest | half)]
        done = Signal()
        m.d.sync += [done.eq(steps == EVEN - 1), self.y_valid.eq(done), self.y_last.eq(marked)]
        value = Signal(signed(10))
        # a half goes away from zero: up, but down where it is negative and exact
        m.d.comb += value.eq(window + (half & (rest | ~window[-1])))
        with m.If(value < -128):
            m.d.sync += self.y.eq(-128)
        with m.Elif(value > 127):
            m.d.sync += self.y.eq(127)
        with m.Else():
            m.d.sync += self.y.eq(value)
