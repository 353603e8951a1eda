"""The units that take one byte of a word a token: mover, index register, and those that work on rows."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from operator import or_

from amaranth.hdl import Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .arg_max import ArgMax
from .config import CoreConfig
from .image import Image
from .index import IndexRegister
from .isa import FLAG_MINIMUM, FLAG_WIDE, INDEX, ConfigBus, Kind, token_layout
from .l2_normalize import L2Normalize
from .l2_normalize import Mode as L2Mode
from .log_softmax import LogSoftmax
from .softmax import Mode, Softmax

WIDEST_INDEX = 8
"""Bytes of the widest result of an ArgMax."""


def byte_drain(config: CoreConfig) -> Mapping[Kind, int]:
    """For each kind of job whose tokens are bytes, cycles from its last token's word to its last effect.

    Behind a job that makes a sum or an extreme, that is until the word of the next pass's first token, less
    two: ``finish`` comes that much later (softmax: once more) than the tokens, and a token a cycle behind its
    word.
    """
    cycles = {}
    if config.mover:
        cycles[Kind.MOVE] = 1
    if config.index:
        cycles[Kind.INDEX] = 1 + IndexRegister.latency
    if config.softmax or config.log_softmax:
        cycles[Kind.SOFTMAX_MAX] = 1
    if config.softmax:
        cycles[Kind.SOFTMAX_SUM] = Softmax.reciprocal_latency(config.softmax_digit) - 1
        cycles[Kind.SOFTMAX_SCALE] = 1 + Softmax.scale_latency(config.softmax_digit)
    if config.log_softmax:
        cycles[Kind.LOG_SUM] = LogSoftmax.LOGARITHM_LATENCY - 2
        cycles[Kind.LOG_SCALE] = 1 + LogSoftmax.SCALE_LATENCY
    if config.l2_normalize:
        cycles[Kind.L2_SUM] = L2Normalize.INVERSE_LATENCY - 2
        cycles[Kind.L2_SCALE] = 1 + L2Normalize.SCALE_LATENCY
    if config.arg_max:
        cycles[Kind.ARGMAX] = 1 + ArgMax.LATENCY + WIDEST_INDEX - 1
    return cycles


class ByteUnits(wiring.Component):
    """Picks a token's byte and gives it to the unit of the job's kind, or out at once.

    Latency: a unit has its byte one cycle after the word; a moved byte comes out in that cycle. The
    units' own latencies come on top (see :func:`byte_drain`). A unit's job begins when it is done with the
    one before.

    Members
    -------
    bus : In(ConfigBus): the registers ``exponential_base`` and ``zero_point``, and the flags of ARGMAX, which
        stand still from a START until ``begin``.
    begin : In(1), the token is its job's first one.
    active, kind, token, pad, x : In, a token with its job's kind, whether it is padding, and its word.
    load_enable : In, a bit for the exponentials, and one for the logarithms where there are any.
    load_address, load_data : In, what is to be written into them.
    y_valid, y : Out, a byte for the writer.
    index : Out, the index register in bytes (0 without one).
    """

    def __init__(self, config: CoreConfig, image: Image) -> None:
        self._config = config
        self._image = image
        super().__init__({
            "bus": In(ConfigBus()), "begin": In(1),
            "active": In(1), "kind": In(Kind), "token": In(token_layout(config)), "pad": In(1),
            "x": In(8 * config.lanes),
            "load_enable": In(1 + config.log_softmax), "load_address": In(config.token_address_bits),
            "load_data": In(8 * config.lanes),
            "y_valid": Out(1), "y": Out(8), "index": Out(config.byte_address_bits),
        })  # fmt: skip

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config = self._config
        self._byte = Signal(8, reset_less=True)
        self._last = Signal(reset_less=True)
        place = 0 if config.unaligned else self.token.offset
        m.d.sync += [self._byte.eq(self.x.word_select(place, 8)), self._last.eq(self.token.last)]
        results: list[tuple[Value, Value]] = []
        if config.softmax:
            results.append(self._softmax(m))
        if config.log_softmax:
            results.append(self._log_softmax(m))
        if config.l2_normalize:
            results.append(self._l2_normalize(m))
        if config.arg_max:
            results.append(self._arg_max(m))
        if config.index:
            self._index(m)
        valid: Value = self._taken(m, Kind.MOVE) if config.mover else Const(0, 1)
        out: Value = self._byte
        for y_valid, y in results:
            valid, out = valid | y_valid, Mux(y_valid, y, out)
        m.d.comb += [self.y_valid.eq(valid), self.y.eq(out)]
        return m

    def _taken(self, m: Module, *kinds: Kind) -> Signal:
        """Whether the byte is a token of such a job."""
        mine = Signal(name="takes_" + kinds[0].name.lower())
        m.d.sync += mine.eq(self.active & reduce(or_, (self.kind == each for each in kinds)))
        return mine

    def _ends(self, m: Module, kind: Kind) -> Signal:
        """Whether the byte is the last token of such a job."""
        ends = Signal(name="ends_" + kind.name.lower())
        m.d.sync += ends.eq(self.active & self.token.final & (self.kind == kind))
        return ends

    def _passes(
        self, m: Module, unit: Softmax | LogSoftmax | L2Normalize, modes: Mapping[Kind, int]
    ) -> tuple[Value, Value]:
        """The passes of ``unit``, started with their first token's word, and its tokens; its result."""
        for each, mode in modes.items():
            with m.If(self.kind == each):
                m.d.comb += [unit.mode.eq(mode), unit.start.eq(self.active & self.begin)]
        m.d.comb += [unit.x_valid.eq(self._taken(m, *modes)), unit.x.eq(self._byte)]
        return unit.y_valid, unit.y

    def _tables(self, m: Module, unit: Softmax | LogSoftmax, entries: int, number: int) -> None:
        """Which of ``unit``'s tables the job uses, and how they are loaded."""
        m.d.comb += [
            unit.table.eq(self._register(m, "exponential_base", unit.table, (entries - 1).bit_length())),
            unit.load_en.eq(self.load_enable[number]),
            unit.load_address.eq(self.load_address),
            unit.load_data.eq(self.load_data),
        ]

    def _register(self, m: Module, name: str, like: Signal, shift: int = 0) -> Signal:
        """A register of the bus as the job under way began with it, without its lowest bits."""
        following, register = (Signal.like(like, reset_less=True) for _ in range(2))
        with m.If(self.bus.valid & (self.bus.register == INDEX[name])):
            m.d.sync += following.eq(self.bus.value >> shift)
        with m.If(self.begin):
            m.d.sync += register.eq(following)
        return register

    def _softmax(self, m: Module) -> tuple[Value, Value]:
        m.submodules.softmax = unit = Softmax(
            self._config.softmax_tables, self._image.exponentials, self._config.softmax_digit
        )
        # the sum's last token first has to pass the softmax's table
        m.d.sync += unit.finish.eq(self._ends(m, Kind.SOFTMAX_SUM))
        self._tables(m, unit, 256, 0)
        modes = {Kind.SOFTMAX_MAX: Mode.MAX, Kind.SOFTMAX_SUM: Mode.SUM, Kind.SOFTMAX_SCALE: Mode.SCALE}
        return self._passes(m, unit, modes)

    def _log_softmax(self, m: Module) -> tuple[Value, Value]:
        m.submodules.log_softmax = unit = LogSoftmax(self._config.log_tables, self._image.logarithms)
        m.d.comb += unit.finish.eq(self._ends(m, Kind.LOG_SUM))
        self._tables(m, unit, 512, 1)
        modes = {Kind.SOFTMAX_MAX: Mode.MAX, Kind.LOG_SUM: Mode.SUM, Kind.LOG_SCALE: Mode.SCALE}
        return self._passes(m, unit, modes)

    def _l2_normalize(self, m: Module) -> tuple[Value, Value]:
        m.submodules.l2_normalize = unit = L2Normalize()
        zero_point = self._register(m, "zero_point", unit.zero_point)
        m.d.comb += [unit.zero_point.eq(zero_point), unit.finish.eq(self._ends(m, Kind.L2_SUM))]
        return self._passes(m, unit, {Kind.L2_SUM: L2Mode.SUM, Kind.L2_SCALE: L2Mode.SCALE})

    def _arg_max(self, m: Module) -> tuple[Value, Value]:
        m.submodules.arg_max = unit = ArgMax()
        value = self.bus.value
        minimum, wide = Signal(reset_less=True), Signal(reset_less=True)
        with m.If(self.bus.start):
            m.d.sync += [minimum.eq((value & FLAG_MINIMUM).any()), wide.eq((value & FLAG_WIDE).any())]
        m.d.comb += [
            unit.start.eq(self.active & self.begin & (self.kind == Kind.ARGMAX)),
            unit.minimum.eq(minimum),
            unit.wide.eq(wide),
            unit.x_valid.eq(self._taken(m, Kind.ARGMAX)),
            unit.x.eq(self._byte),
            unit.x_last.eq(self._last),
        ]
        return unit.y_valid, unit.y

    def _index(self, m: Module) -> None:
        m.submodules.index_register = unit = IndexRegister(self._config)
        first, pad = Signal(), Signal()
        m.d.sync += [first.eq(self.token.first), pad.eq(self.pad)]
        m.d.comb += [
            unit.valid.eq(self._taken(m, Kind.INDEX)), unit.first.eq(first), unit.pad.eq(pad),
            unit.byte.eq(self._byte), self.index.eq(unit.index),
        ]  # fmt: skip
