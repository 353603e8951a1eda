"""One systolic column: a weight bank, C multipliers, an adder tree and an accumulator."""

from __future__ import annotations

from itertools import pairwise

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from .config import CoreConfig
from .delay import delayed
from .entries import split_memory
from .isa import DIGIT_BITS, token_layout
from .multiplier import LaneMultiplier
from .window import Window

KEPT_BITS = 9
"""Width (signed) of the sums among which the greatest or the least is kept."""


def control_layout(config: CoreConfig) -> data.StructLayout:
    """A token's flags as the accumulator needs them: ``last`` only with ``valid``.

    ``halves`` and ``quarters`` say into how many parts the lanes are divided (see ``Column``). They come one
    and two cycles before the others, as the adder tree's last two levels need them. ``twin``: two channels.
    """
    names = ("valid", "first", "last", "final", *_modes(config), *_divided(config))
    return data.StructLayout(dict.fromkeys(names, 1))


def _divided(config: CoreConfig) -> tuple[str, ...]:
    """The flags that belong to jobs in which the lanes are divided."""
    twin = ("twin",) if config.channels > 1 else ()
    return (*twin, *("halves", "quarters")[: config.parts.bit_length() - 1])


def _modes(config: CoreConfig) -> tuple[str, ...]:
    """The flags with which an accumulator does something else than adding."""
    return (("maximum", "minimum") if config.maximum else ()) + (("digit",) if config.digits else ())


def first_control(m: Module, config: CoreConfig, token: data.View[data.StructLayout]) -> Value:
    """Column 0's ``control``: the flags of ``token`` when its sum of products is there."""
    names, latency = _divided(config), Column.latency(config)
    modes = [token[name] for name in _modes(config)] + ([token.twin] if "twin" in names else [])
    flags = Cat(token.valid, token.first, token.valid & token.last, token.final, *modes)
    control = [delayed(m, flags, latency - 1, "control")]
    pair, twin = flag(token, "pair"), flag(token, "twin")
    if "halves" in names:
        control.append(delayed(m, pair | twin, latency - 2, "halves"))
    if "quarters" in names:
        control.append(delayed(m, pair & twin, latency - 3, "quarters"))
    return Cat(control)


def flag(token: data.View[data.StructLayout], name: str) -> Value:
    """The flag ``name`` of ``token``, or 0 where the core has no such jobs."""
    return token[name] if name in token.shape().members else Const(0, 1)


def result_layout(config: CoreConfig) -> data.StructLayout:
    """A finished accumulator on its way to the requantizer; ``second``: of the second K channels."""
    second = {"second": 1} if config.channels > 1 else {}
    return data.StructLayout({"value": signed(config.accumulator_bits), "valid": 1, "final": 1} | second)


class Column(wiring.Component):
    """Multiplies the passing IFM word with a word of its bank and sums over a pixel's words.

    A token comes one cycle before its word, so that the bank's word is there when the IFM word is.
    Both go on to the next column one cycle later. In a job with ``pick`` the
    column takes byte ``offset + index`` of each word alone. It stands in lane 0, and the bytes that came with
    the token of the same ``place`` in the pixels before stand in the lanes behind it, the latest first:
    ``config.window`` lanes of taps along the direction of scan (see ``Window``).

    In some jobs the lanes are divided (``config.divisions``) into halves or quarters, whose sums go to an
    accumulator each. With ``pair`` the parts have the same bytes, for two lines of the OFM; with ``twin``
    they have those of two channels, ``offset + index`` and K bytes further. The results of a pixel leave
    ``config.chain`` cycles apart, so that those of a chain come all of one part, then all of the next:
    lower half, upper half, or quarters 0, 2, 1, 3. The channel is then the one that changes first. Pixels
    have to end as many times ``config.chain`` cycles apart as they have parts.

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
        weight = self._bank(m)
        operand = delayed(m, self._lanes(m), config.bank_registers, "operand")
        if config.product:
            weight = Cat(self._factor(m, operand[:8], weight[:8]), weight[8:])
        m.submodules.multiplier = multiplier = LaneMultiplier(
            config.lanes,
            config.multiplier,
            config.multiplier_latency,
            config.soft_lanes,
            config.soft_multiplier,
        )
        m.d.comb += [multiplier.x.eq(operand), multiplier.w.eq(weight)]
        products = [multiplier.p[lane] for lane in range(config.lanes)]
        self._accumulate(m, *self._tree(m, products))
        return m

    def _bank(self, m: Module) -> Value:
        """The weight memory; a word for this column is written as it passes."""
        config, mine = self._config, Signal()
        meant = self.token.destination == self._index if config.loads else 1
        m.d.sync += mine.eq(self.token.write & meant)
        return split_memory(
            m, "bank", config, bits=8 * config.lanes, depth=config.bank_depth, init=self._weights,
            write=(mine, self.token_out.address, self.x) if config.loads else mine,
            address=self.token.address, registers=config.bank_registers,
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
        """The operand: the whole word, or this column's window, or its byte three times."""
        config, token = self._config, self.token_out
        m.submodules.window = window = Window(config)
        phases = 1 if config.unaligned else config.lanes // config.columns
        start = token.offset[(config.columns - 1).bit_length() :]
        with m.Switch(start):
            for phase in range(phases):
                with m.Case(phase):
                    for number, byte in enumerate(window.bytes):
                        word = (phase | number) * config.columns + self._index
                        m.d.comb += byte.eq(self.x.word_select(word, 8))
        m.d.comb += [
            window.place.eq(self.token.place), window.place_before.eq(token.place),
            window.takes.eq(token.valid & token.pick),
            window.pair.eq(flag(token, "pair")), window.twin.eq(flag(token, "twin")),
        ]  # fmt: skip
        lanes = [self.x.word_select(lane, 8) for lane in range(config.lanes)]
        for lane in window.lanes:
            lanes[lane] = Mux(token.pick, window.y.word_select(lane, 8), lanes[lane])
        if config.product:
            lanes[1:3] = [Mux(token.product, window.bytes[0], lane) for lane in lanes[1:3]]
        return Cat(lanes)

    def _tree(self, m: Module, terms: list[Value]) -> tuple[Value, list[Value]]:
        """Registered two-input additions, a level a cycle: the sum of all lanes, and those of the parts in
        the order in which they leave. Where the lanes are divided the first is the first part's alone.
        """
        bits = 16
        parts: list[Value] = []
        splits = {4: "quarters", 2: "halves"}
        while len(terms) > 1:
            bits += 1
            split = self.control[splits[len(terms)]] if len(terms) <= self._config.parts else None
            pairs = list(zip(terms[::2], terms[1::2], strict=True))
            sums = [Signal(signed(bits), name=f"sum{bits}_{n}", reset_less=True) for n in range(len(pairs))]
            for total, (lower, upper) in zip(sums, pairs, strict=True):
                m.d.sync += total.eq(lower + (upper if split is None else Mux(split, 0, upper)))
            waiting = [*(upper for _, upper in pairs if split is not None), *parts]
            parts = [delayed(m, part, 1, f"part{bits}_{n}") for n, part in enumerate(waiting)]
            terms = list(sums)
        return terms[0], parts

    def _accumulate(self, m: Module, total: Value, parts: list[Value]) -> None:
        config, control = self._config, self.control
        m.d.sync += self.control_out.eq(control)
        valid, first, last, final = control.valid, control.first, control.last, control.final
        accumulator = Signal(signed(config.accumulator_bits), reset_less=True)
        before = accumulator
        if config.digits:
            before = Mux(control.digit, accumulator << DIGIT_BITS, accumulator)
        with m.If(valid):
            # without bank registers it is an iCE40's column: a cell adds, and chooses the sum or its term
            restarted = Mux(first, 0, before) + total
            chosen = Mux(first, total, before + total)
            m.d.sync += accumulator.eq(restarted if config.bank_registers else chosen)
        value = self._extreme(m, total, accumulator) if config.maximum else accumulator
        done, closes = Signal(), Signal()
        m.d.sync += [done.eq(last), closes.eq(last & final)]
        own = Signal(result_layout(config))
        m.d.comb += [own.value.eq(value), own.valid.eq(done), own.final.eq(closes)]
        if parts:
            self._follow(m, parts, (done, closes), own)
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
        if config.channels > 1:
            m.d.sync += middle.second.eq(Mux(own.valid, own.second, self.result.second))

    def _follow(
        self, m: Module, parts: list[Value], ends: tuple[Signal, Signal], own: data.View[data.StructLayout]
    ) -> None:
        """The other parts' accumulators; their results are held until those of the part before have left."""
        config, control, (done, closes) = self._config, self.control, ends
        accumulators, held = (
            [
                Signal(signed(config.accumulator_bits), name=f"{name}{n}", reset_less=True)
                for n in range(len(parts))
            ]
            for name in ("accumulator", "held")
        )
        with m.If(control.valid):
            for accumulator, part in zip(accumulators, parts, strict=True):
                m.d.sync += accumulator.eq(Mux(control.first, 0, accumulator) + part)
        halves, twin, quarters = Signal(), Signal(), Signal()  # with ``done``
        m.d.sync += halves.eq(self.control_out.halves)
        if config.channels > 1:
            m.d.sync += twin.eq(control.twin)
        if len(parts) > 1:
            m.d.sync += quarters.eq(delayed(m, self.control_out.quarters, 1, "quarters"))
        leaves: Value = Cat(done & halves, closes, twin, quarters)
        late = []
        for number in range(len(parts)):
            leaves = delayed(m, leaves, config.chain, f"late{number}")
            if number == 1:  # only quarters have more parts than two
                leaves = Cat(leaves[0] & leaves[3], leaves[1:])
            late.append(leaves)
        leaving = Cat(each[0] for each in late).any()
        with m.If(done):
            m.d.sync += [each.eq(accumulator) for each, accumulator in zip(held, accumulators, strict=True)]
        with m.Elif(leaving):
            m.d.sync += [each.eq(following) for each, following in pairwise(held)]
        with m.If(halves):
            m.d.comb += own.final.eq(0)
        with m.If(leaving):
            m.d.comb += [own.value.eq(held[0]), own.valid.eq(1), own.final.eq(_final(late))]
            if config.channels > 1:
                m.d.comb += own.second.eq(late[0][0] & late[0][2] | Cat(each[0] for each in late[2:]).any())

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


def _final(late: list[Value]) -> Value:
    """Whether the part that leaves is its pixel's last, the second or the fourth, and closes a group.

    Each of ``late`` has the bits leaves, closes, twin and quarters.
    """
    leaves, closes, quarters = late[0][0], late[0][1], late[0][3]
    final = leaves & closes & ~quarters
    return final if len(late) == 1 else final | (late[-1][0] & late[-1][1])
