"""One systolic column: a weight bank, C multipliers, an adder tree and an accumulator."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from .config import CoreConfig
from .delay import delayed
from .entries import small_memory
from .isa import token_layout
from .multiplier import LaneMultiplier

WINDOW = 3
"""Rows and columns of the sliding depthwise window."""


CONTROL = data.StructLayout({"valid": 1, "first": 1, "last": 1, "final": 1})
"""A token's flags as the accumulator needs them: ``last`` only with ``valid``."""


def first_control(m: Module, config: CoreConfig, token: data.View[data.StructLayout]) -> Value:
    """Column 0's ``control``: the flags of ``token`` when its sum of products is there."""
    flags = Cat(token.valid, token.first, token.valid & token.last, token.final)
    return delayed(m, flags, Column.latency(config) - 1, "control")


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

    Latency: ``latency(config)`` cycles from ``token`` to the accumulator's final value, one
    more to ``result_out`` where each column has its own requantizer, else two.
    Throughput: one token a cycle. Range: no sum may leave ``accumulator_bits`` (the compiler sizes
    it from the real weights).

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
            "control": In(CONTROL), "control_out": Out(CONTROL),
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
        m.submodules.multiplier = multiplier = LaneMultiplier(
            config.lanes, config.multiplier, config.multiplier_latency
        )
        m.d.comb += [multiplier.x.eq(operand), multiplier.w.eq(weight)]
        products = [multiplier.p[lane] for lane in range(config.lanes)]
        total = self._tree(m, products)
        self._accumulate(m, total)
        return m

    def _bank(self, m: Module) -> Value:
        """The weight memory; a word for this column is written as it passes."""
        config = self._config
        m.submodules.bank = bank = Memory(shape=8 * config.lanes, depth=config.bank_depth, init=self._weights)
        write, read = bank.write_port(), bank.read_port()
        mine = Signal()
        m.d.sync += mine.eq(self.token.write & (self.token.destination == self._index))
        m.d.comb += [
            write.en.eq(mine), write.addr.eq(self.token_out.address), write.data.eq(self.x),
            read.addr.eq(self.token.address),
        ]  # fmt: skip
        return read.data

    def _lanes(self, m: Module) -> Value:
        """The operand: the whole word, or the window of this column's byte."""
        config, token = self._config, self.token_out
        phases = config.lanes // config.columns
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
        return Cat(lanes)

    def _window(self, m: Module, byte: Signal) -> list[Value]:
        """``byte``, the one of three tokens ago, the one of six tokens ago.

        Each of three places keeps a byte and the one that came three tokens before it; it is read with
        its token and written anew, with the byte, one cycle later.
        """
        token = self.token
        place, place_before = Signal(range(WINDOW)), Signal(range(WINDOW))
        memory = Memory(shape=8 * (WINDOW - 1), depth=4, init=[], attrs=small_memory(self._config))
        m.submodules.window = memory
        write, read = memory.write_port(), memory.read_port()
        with m.If(token.valid & token.pick):
            m.d.sync += place.eq(Mux(place == WINDOW - 1, 0, place + 1))
        m.d.sync += place_before.eq(place)
        m.d.comb += [
            read.addr.eq(place), write.addr.eq(place_before),
            write.en.eq(self.token_out.valid & self.token_out.pick),
            write.data.eq(Cat(byte, read.data)),
        ]  # fmt: skip
        return [byte, *(read.data.word_select(n, 8) for n in range(WINDOW - 1))]

    def _tree(self, m: Module, terms: list[Value]) -> Value:
        """Registered two-input additions, a level a cycle."""
        bits = 16
        while len(terms) > 1:
            bits += 1
            sums = [
                Signal(signed(bits), name=f"sum{bits}_{n}", reset_less=True) for n in range(len(terms) // 2)
            ]
            m.d.sync += [s.eq(terms[2 * n] + terms[2 * n + 1]) for n, s in enumerate(sums)]
            terms = list(sums)
        return terms[0]

    def _accumulate(self, m: Module, total: Value) -> None:
        config, control = self._config, self.control
        m.d.sync += self.control_out.eq(control)
        valid, first, last, final = control.valid, control.first, control.last, control.final
        accumulator = Signal(signed(config.accumulator_bits), reset_less=True)
        with m.If(valid):
            m.d.sync += accumulator.eq(Mux(first, 0, accumulator) + total)
        done, closes = Signal(), Signal()
        m.d.sync += [done.eq(last), closes.eq(last & final)]
        own = Signal(result_layout(config))
        m.d.comb += [own.value.eq(accumulator), own.valid.eq(done), own.final.eq(closes)]
        if config.chain == 1:
            m.d.sync += self.result_out.eq(own)
            return
        middle = Signal(result_layout(config))
        m.d.sync += self.result_out.eq(middle)
        m.d.sync += [
            middle.value.eq(Mux(done, accumulator, self.result.value)),
            middle.valid.eq(done | self.result.valid),
            middle.final.eq(Mux(done, closes, self.result.final)),
        ]
