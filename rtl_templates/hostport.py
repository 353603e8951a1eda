"""Serves the host link's transfers: bytes to and from the scratchpad and the program memory."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .config import CoreConfig
from .hostbus import PROGRAM_SPACE, SPREAD_SPACE, HostBus
from .spread import Spread


class _Spreading:
    """A spread write begins; and the outputs of ``Spread``."""

    def __init__(self, config: CoreConfig) -> None:
        self.active, self.takes, self.turns, self.writes = (Signal() for _ in range(4))
        self.advance = Signal(signed(config.byte_address_bits + 1))


class HostPort(wiring.Component):
    """Byte streams of a HostBus on one side, words of the memories on the other.

    Only to be used while no program runs, and only one way at a time: a read ends where a write starts.
    Writing takes a byte a cycle, but in a spread write (see ``Spread``); reading takes ``read_latency + 2``
    cycles for a word, then a byte a cycle.

    Parameters
    ----------
    config : the core's shape.
    read_latency : the scratchpad's.

    Members
    -------
    bus : In(HostBus); its ``run``, ``busy``, ``pc`` and ``cycles`` are the sequencer's business.
    write_enable, write_address, write_data : Out, a scratchpad word; ``write_lanes`` : Out, its bytes that
        are written.
    program_enable, program_address, program_data : Out, a program word.
    read_address : Out; read_data : In, ``read_latency`` cycles later.
    """

    def __init__(self, config: CoreConfig, read_latency: int) -> None:
        self._config = config
        self._read_latency = read_latency
        super().__init__({
            "bus": In(HostBus()),
            "write_enable": Out(1),
            "write_lanes": Out(config.lanes),
            "write_address": Out(config.word_address_bits),
            "write_data": Out(8 * config.lanes),
            "program_enable": Out(1),
            "program_address": Out(max(1, (config.program_depth - 1).bit_length())),
            "program_data": Out(32),
            "read_address": Out(config.word_address_bits),
            "read_data": In(8 * config.lanes),
        })

    def elaborate(self, platform: object) -> Module:
        m = Module()
        bus, config = self.bus, self._config
        # a transfer is either a write or a read, so address and word serve both
        address = Signal(max(config.byte_address_bits, len(self.program_address) + 2))
        word = Signal(8 * max(config.lanes, 4), reset_less=True)
        captures = self._reading(m, address)
        is_program, is_spread = Signal(), Signal()
        spread = self._spreading(m)
        stores = bus.w.valid & ~is_spread
        moves = stores | (bus.r.valid & bus.r.ready)
        with m.If(bus.start_write | bus.start_read):
            m.d.sync += [
                address.eq(bus.address),
                is_program.eq((bus.address >= PROGRAM_SPACE) & ~spread.active),
                is_spread.eq(spread.active),
            ]
        with m.Elif(moves | spread.writes):
            m.d.sync += address.eq(address + Mux(spread.writes, spread.advance, 1))
        with m.If(captures):
            m.d.sync += word.eq(self.read_data)
        with m.Elif(moves | spread.takes | spread.turns):
            m.d.sync += word.eq(Cat(word[8:], Mux(spread.turns, word[-8:], bus.w.payload)))
        lane = address[: config.lane_bits]
        m.d.sync += [
            self.write_enable.eq((stores & ~is_program & lane.all()) | spread.writes),
            self.write_lanes.eq(Mux(spread.writes, 1 << lane, (1 << config.lanes) - 1)),
            self.write_address.eq(address[config.lane_bits :]),
            self.program_enable.eq(stores & is_program & address[:2].all()),
            self.program_address.eq(address[2:]),
        ]
        m.d.comb += [
            bus.r.payload.eq(word[:8]),
            self.read_address.eq(address[config.lane_bits :]),
            self.write_data.eq(word[-8 * config.lanes :]),
            self.program_data.eq(word[-32:]),
        ]
        return m

    def _spreading(self, m: Module) -> _Spreading:
        """What the unit for spread writes says; where the core has none, nothing ever."""
        bus, made = self.bus, _Spreading(self._config)
        m.d.comb += bus.w.ready.eq(1)
        if self._config.spread:
            m.submodules.spread = spread = Spread(self._config)
            m.d.comb += [
                made.active.eq(bus.start_write & (bus.address >= SPREAD_SPACE)),
                spread.start.eq(bus.start_write | bus.start_read),
                spread.active.eq(made.active),
                spread.w.payload.eq(bus.w.payload), spread.w.valid.eq(bus.w.valid),
                bus.w.ready.eq(spread.w.ready),
                made.takes.eq(spread.takes), made.turns.eq(spread.turns),
                made.writes.eq(spread.writes), made.advance.eq(spread.advance),
            ]  # fmt: skip
        return made

    def _reading(self, m: Module, address: Signal) -> Value:
        """Wait for each word, then offer its bytes; returns the strobe that takes the word."""
        bus, config = self.bus, self._config
        wait = Signal(range(self._read_latency + 1))
        waiting = Signal()
        captures = waiting & (wait == 0)
        with m.If(waiting):
            m.d.sync += wait.eq(wait - 1)
        with m.If(captures):
            m.d.sync += [waiting.eq(0), bus.r.valid.eq(1)]
        with m.If(bus.r.valid & bus.r.ready & address[: config.lane_bits].all()):
            m.d.sync += [bus.r.valid.eq(0), waiting.eq(1), wait.eq(self._read_latency)]
        # a transfer may begin at any time, also in the middle of another
        with m.If(bus.start_read | bus.start_write):
            m.d.sync += [bus.r.valid.eq(0), waiting.eq(bus.start_read), wait.eq(self._read_latency)]
        return captures
