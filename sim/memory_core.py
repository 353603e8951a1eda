"""The smallest device behind the host link: a memory, and a program that only passes the time."""

from __future__ import annotations

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out, connect, flipped

from tfl2hw.rtl_templates.link import Link


class MemoryCore(wiring.Component):
    """Has the ports of a core; serves to try the link, a board's UART or the host driver by themselves.

    RUN at ``pc`` takes ``pc`` cycles and halts at ``pc + 1``, or at ``pc + 2`` with breaks. Addresses
    wrap at ``depth``.

    Parameters
    ----------
    identity : as for ``Link``.
    depth : bytes of memory, a power of two.
    timeout, slow, boots : as for ``Link``.

    Members
    -------
    i, o : byte streams of the host link. booting : Out(1), the link's; only with ``boots``.
    """

    def __init__(
        self,
        identity: str,
        depth: int = 4096,
        timeout: int = 2**20,
        slow: bool = False,
        *,
        boots: bool = False,
    ) -> None:
        self._identity = identity
        self._depth = depth
        self._timeout = timeout
        self._slow, self._boots = slow, boots
        members = {"i": In(stream.Signature(8)), "o": Out(stream.Signature(8))}
        super().__init__(members | ({"booting": Out(1)} if boots else {}))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.link = link = Link(self._identity, self._timeout, self._slow, boots=self._boots)
        if self._boots:
            m.d.comb += self.booting.eq(link.booting)
        connect(m, flipped(self.i), link.i)
        connect(m, flipped(self.o), link.o)
        bus = link.bus
        m.submodules.memory = memory = Memory(shape=8, depth=self._depth, init=[])
        write, read = memory.write_port(), memory.read_port()

        m.d.comb += [bus.w.ready.eq(1), write.data.eq(bus.w.payload), write.en.eq(bus.w.valid)]
        with m.If(bus.start_write):
            m.d.sync += write.addr.eq(bus.address)
        with m.Elif(write.en):
            m.d.sync += write.addr.eq(write.addr + 1)

        fetched = Signal()
        m.d.comb += [read.en.eq(1), bus.r.payload.eq(read.data), bus.r.valid.eq(fetched)]
        m.d.sync += fetched.eq(~(bus.r.valid & bus.r.ready))
        with m.If(bus.start_read):
            m.d.sync += [read.addr.eq(bus.address), fetched.eq(0)]
        with m.Elif(bus.r.valid & bus.r.ready):
            m.d.sync += read.addr.eq(read.addr + 1)

        left = Signal(16)
        with m.If(bus.run):
            m.d.sync += [bus.busy.eq(1), left.eq(bus.run_pc), bus.cycles.eq(0)]
            m.d.sync += bus.pc.eq(bus.run_pc + 1 + bus.run_break)
        with m.Elif(bus.busy):
            m.d.sync += [left.eq(left - 1), bus.cycles.eq(bus.cycles + 1)]
            with m.If(left == 1):
                m.d.sync += bus.busy.eq(0)
        return m
