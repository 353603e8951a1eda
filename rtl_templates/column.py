"""One systolic column: a weight bank, C multipliers, an adder tree and an accumulator."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from .config import CoreConfig
from .delay import delayed
from .entries import small_memory, split_memory
from .isa import DIGIT_BITS, PLACES, WINDOW, token_layout
from .multiplier import LaneMultiplier

KEPT_BITS = 9
"""Width (signed) of the sums among which the greatest or the least is kept."""


def control_layout(config: CoreConfig) -> data.StructLayout:
    """A token's flags as the accumulator needs them: ``last`` only with ``valid``.

    ``pair`` comes a cycle before the others, as the adder tree's last level needs it.
    """
    names = ("valid", "first", "last", "final", *_modes(config), *(("pair",) if config.pair else ()))
    return data.StructLayout(dict.fromkeys(names, 1))


def _modes(config: CoreConfig) -> tuple[str, ...]:
    """The flags with which an accumulator does something else than adding."""
    return (("maximum", "minimum") if config.maximum else ()) + (("digit",) if config.digits else ())


def first_control(m: Module, config: CoreConfig, token: data.View[data.StructLayout]) -> Value:
    """Column 0's ``control``: the flags of ``token`` when its sum of products is there."""
    modes = [token[name] for name in _modes(config)]
    flags = Cat(token.valid, token.first, token.valid & token.last, token.final, *modes)
    control = delayed(m, flags, Column.latency(config) - 1, "control")
    if not config.pair:
        return control
    return Cat(control, delayed(m, token.pair, Column.latency(config) - 2, "pair"))


def result_layout(config: CoreConfig) -> data.StructLayout:
    """A finished accumulator on its way to the requantizer."""
    return data.StructLayout({"value": signed(config.accumulator_bits), "valid": 1, "final": 1})


class Column(wiring.Component):
    """Multiplies the passing IFM word with a word of its bank and sums over a pixel's words.

    A token comes one cycle before its word, so that the bank's word is there when the IFM word is.
    Both go on to the next column one cycle later. In a job with ``pick`` the
    column takes byte ``offset + index`` of each word alone: it stands in lane 0, the byte three
    tokens earlier in lane 1 and six earlier in lane 2, which is a 3x3 window when the words come
    column by column of three rows; the other lanes then have weights of zero.

    With ``config.pair`` a pixel may have up to PLACES tokens, and lanes 1 and 2 hold the bytes of the
    same place in the two pixels before. The upper half of the lanes begins with the same three bytes. With
    ``pair`` too, each half's sums go to an accumulator of its own: the upper half's result follows
    ``config.chain`` cycles behind the lower one's, so that those of the chain come all lower, then all upper.
    Pixels then have to end ``2 * config.chain`` cycles apart.

    With ``product`` too (``config.product``), a pixel has two tokens. Both have the column's byte in
    lanes 0, 1 and 2: b in the first, a in the second. b is also the second's weight in lane 0, so with
    weights (w0, w1, w2) and (any, v1, v2) the sum is ``b * (w0 + w1 + w2) + a * b + a * (v1 + v2)``,
    which is ``(a - za) * (b - zb)`` but for a constant: a zero point is split into two weights.

    What the accumulator does with a token's sum: it adds it, or, with ``maximum`` or ``minimum``
    (``config.maximum``), keeps the greatest or least; with ``digit`` (``config.digits``) it first moves
    up by ``DIGIT_BITS``, which is Horner's rule for weights of several int8 digits.

    Latency: ``latency(config)`` cycles from ``token`` to the accumulator's final value, one
    more to ``result_out`` where each column has its own requantizer, else two.
    Throughput: one token a cycle. Range: no sum may leave ``accumulator_bits`` (the compiler sizes
    it from the real weights); with ``maximum`` or ``minimum`` each fits ``KEPT_BITS``, signed.

    Members
    -------
    token : In, this column's input; x : In, its word, one cycle later. ``token_out``, ``x_out`` : Out,
        the next one's.
    control : In, what the accumulator has to do; ``control_out`` : Out, the same for the next column.
    result, result_out : the chain of finished accumulators, two registers a column, so that the
        results of a group of columns leave it in consecutive cycles, the last column's first.
    """

    def __init__(self, config: CoreConfig, index: int, weights: tuple[int, ...] = ()) -> None:
        self._config = config
        self._index = index
        self._weights = weights
        token = token_layout(config)
        super().__init__({
            "token": In(token), "x": In(8 * config.lanes),
            "token_out": Out(token), "x_out": Out(8 * config.lanes),
            "control": In(control_layout(config)), "control_out": Out(control_layout(config)),
            "result": In(result_layout(config)), "result_out": Out(result_layout(config)),
        })  # fmt: skip

    @staticmethod
    def latency(config: CoreConfig) -> int:
        """Bank read (1) and its register, multiplier, adder tree, accumulator (1)."""
        return 1 + config.bank_registers + config.multiplier_latency + config.lane_bits + 1

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config = self._config
        m.d.sync += [self.token_out.eq(self.token), self.x_out.eq(self.x)]
        weight = delayed(m, self._bank(m), config.bank_registers, "weight")
        operand = delayed(m, self._lanes(m), config.bank_registers, "operand")
        if config.product:
            weight = Cat(self._factor(m, operand[:8], weight[:8]), weight[8:])
        m.submodules.multiplier = multiplier = LaneMultiplier(
            config.lanes, config.multiplier, config.multiplier_latency
        )
        m.d.comb += [multiplier.x.eq(operand), multiplier.w.eq(weight)]
        products = [multiplier.p[lane] for lane in range(config.lanes)]
        total, upper = self._tree(m, products)
        self._accumulate(m, total, upper)
        return m

    def _bank(self, m: Module) -> Value:
        """The weight memory; a word for this column is written as it passes."""
        mine = Signal()
        m.d.sync += mine.eq(self.token.write & (self.token.destination == self._index))
        return split_memory(
            m, "bank", self._config, bits=8 * self._config.lanes, depth=self._config.bank_depth,
            init=self._weights, write=(mine, self.token_out.address, self.x), address=self.token.address,
        )  # fmt: skip

    def _factor(self, m: Module, byte: Value, weight: Value) -> Value:
        """Lane 0's weight: ``weight``, or the ``byte`` of the pixel's first token in its second."""
        token = self.token_out
        flags = Cat(token.valid & token.first, token.product & ~token.first)
        opens, multiplies = delayed(m, flags, self._config.bank_registers, "factor")
        kept = Signal(8, reset_less=True)
        with m.If(opens):
            m.d.sync += kept.eq(byte)
        return Mux(multiplies, kept, weight)

    def _lanes(self, m: Module) -> Value:
        """The operand: the whole word, or this column's byte, its window, or the byte three times."""
        config, token = self._config, self.token_out
        phases = 1 if config.unaligned else config.lanes // config.columns
        byte = Signal(8)
        start = token.offset[(config.columns - 1).bit_length() :]
        with m.Switch(start):
            for phase in range(phases):
                with m.Case(phase):
                    m.d.comb += byte.eq(self.x.word_select(phase * config.columns + self._index, 8))
        window = self._window(m, byte) if config.window else [byte]
        lanes = [self.x.word_select(lane, 8) for lane in range(config.lanes)]
        for lane, picked in enumerate(window):
            lanes[lane] = Mux(token.pick, picked, lanes[lane])
            if config.pair:
                upper = config.lanes // 2 + lane
                lanes[upper] = Mux(token.pick, picked, lanes[upper])
        if config.product:
            lanes[1:3] = [Mux(token.product, byte, lane) for lane in lanes[1:3]]
        return Cat(lanes)

    def _window(self, m: Module, byte: Signal) -> list[Value]:
        """``byte``, the one of three tokens ago, the one of six tokens ago; with ``config.pair``, those of
        the same place in the two pixels before.

        Each place keeps a byte and the one that came before it; it is read with its token and written
        anew, with the byte, one cycle later.
        """
        token, pair = self.token, self._config.pair
        following, place_before = (Signal(range(PLACES if pair else WINDOW)) for _ in range(2))
        depth = PLACES if pair else WINDOW + 1
        memory = Memory(shape=8 * (WINDOW - 1), depth=depth, init=[], attrs=small_memory(self._config))
        m.submodules.window = memory
        write, read = memory.write_port(), memory.read_port()
        place: Value = Mux(token.first, 0, following) if pair else following
        wraps = place == (PLACES if pair else WINDOW) - 1
        with m.If(token.valid & token.pick):
            m.d.sync += following.eq(Mux(wraps, 0, place + 1))
        m.d.sync += place_before.eq(place)
        m.d.comb += [
            read.addr.eq(place), write.addr.eq(place_before),
            write.en.eq(self.token_out.valid & self.token_out.pick),
            write.data.eq(Cat(byte, read.data)),
        ]  # fmt: skip
        return [byte, *(read.data.word_select(n, 8) for n in range(WINDOW - 1))]

    def _tree(self, m: Module, terms: list[Value]) -> tuple[Value, Value | None]:
        """Registered two-input additions, a level a cycle: the sum of all lanes and, with ``config.pair``,
        of the upper half. In a pair job the first is the lower half's alone.
        """
        bits = 16
        while len(terms) > 2:
            bits += 1
            sums = [
                Signal(signed(bits), name=f"sum{bits}_{n}", reset_less=True) for n in range(len(terms) // 2)
            ]
            m.d.sync += [s.eq(terms[2 * n] + terms[2 * n + 1]) for n, s in enumerate(sums)]
            terms = list(sums)
        lower, upper = terms
        total = Signal(signed(bits + 1), reset_less=True)
        if not self._config.pair:
            m.d.sync += total.eq(lower + upper)
            return total, None
        half = Signal(signed(bits), reset_less=True)
        m.d.sync += [total.eq(lower + Mux(self.control.pair, 0, upper)), half.eq(upper)]
        return total, half

    def _accumulate(self, m: Module, total: Value, upper: Value | None) -> None:
        config, control = self._config, self.control
        m.d.sync += self.control_out.eq(control)
        valid, first, last, final = control.valid, control.first, control.last, control.final
        accumulator = Signal(signed(config.accumulator_bits), reset_less=True)
        before = accumulator
        if config.digits:
            before = Mux(control.digit, accumulator << DIGIT_BITS, accumulator)
        with m.If(valid):
            m.d.sync += accumulator.eq(Mux(first, 0, before) + total)
        value = self._extreme(m, total, accumulator) if config.maximum else accumulator
        done, closes = Signal(), Signal()
        m.d.sync += [done.eq(last), closes.eq(last & final)]
        own = Signal(result_layout(config))
        m.d.comb += [own.value.eq(value), own.valid.eq(done), own.final.eq(closes)]
        if upper is not None:
            self._second(m, upper, (done, closes), own)
        if config.chain == 1:
            m.d.sync += self.result_out.eq(own)
            return
        middle = Signal(result_layout(config))
        m.d.sync += self.result_out.eq(middle)
        m.d.sync += [
            middle.value.eq(Mux(own.valid, own.value, self.result.value)),
            middle.valid.eq(own.valid | self.result.valid),
            middle.final.eq(Mux(own.valid, own.final, self.result.final)),
        ]

    def _second(
        self, m: Module, upper: Value, ends: tuple[Signal, Signal], own: data.View[data.StructLayout]
    ) -> None:
        """The upper half's accumulator; its result is held until those of the lower halves have left."""
        config, control, (done, closes) = self._config, self.control, ends
        accumulator, held = (
            Signal(signed(config.accumulator_bits), name=name, reset_less=True)
            for name in ("upper_accumulator", "held")
        )
        with m.If(control.valid):
            m.d.sync += accumulator.eq(Mux(control.first, 0, accumulator) + upper)
        with m.If(done):
            m.d.sync += held.eq(accumulator)
        paired = Signal()  # with ``done``
        m.d.sync += paired.eq(self.control_out.pair)
        late, late_closes = delayed(m, Cat(done & paired, closes), config.chain, "late")
        with m.If(paired):
            m.d.comb += own.final.eq(0)
        with m.If(late):
            m.d.comb += [own.value.eq(held), own.valid.eq(1), own.final.eq(late_closes)]

    def _extreme(self, m: Module, total: Value, accumulator: Value) -> Value:
        """``accumulator``, or the greatest or least sum, which stands in a register of its own: the
        comparison then does not lengthen the accumulator's way from sum to sum.
        """
        control, small = self.control, total[:KEPT_BITS].as_signed()
        kept, chosen = Signal(signed(KEPT_BITS), reset_less=True), Signal(reset_less=True)
        with m.If(control.valid & (control.first | ((small > kept) ^ control.minimum))):
            m.d.sync += kept.eq(small)
        m.d.sync += chosen.eq(control.maximum | control.minimum)
        return Mux(chosen, kept, accumulator)
