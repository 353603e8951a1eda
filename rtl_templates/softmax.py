"""TFLite's int8 softmax, one byte at a time, with one serial multiplier."""

from __future__ import annotations

from collections.abc import Sequence

from amaranth import C, Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import data, enum, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

DIGITS = 31
"""Multiplier steps of a product: the serial operand is an unsigned 31-bit number."""

NORMALISE = 12
"""Cycles that turn the sum into 2**30 <= half denominator < 2**31."""

NEWTON_STEPS = 3

PATTERN_32_17 = 0x3C
"""Every byte of 32/17 in Q2.29 (1010580540), which multiplies the half denominator."""

PATTERN_48_17 = 0x5A
"""Every byte of 48/17 in Q2.29 (1515870810), the constant term of the first guess."""


class Mode(enum.IntEnum, shape=2):
    """What the tokens of a pass are for."""

    MAX = 0
    SUM = 1
    SCALE = 2


class Phase(enum.IntEnum, shape=3):
    """Steps of the reciprocal; each takes 32 cycles (``NORMALISE`` 12)."""

    IDLE = 0
    NORMALISE = 1
    GUESS = 2  # accumulator = half denominator * 32/17
    START = 3  # x = 48/17 - accumulator
    PRODUCT = 4  # accumulator = half denominator * x
    ERROR = 5  # accumulator = (half denominator * x - 1) * x
    UPDATE = 6  # x = x - 4 * accumulator


STAGE = data.StructLayout({"token": 1, "mode": Mode, "clear_sum": 1, "finish": 1})
"""What accompanies an exponential as it leaves the table."""


class Softmax(wiring.Component):
    """Exact TFLite int8 softmax of a row, in three passes over its bytes.

    Pass MAX finds the row's maximum, pass SUM adds the exponentials of ``max - x``, ``finish``
    makes the reciprocal of the sum (``one_over_one_plus_x`` of gemmlowp, three Newton steps) and
    pass SCALE turns each byte into its result. There is no handshake: every latency is constant.

    Products are made by one serial multiplier: 31 steps of add and shift, whose accumulator starts
    at 2**30, so that it ends as ``SaturatingRoundingDoublingHighMul``. As that is
    ``floor((a * b + 2**30) / 2**31)`` for either sign, ``-floor((a * b + 2**30 - 1) / 2**31)`` is
    that of ``-a * b``: subtracting a product needs no negation, only the other start value.

    The reciprocal lives in a rotating 31-bit register: it is a product's serial operand and is
    updated a bit at a time. One that reaches 2.0 saturates to 2**31 - 1.

    Verified range: rows of 1 to 6000 bytes against the integer reference; by construction rows of any
    length whose exponentials add up to less than 4096.0 (the sum is Q12.19). TFLite itself shifts by more
    than 31 bits, which C leaves undefined and the interpreters abort on, from 512.0 on (512 equal
    bytes); here such a row gives the arithmetical value, -128, and from 4096.0 on anything.

    Members
    -------
    start : In(1), a strobe that begins a pass of ``mode``. MAX forgets the maximum, SUM the sum.
    mode : In(2), a :class:`Mode`, sampled with ``start``.
    x_valid : In(1), ``x`` is a token. From the cycle after ``start``; in MAX and SUM one a cycle, in
        SCALE one every ``SCALE_INTERVAL`` cycles at most.
    x : In(signed(8)), the row's byte.
    table : In, the number of the table to use; stands still from SUM's ``start`` to SCALE's last result.
    finish : In(1), a strobe with the last token of SUM or in any cycle after it. The first SCALE token may
        come ``RECIPROCAL_LATENCY`` cycles after it.
    y_valid : Out(1), ``y`` is a result, ``SCALE_LATENCY`` cycles after its token.
    y : Out(signed(8)), the result, in the cycle of ``y_valid``.
    load_en, load_address, load_data : In(1), In, In(32): writes entry ``load_address`` of the
        tables of exponentials (Q0.31, indexed by ``256 * table + max - x``; 0 where the result is -128).

    Parameters
    ----------
    tables : how many tables of 256 entries.
    init : up to 256 initial entries a table, one table after the other, each in 0..2**31 - 1.

    Raises
    ------
    ValueError : more entries than the tables have, or one out of range.
    """

    RECIPROCAL_LATENCY = 4 + NORMALISE + (2 + 3 * NEWTON_STEPS) * (DIGITS + 1)
    SCALE_INTERVAL = DIGITS + 1
    SCALE_LATENCY = 3 + DIGITS + 1 + 12

    def __init__(self, tables: int = 1, init: Sequence[int] = ()) -> None:
        if len(init) > 256 * tables:
            raise ValueError(f"init must have at most {256 * tables} entries, not {len(init)!r}")
        if any(not 0 <= value < 1 << 31 for value in init):
            raise ValueError("init must be of values in 0..2**31 - 1")
        self._init = tuple(init)
        self._tables = tables
        table_bits = (tables - 1).bit_length()
        super().__init__({
            "start": In(1),
            "mode": In(2),
            "x_valid": In(1),
            "x": In(signed(8)),
            "table": In(table_bits),
            "finish": In(1),
            "y_valid": Out(1),
            "y": Out(signed(8)),
            "load_en": In(1),
            "load_address": In(8 + table_bits),
            "load_data": In(32),
        })

    def elaborate(self, platform: object) -> Module:
        m = Module()
        exponential, stage = self._front(m)

        count = Signal(5, init=DIGITS)
        last = count == DIGITS  # the cycle between two products
        phase = Signal(Phase)
        newton = Signal(range(NEWTON_STEPS))
        total = Signal(31)
        operand = Signal(31)
        x = Signal(31)
        accumulator = Signal(signed(32))
        shift = Signal(4)

        scale_token = stage.token & (stage.mode == Mode.SCALE)
        scaling = Signal()
        with m.If(~last | scale_token | (phase != Phase.IDLE)):
            m.d.sync += count.eq(count + 1)
        with m.If(last):
            m.d.sync += scaling.eq(scale_token)
        self._sequence(m, phase=phase, newton=newton, count=count, last=last, begin=stage.finish)

        # The sum: tokens are added a cycle after their exponential came from the memory.
        summand = operand[12:]
        add = Signal()
        m.d.sync += add.eq(stage.token & (stage.mode == Mode.SUM))
        normalising = Signal()  # in phase NORMALISE; a register of its own, as the sum's adder waits for it
        with m.If(stage.finish):
            m.d.sync += normalising.eq(1)
        with m.Elif(last):
            m.d.sync += normalising.eq(0)
        with m.If(stage.clear_sum):
            m.d.sync += [total.eq(0), shift.eq(11)]
        with m.Elif(add | (normalising & ~total[30])):
            rounding = Mux(normalising, 0, operand[11])
            m.d.sync += total.eq(total + Mux(normalising, total, summand) + rounding)
        with m.If(normalising & ~total[30]):
            m.d.sync += shift.eq(shift - 1)

        # The parallel operand: an exponential, or the error term of a Newton step.
        with m.If(stage.token):
            m.d.sync += operand.eq(exponential)
        with m.Elif(last):
            m.d.sync += operand.eq(accumulator[:26].as_signed())

        self._multiply(
            m,
            phase=phase,
            count=count,
            last=last,
            scaling=scaling,
            total=total,
            operand=operand,
            x=x,
            accumulator=accumulator,
            newton=newton,
        )
        self._round(m, result=last & scaling, accumulator=accumulator, shift=shift)
        return m

    def _front(self, m: Module) -> tuple[Value, data.View]:
        """Maximum, difference and table: the exponential, and what its stage is to do with it."""
        m.submodules.table = table = Memory(shape=32, depth=256 * self._tables, init=self._init)
        write = table.write_port()
        read = table.read_port()
        m.d.comb += [
            write.en.eq(self.load_en),
            write.addr.eq(self.load_address),
            write.data.eq(self.load_data),
        ]
        mode = Signal(Mode)
        token = Signal()
        x = Signal(signed(8))
        start = Signal()
        finish = Signal(3)
        m.d.sync += [token.eq(self.x_valid), start.eq(self.start), x.eq(self.x)]
        m.d.sync += finish.eq(Cat(self.finish, finish))
        with m.If(self.start):
            m.d.sync += mode.eq(self.mode)

        maximum = Signal(signed(8))
        difference = Signal(signed(9))
        m.d.comb += [
            difference.eq(maximum - x),
            read.addr.eq(Cat(difference[:8], self.table)),
            read.en.eq(1),
        ]
        with m.If(mode == Mode.MAX):
            with m.If(start):
                m.d.sync += maximum.eq(-128)
            with m.Elif(token & (difference < 0)):
                m.d.sync += maximum.eq(x)

        stage = Signal(STAGE)
        m.d.comb += stage.finish.eq(finish[2])
        m.d.sync += [
            stage.token.eq(token),
            stage.mode.eq(mode),
            stage.clear_sum.eq(start & (mode == Mode.SUM)),
        ]
        return read.data, stage

    @staticmethod
    def _sequence(
        m: Module, *, phase: Signal, newton: Signal, count: Signal, last: Signal, begin: Signal
    ) -> None:
        """The order of the reciprocal's phases."""
        with m.If(begin):
            m.d.sync += [phase.eq(Phase.NORMALISE), count.eq(DIGITS - NORMALISE + 1), newton.eq(0)]
        with m.Elif(last):
            with m.Switch(phase):
                with m.Case(Phase.NORMALISE, Phase.GUESS, Phase.START, Phase.PRODUCT, Phase.ERROR):
                    m.d.sync += phase.eq(phase + 1)
                with m.Case(Phase.UPDATE):
                    m.d.sync += [newton.eq(newton + 1), phase.eq(Phase.PRODUCT)]
                    with m.If(newton == NEWTON_STEPS - 1):
                        m.d.sync += [count.eq(DIGITS), phase.eq(Phase.IDLE)]

    @staticmethod
    def _multiply(
        m: Module,
        *,
        phase: Signal,
        count: Signal,
        last: Signal,
        scaling: Signal,
        total: Signal,
        operand: Signal,
        x: Signal,
        accumulator: Signal,
        newton: Signal,
    ) -> None:
        """The accumulator and the rotating reciprocal ``x``, a bit each cycle."""
        draining = (phase == Phase.START) | (phase == Phase.UPDATE)
        digit, use_total = Softmax._digit(m, phase=phase, count=count, last=last, x=x)
        signed_operand = Mux(scaling, operand, operand.as_signed())
        chosen = Signal(signed(32))
        m.d.comb += chosen.eq(Mux(digit, Mux(use_total, total, signed_operand), 0))
        # A subtracted product, which ends in START or UPDATE, starts at one less.
        subtracted = (phase == Phase.NORMALISE) | (phase == Phase.PRODUCT)
        reload = last & (phase != Phase.GUESS) & (phase != Phase.ERROR)
        with m.If(reload):
            m.d.sync += accumulator.eq(Mux(subtracted, (1 << 30) - 1, 1 << 30))
        with m.Elif(~last & ((phase != Phase.UPDATE) | (count >= 2))):
            m.d.sync += accumulator.eq((accumulator + chosen) >> 1)

        minuend = Signal()
        m.d.comb += minuend.eq(Mux(phase == Phase.START, C(PATTERN_48_17, 8).bit_select(count[:3], 1), x[0]))
        subtrahend = Signal()
        # The product is worth four times as much in UPDATE: it waits for two bits.
        m.d.comb += subtrahend.eq(draining & accumulator[0] & ((phase == Phase.START) | (count >= 2)))
        borrow = Signal()
        with m.If(last):
            m.d.sync += borrow.eq(0)
            with m.If((phase == Phase.UPDATE) & (newton == NEWTON_STEPS - 1) & x[30]):
                m.d.sync += x.eq((1 << 31) - 1)
        with m.Else():
            m.d.sync += borrow.eq(Mux(minuend, subtrahend & borrow, subtrahend | borrow))
            m.d.sync += x.eq(Cat(x[1:], minuend ^ subtrahend ^ borrow))

    @staticmethod
    def _digit(m: Module, *, phase: Signal, count: Signal, last: Signal, x: Signal) -> tuple[Signal, Signal]:
        """The serial operand's digit, and whether the sum is the parallel one: registered, so that the
        addition need not wait for them, and hence worked out a cycle ahead.
        """
        digit, use_total = Signal(), Signal()
        coming: list[tuple[tuple[Phase, ...], Value]] = [
            ((Phase.GUESS,), C(PATTERN_32_17, 8).bit_select((count + 1)[:3], 1)),
            ((Phase.PRODUCT, Phase.ERROR), x[1]),
            ((Phase.IDLE,), x[0]),
        ]
        # While scaling, r = 2 * x: the bit before, which is x's top bit after a rotation. In the first
        # cycle that is bit 30 of x itself, which is 0 unless all of x was saturated to ones.
        first: list[tuple[tuple[Phase, ...], Value]] = [
            ((Phase.START, Phase.PRODUCT, Phase.UPDATE), x[0]),
            ((Phase.IDLE,), x[30]),
        ]
        for condition, cases in ((last, first), (~last, coming)):
            with m.If(condition):
                m.d.sync += digit.eq(0)
                with m.Switch(phase):
                    for phases, value in cases:
                        with m.Case(*phases):
                            m.d.sync += digit.eq(value)
        with m.If(last):
            with m.Switch(phase):
                with m.Case(Phase.NORMALISE, Phase.START, Phase.UPDATE):
                    m.d.sync += use_total.eq(1)
                with m.Default():
                    m.d.sync += use_total.eq(0)
        return digit, use_total

    def _round(self, m: Module, *, result: Signal, accumulator: Signal, shift: Signal) -> None:
        """``RoundingDivideByPOT(accumulator, 23 + shift) - 128``, clamped, in 12 cycles."""
        window = Signal(9)
        steps = Signal(range(13), init=12)
        with m.If(result):
            m.d.sync += [window.eq(accumulator[22:31]), steps.eq(0)]
        with m.Elif(steps != 12):
            m.d.sync += steps.eq(steps + 1)
            with m.If(steps < shift):
                m.d.sync += window.eq(window >> 1)
        m.d.sync += self.y_valid.eq(steps == 11)
        value = Signal(8)
        m.d.comb += value.eq(window[1:] + (window[0] & ~window[1:].all()))
        # the last shift, if there is one, is that of step 10: the byte can have a register of its own
        m.d.sync += self.y.eq(Cat(value[:7], ~value[7]))
