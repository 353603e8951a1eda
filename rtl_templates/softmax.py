"""TFLite's int8 softmax, one byte at a time, with one serial multiplier."""

from __future__ import annotations

from collections.abc import Sequence

from amaranth import C, Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import data, enum, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from .delay import delayed

SERIAL_BITS = 31
"""The multiplier's serial operand is an unsigned number of so many bits."""

NORMALISE = 12
"""Cycles that turn the sum into 2**30 <= half denominator < 2**31."""

MOST_SHIFT = 11
"""How far a result is shifted at most behind the 23 bits that it always is."""

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
    """Steps of the reciprocal; each takes as long as a product (``NORMALISE`` 12 cycles)."""

    IDLE = 0
    NORMALISE = 1
    GUESS = 2  # accumulator = half denominator * 32/17
    START = 3  # x = 48/17 - accumulator
    PRODUCT = 4  # accumulator = half denominator * x
    ERROR = 5  # accumulator = (half denominator * x - 1) * x
    UPDATE = 6  # x = x - 4 * accumulator


HALF_BITS = 16
"""Bits of half an exponential."""

FLAGS = data.StructLayout({
    "phase": Phase, "idle": 1, "normalise": 1, "guess": 1, "start": 1, "update": 1, "draining": 1, "total": 1,
})  # fmt: skip
"""A phase, and what the multiplier has to know of it without delay: ``draining`` in START and UPDATE, when
the accumulator's product leaves it; ``total`` where the half denominator is a factor."""

STAGE = data.StructLayout({"token": 1, "mode": Mode, "clear_sum": 1, "finish": 1})
"""What accompanies an exponential as it leaves the table."""


class Softmax(wiring.Component):
    """Exact TFLite int8 softmax of a row, in three passes over its bytes.

    Pass MAX finds the row's maximum, pass SUM adds the exponentials of ``max - x``, ``finish``
    makes the reciprocal of the sum (``one_over_one_plus_x`` of gemmlowp, three Newton steps) and
    pass SCALE turns each byte into its result. There is no handshake: every latency is constant.

    Products are made by one serial multiplier: steps of add and shift, ``digit_bits`` of the serial operand
    each, 31 bits in all, and a cycle to begin with the next one; digits of four bits take two more, as their
    products are added up between registers. The accumulator starts at 2**30, so that it ends as
    ``SaturatingRoundingDoublingHighMul``. As that is ``floor((a * b + 2**30) / 2**31)`` for either sign,
    ``-floor((a * b + 2**30 - 1) / 2**31)`` is that of ``-a * b``: subtracting a product needs no negation,
    only the other start value.

    The reciprocal lives in a rotating register of whole digits: it is a product's serial operand and is
    updated a digit at a time. One that reaches 2.0 saturates to 2**31 - 1.

    Verified range: rows of 1 to 6000 bytes against the integer reference; by construction rows of any
    length whose exponentials add up to less than 4096.0 (the sum is Q12.19). TFLite itself shifts by more
    than 31 bits, which C leaves undefined and the interpreters abort on, from 512.0 on (512 equal
    bytes); here such a row gives the arithmetical value, -128, and from 4096.0 on anything.

    Members
    -------
    start : In(1), a strobe that begins a pass of ``mode``. MAX forgets the maximum, SUM the sum.
    mode : In(2), a :class:`Mode`, sampled with ``start``.
    x_valid : In(1), ``x`` is a token. From the cycle after ``start``; in MAX and SUM one a cycle, in
        SCALE one every ``scale_interval(digit_bits)`` cycles at most, and no other within as many and five
        behind it.
    x : In(signed(8)), the row's byte.
    table : In, the number of the table to use; stands still from SUM's ``start`` to SCALE's last result.
    finish : In(1), a strobe with the last token of SUM or in any cycle after it. The first SCALE token may
        come ``reciprocal_latency(digit_bits)`` cycles after it.
    y_valid : Out(1), ``y`` is a result, ``scale_latency(digit_bits)`` cycles after its token.
    y : Out(signed(8)), the result, in the cycle of ``y_valid``.
    load_en, load_address, load_data : In(1), In, In(32): writes entry ``load_address`` of the
        tables of exponentials (Q0.31, indexed by ``256 * table + max - x``; 0 where the result is -128).

    Parameters
    ----------
    tables : how many tables of 256 entries.
    init : up to 256 initial entries a table, one table after the other, each in 0..2**31 - 1.
    digit_bits : bits of the serial operand that a step takes, one of ``config.SOFTMAX_DIGITS``.

    Raises
    ------
    ValueError : more entries than the tables have, or one out of range.
    """

    def __init__(self, tables: int = 1, init: Sequence[int] = (), digit_bits: int = 1) -> None:
        self._digit_bits = digit_bits
        self._steps = _steps(digit_bits)
        self._depth = _depth(digit_bits)
        self._final = self._steps + max(0, self._depth - 1)
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

    @staticmethod
    def scale_interval(digit_bits: int) -> int:
        """Cycles of a product."""
        return _steps(digit_bits) + max(1, _depth(digit_bits))

    @staticmethod
    def scale_latency(digit_bits: int) -> int:
        """The table, the product, the rounding."""
        return 5 + Softmax.scale_interval(digit_bits) + _rounding(digit_bits)[1]

    @staticmethod
    def reciprocal_latency(digit_bits: int) -> int:
        """The table, and the phases of the reciprocal."""
        return 4 + NORMALISE + (2 + 3 * NEWTON_STEPS) * Softmax.scale_interval(digit_bits)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        exponential, stage = self._front(m)

        count = Signal(5, init=self._final)
        coming = Signal.like(count)
        last = Signal(init=1)  # the cycle between two products: ``count`` is at its end
        m.d.comb += coming.eq(count)
        m.d.sync += [count.eq(coming), last.eq(coming == self._final)]
        phase = Signal(FLAGS, init={"idle": 1})
        newton = Signal(range(NEWTON_STEPS))
        total = Signal(31)
        operand = Signal(31)
        x = Signal(self._digit_bits * self._steps)
        accumulator = Signal(signed(32))
        shift = Signal(4)

        scale_token = stage.token & (stage.mode == Mode.SCALE)
        scaling = Signal()
        with m.If(~last | scale_token | ~phase.idle):
            m.d.comb += coming.eq(Mux(last, 0, count + 1))
        with m.If(last):
            m.d.sync += scaling.eq(scale_token)
        self._sequence(m, phase=phase, newton=newton, coming=coming, last=last, begin=stage.finish)

        # The sum: tokens are added a cycle after their exponential came from the memory.
        summand = operand[12:]
        add = Signal()
        m.d.sync += add.eq(stage.token & (stage.mode == Mode.SUM))
        normalising = phase.normalise
        with m.If(stage.clear_sum):
            m.d.sync += [total.eq(0), shift.eq(MOST_SHIFT)]
        with m.Elif(add | (normalising & ~total[30])):
            rounding = Mux(normalising, 0, operand[11])
            m.d.sync += total.eq(total + Mux(normalising, total, summand) + rounding)
        with m.If(normalising & ~total[30]):
            m.d.sync += shift.eq(shift - 1)

        product = self._multiply(
            m,
            phase=phase,
            count=count,
            last=last,
            scaling=scaling,
            total=total,
            operand=operand,
            x=x,
            accumulator=accumulator,
        )
        self._update(m, phase=phase, count=count, last=last, x=x, accumulator=accumulator, newton=newton)
        # The parallel operand: an exponential, or the error term of a Newton step.
        with m.If(stage.token):
            m.d.sync += operand.eq(exponential)
        with m.Elif(last):
            m.d.sync += operand.eq(product[:26].as_signed())
        self._round(m, result=last & scaling, product=product, shift=shift)
        return m

    def _front(self, m: Module) -> tuple[Value, data.View]:
        """Maximum, difference and table, registered: the exponential, and what its stage does with it."""
        mode = Signal(Mode)
        token = Signal()
        x = Signal(signed(8))
        start = Signal()
        finish = Signal(5)
        m.d.sync += [token.eq(self.x_valid), start.eq(self.start), x.eq(self.x)]
        m.d.sync += finish.eq(Cat(self.finish, finish))
        with m.If(self.start):
            m.d.sync += mode.eq(self.mode)

        maximum = Signal(signed(8))
        difference = Signal(signed(9))
        m.d.comb += [
            difference.eq(maximum - x),
        ]
        exponential = self._table(m, delayed(m, Cat(difference[:8], self.table), 1, "entry"))
        with m.If(mode == Mode.MAX):
            with m.If(start):
                m.d.sync += maximum.eq(-128)
            with m.Elif(token & (difference < 0)):
                m.d.sync += maximum.eq(x)

        stage = Signal(STAGE)
        m.d.comb += stage.finish.eq(finish[-1])
        asked = Signal.like(stage)
        m.d.comb += [
            asked.token.eq(token),
            asked.mode.eq(mode),
            asked.clear_sum.eq(start & (mode == Mode.SUM)),
        ]
        for name in ("token", "mode", "clear_sum"):
            m.d.sync += getattr(stage, name).eq(delayed(m, getattr(asked, name), 2, f"asked_{name}"))
        return delayed(m, exponential, 1, "exponential"), stage

    def _table(self, m: Module, address: Value) -> Value:
        """The entry, a cycle behind its address; in halves: a wider block RAM has no register of use."""
        halves = []
        for start in (0, HALF_BITS):
            words = [entry >> start & (1 << HALF_BITS) - 1 for entry in self._init]
            memory = Memory(shape=HALF_BITS, depth=256 * self._tables, init=words)
            m.submodules[f"table_{start}"] = memory
            write, read = memory.write_port(), memory.read_port()
            m.d.comb += [
                write.en.eq(self.load_en), write.addr.eq(self.load_address),
                write.data.eq(self.load_data[start : start + HALF_BITS]), read.addr.eq(address),
            ]  # fmt: skip
            halves.append(read.data)
        return Cat(halves)

    def _sequence(
        self, m: Module, *, phase: data.View, newton: Signal, coming: Signal, last: Signal, begin: Signal
    ) -> None:
        """The order of the reciprocal's phases; ``coming`` is the count of the next cycle."""
        following = Signal(Phase)
        m.d.comb += following.eq(phase.phase)
        with m.If(begin):
            m.d.comb += following.eq(Phase.NORMALISE)
            m.d.comb += coming.eq((self._final - NORMALISE + 1) % 32)
            m.d.sync += newton.eq(0)
        with m.Elif(last):
            with m.Switch(phase.phase):
                with m.Case(Phase.NORMALISE, Phase.GUESS, Phase.START, Phase.PRODUCT, Phase.ERROR):
                    m.d.comb += following.eq(phase.phase + 1)
                with m.Case(Phase.UPDATE):
                    m.d.comb += following.eq(Phase.PRODUCT)
                    m.d.sync += newton.eq(newton + 1)
                    with m.If(newton == NEWTON_STEPS - 1):
                        m.d.comb += [following.eq(Phase.IDLE), coming.eq(self._final)]
        start, update = following == Phase.START, following == Phase.UPDATE
        guess = following == Phase.GUESS
        m.d.sync += [
            phase.phase.eq(following), phase.idle.eq(following == Phase.IDLE),
            phase.normalise.eq(following == Phase.NORMALISE), phase.guess.eq(guess),
            phase.start.eq(start), phase.update.eq(update), phase.draining.eq(start | update),
            phase.total.eq(guess | (following == Phase.PRODUCT)),
        ]  # fmt: skip

    def _multiply(
        self,
        m: Module,
        *,
        phase: data.View,
        count: Signal,
        last: Value,
        scaling: Signal,
        total: Signal,
        operand: Signal,
        x: Signal,
        accumulator: Signal,
    ) -> Value:
        """The accumulator, a digit each cycle; returns the product, which is there when ``last`` is."""
        width = self._digit_bits
        # While scaling, r = 2 * x: each digit a bit further down, which is x's top bit after a rotation. In
        # the first cycle that is the top bit of x itself, which is 0 unless x was saturated.
        digit = Signal(width)
        with m.If(phase.guess):
            m.d.comb += digit.eq(_pattern(PATTERN_32_17, count, width))
        with m.Else():
            m.d.comb += digit.eq(Mux(scaling, Cat(x[-1], x), x))

        chosen = Signal(signed(32))
        with m.If(phase.total):
            m.d.comb += chosen.eq(total)
        with m.Elif(scaling):
            m.d.comb += chosen.eq(operand)
        with m.Else():
            m.d.comb += chosen.eq(operand.as_signed())
        term = self._term(m, digit, chosen)

        total_shift = SERIAL_BITS - width * (self._steps - 1)
        final = last if self._depth else count == self._steps - 1
        added = accumulator + term
        stepped = Mux(final, added >> total_shift, added >> width)
        steps = count >= self._depth if self._depth else ~last
        # A subtracted product, which ends in START or UPDATE, starts at one less.
        subtracted = phase.normalise | (phase.phase == Phase.PRODUCT)
        reload = last & ~phase.guess & (phase.phase != Phase.ERROR)
        with m.If(reload):
            m.d.sync += accumulator.eq(Mux(subtracted, (1 << 30) - 1, 1 << 30))
        with m.Elif(phase.draining):
            m.d.sync += accumulator.eq(accumulator >> width)
        with m.Elif(steps):
            m.d.sync += accumulator.eq(stepped)
        return stepped if self._depth else accumulator

    def _term(self, m: Module, digit: Signal, chosen: Signal) -> Value:
        """``digit * chosen``, ``depth`` cycles later: sums of two, not a tool's multiplier."""
        if len(digit) == 1:
            return delayed(m, Mux(digit, chosen, 0), self._depth, "term")
        late = self._depth > 0
        digit, chosen = delayed(m, digit, late, "digit"), delayed(m, chosen, late, "chosen")
        terms: list[Value] = [Mux(bit, chosen << place, 0) for place, bit in enumerate(digit)]
        while len(terms) > 1:
            sums = (one + other for one, other in zip(terms[::2], terms[1::2], strict=True))
            terms = [delayed(m, each, late, f"sum{len(terms)}_{n}") for n, each in enumerate(sums)]
        return terms[0]

    def _update(
        self,
        m: Module,
        *,
        phase: data.View,
        count: Signal,
        last: Value,
        x: Signal,
        accumulator: Signal,
        newton: Signal,
    ) -> None:
        """The rotating reciprocal ``x``: a digit of the accumulator is subtracted each cycle."""
        width = self._digit_bits
        minuend, subtrahend = Signal(width), Signal(width)
        held = Signal(2)  # the product is worth four times as much in UPDATE: it comes two bits later
        borrow = Signal()
        lagging = Cat(held, accumulator[:width])
        m.d.comb += minuend.eq(x)
        with m.If(phase.start):
            m.d.comb += [
                minuend.eq(_pattern(PATTERN_48_17, count, width)),
                subtrahend.eq(accumulator[:width]),
            ]
        with m.Elif(phase.update):
            m.d.comb += subtrahend.eq(lagging)
        difference = Signal(signed(width + 2))
        m.d.comb += difference.eq(minuend - subtrahend - borrow)
        with m.If(last):
            m.d.sync += [borrow.eq(0), held.eq(0)]
            with m.If(phase.update & (newton == NEWTON_STEPS - 1) & x[SERIAL_BITS - 1]):
                m.d.sync += x.eq(1 << (len(x) - 1) | (1 << SERIAL_BITS - 1) - 1)
        with m.Elif(count < self._steps):
            m.d.sync += [borrow.eq(difference[-1]), held.eq(lagging[width:])]
            m.d.sync += x.eq(Cat(x[width:], difference[:width]))

    def _round(self, m: Module, *, result: Value, product: Value, shift: Signal) -> None:
        """``RoundingDivideByPOT(product, 23 + shift) - 128``, clamped."""
        at_once, cycles = _rounding(self._digit_bits)
        window = Signal(9)
        steps = Signal(range(cycles + 1), init=cycles)
        with m.If(result):
            m.d.sync += [window.eq(product[22:31]), steps.eq(0)]
        with m.Elif(steps != cycles):
            m.d.sync += steps.eq(steps + 1)
            shifted: Value = window
            for place in range(at_once):
                shifted = Mux(at_once * steps + place < shift, window >> place + 1, shifted)
            m.d.sync += window.eq(shifted)
        m.d.sync += self.y_valid.eq(steps == cycles - 1)
        value = Signal(8)
        m.d.comb += value.eq(window[1:] + (window[0] & ~window[1:].all()))
        # the shifts end a step before the last: the byte can have a register of its own
        m.d.sync += self.y.eq(Cat(value[:7], ~value[7]))


def _steps(digit_bits: int) -> int:
    """Steps of a product."""
    return -(-SERIAL_BITS // digit_bits)


def _rounding(digit_bits: int) -> tuple[int, int]:
    """Bits that a result is shifted at once, and the cycles of its rounding: fewer than a product takes."""
    at_once = 2 if digit_bits > 2 else 1
    return at_once, -(-MOST_SHIFT // at_once) + 1


def _depth(digit_bits: int) -> int:
    """Registers from a digit to the accumulator: its own, and one behind each sum. Digits of two bits have
    none: the one that costs no cycle would not be enough.
    """
    return 0 if digit_bits == 2 else 1 + (digit_bits - 1).bit_length()


def _pattern(byte: int, count: Signal, width: int) -> Value:
    """Digit ``count`` of a number all of whose bytes are ``byte``."""
    return C(byte, 8).word_select(count[: (8 // width - 1).bit_length()], width)
