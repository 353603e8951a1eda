"""The whole accelerator between two byte streams."""

from __future__ import annotations

from functools import reduce
from operator import or_

from amaranth.hdl import Const, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from .address import AddressGenerator, request_layout
from .array import Array
from .byte_units import ByteUnits
from .config import CoreConfig
from .delay import delayed
from .hostport import HostPort
from .image import EMPTY, Image
from .isa import INDEX, SILENT, Kind
from .link import Link
from .scratchpad import Scratchpad
from .sequencer import Sequencer
from .table_sum import TableSum
from .tail import Tail
from .writer import Writer


class Core(wiring.Component):
    """Host link, sequencer, address generator, scratchpad, array, vector units and writer.

    Parameters
    ----------
    config : what to generate.
    image : initial contents of program memory, weight banks, parameter memories, tables and (where it
        is block RAM) scratchpad; without one they are loaded over the link.

    Members
    -------
    i, o : byte streams of the host link (see ``link``).
    """

    def __init__(self, config: CoreConfig, image: Image | None = None) -> None:
        self._config = config
        self._image = image or EMPTY
        super().__init__({"i": In(stream.Signature(8)), "o": Out(stream.Signature(8))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config, image = self._config, self._image
        m.submodules.link = link = Link(config.identity, config.link_timeout)
        connect(m, flipped(self.i), link.i)
        connect(m, flipped(self.o), link.o)
        m.submodules.sequencer = self._sequencer = Sequencer(config, image.program)
        m.submodules.host = self._host = HostPort(config, Scratchpad.read_latency(config))
        m.submodules.address = self._address = AddressGenerator(config)
        m.submodules.scratchpad = self._scratchpad = Scratchpad(config, image.scratchpad)
        m.submodules.writer = self._writer = Writer(config)
        m.submodules.array = self._array = Array(config, image)
        m.submodules.tail = self._tail = Tail(config)
        self._fan_out(m)
        self._connect_host(m, link)
        self._connect_memory(m)
        token, x, kind = self._fetch(m)
        self._connect_tail(m)
        self._connect_vector_units(m, token, x, kind)
        return m

    def _fan_out(self, m: Module) -> None:
        """The sequencer's bus goes to every unit that has registers of its own."""
        bus = self._sequencer.bus
        for unit in (self._address, self._writer, self._array):
            self._listen(m, unit)
        m.d.comb += self._sequencer.front_done.eq(self._address.front_done)
        self._pad_value, following = Signal(8, reset_less=True), Signal(8, reset_less=True)
        with m.If(bus.valid & (bus.register == INDEX["pad_value"])):
            m.d.sync += following.eq(bus.value)
        wait = Scratchpad.read_latency(self._config) - 1  # in time for the first token's word
        with m.If(delayed(m, self._address.request.begins, wait, "pads")):
            m.d.sync += self._pad_value.eq(following)

    def _listen(self, m: Module, unit: wiring.Component) -> None:
        for name in ("valid", "start", "register", "value"):
            m.d.comb += getattr(unit.bus, name).eq(getattr(self._sequencer.bus, name))

    def _connect_host(self, m: Module, link: Link) -> None:
        """The link's bus: transfers to the host port, runs to the sequencer."""
        host, sequencer, bus = self._host, self._sequencer, link.bus
        m.d.comb += [
            host.bus.address.eq(bus.address),
            host.bus.start_write.eq(bus.start_write),
            host.bus.w.payload.eq(bus.w.payload), host.bus.w.valid.eq(bus.w.valid),
            bus.w.ready.eq(host.bus.w.ready),
            host.bus.start_read.eq(bus.start_read),
            bus.r.payload.eq(host.bus.r.payload), bus.r.valid.eq(host.bus.r.valid),
            host.bus.r.ready.eq(bus.r.ready),
            sequencer.run.eq(bus.run), sequencer.run_pc.eq(bus.run_pc), sequencer.run_break.eq(bus.run_break),
            bus.busy.eq(sequencer.busy), bus.pc.eq(sequencer.pc), bus.cycles.eq(sequencer.cycles),
            sequencer.program_enable.eq(host.program_enable),
            sequencer.program_address.eq(host.program_address),
            sequencer.program_data.eq(host.program_data),
        ]  # fmt: skip

    def _connect_memory(self, m: Module) -> None:
        """While a program runs the scratchpad is the array's; else the host's."""
        config, host, writer, scratchpad = self._config, self._host, self._writer, self._scratchpad
        whole = (1 << config.lanes) - 1
        m.d.comb += [
            scratchpad.read_address.eq(
                Mux(self._sequencer.busy, self._address.read_address, host.read_address)
            ),
            scratchpad.read_offset.eq(Mux(self._sequencer.busy, self._address.read_offset, 0)),
            host.read_data.eq(scratchpad.read_data),
            scratchpad.write_enable.eq(Mux(host.write_enable, whole, writer.write_enable)),
            scratchpad.write_address.eq(Mux(host.write_enable, host.write_address, writer.write_address)),
            scratchpad.write_data.eq(Mux(host.write_enable, host.write_data, writer.write_data)),
        ]

    def _fetch(self, m: Module) -> tuple[Value, Signal, Value]:
        """The word of each request, padding put in, with its token and the kind of job.

        The array gets the token one cycle before the word.
        """
        config = self._config
        earlier, request = (
            Signal(request_layout(config), name=name, reset_less=True) for name in ("earlier", "request")
        )
        waited = delayed(m, self._address.request, Scratchpad.read_latency(config) - 1, "request")
        m.d.comb += earlier.eq(waited)
        m.d.sync += request.eq(earlier)
        x = Signal(8 * config.lanes, reset_less=True)
        token = Signal.like(request.token)
        kind, active, pad, begins = Signal(Kind), Signal(), Signal(), Signal()
        m.d.sync += [
            x.eq(Mux(request.pad, self._pad_value.replicate(config.lanes), self._scratchpad.read_data)),
            token.eq(request.token),
            kind.eq(request.kind),
            active.eq(request.active),
            pad.eq(request.pad),
            begins.eq(request.begins),
        ]
        self._active, self._pad, self._begins = active, pad, begins
        m.d.comb += [
            self._array.token.eq(request.token),
            self._array.x.eq(x),
            self._array.begin.eq(request.begins & (request.kind == Kind.MATRIX)),
        ]
        self._take_over(m, kind, earlier, request)
        return token, x, kind

    def _take_over(
        self,
        m: Module,
        kind: Signal,
        earlier: data.View[data.StructLayout],
        request: data.View[data.StructLayout],
    ) -> None:
        """When the job under way takes over the writer, which those of ``SILENT`` leave alone.

        Kinds are told apart a cycle ahead: the sequencer's next instruction may wait for it.
        """
        array, writer = self._array, self._writer
        self._is_bytes = Signal()
        m.d.comb += self._is_bytes.eq(~_among(kind, Kind.MATRIX, Kind.COPY, Kind.TABLE, Kind.LOAD))
        silent, writes, copies = Signal(), Signal(), Signal()
        others = _among(request.kind, *SILENT, Kind.MATRIX, Kind.COPY)
        m.d.sync += [
            silent.eq(request.begins & _among(request.kind, *SILENT)),
            writes.eq(request.begins & ~others),
            copies.eq(earlier.begins & (earlier.kind == Kind.COPY)),
        ]
        m.d.comb += [
            writer.begin.eq(array.begin_out | copies | writes),
            self._sequencer.taken.eq(writer.begin | silent),
        ]

    def _connect_tail(self, m: Module) -> None:
        config, tail, array = self._config, self._tail, self._array
        m.d.comb += [
            tail.token.eq(array.tail_token),
            tail.x.eq(array.tail_x),
            array.load_enable.eq(tail.enable[: config.requantizers]),
            array.load_address.eq(tail.address),
            array.load_data.eq(tail.data),
        ]

    def _connect_vector_units(self, m: Module, token: Value, x: Signal, kind: Value) -> None:
        """Table sum, copies and the units that take bytes: whatever writes without the array."""
        config, writer = self._config, self._writer
        m.d.comb += [writer.valid.eq(self._array.valid), writer.y.eq(self._array.y)]
        valid: Value = Const(0, 1)
        word: Value = Const(0, 8 * config.lanes)
        if config.copier:
            valid, word = self._active & (kind == Kind.COPY), x
        if config.vector_lanes:
            sum_valid, sum_word = self._table_sum(m, token, x, kind)
            valid, word = valid | sum_valid, Mux(sum_valid, sum_word, word)
        m.d.comb += [writer.word_valid.eq(valid), writer.word.eq(word)]
        if config.takes_bytes:
            self._byte_units(m, token, x, kind)

    def _table_sum(self, m: Module, token: Value, x: Signal, kind: Value) -> tuple[Value, Value]:
        config, tail = self._config, self._tail
        m.submodules.table_sum = unit = TableSum(config, self._image.tables)
        self._listen(m, unit)
        m.d.comb += [
            unit.valid.eq(self._active & (kind == Kind.TABLE)),
            unit.begin.eq(self._begins & (kind == Kind.TABLE)),
            unit.first.eq(token.first),
            unit.x.eq(x),
            unit.load_enable.eq(tail.enable[config.requantizers : config.requantizers + 2]),
            unit.load_address.eq(tail.address),
            unit.load_data.eq(tail.data),
        ]
        return unit.word_valid, unit.word

    def _byte_units(self, m: Module, token: Value, x: Signal, kind: Value) -> None:
        config, writer, tail = self._config, self._writer, self._tail
        m.submodules.byte_units = units = ByteUnits(config, self._image)
        self._listen(m, units)
        m.d.comb += [
            units.active.eq(self._active),
            units.begin.eq(self._begins & self._is_bytes),
            units.kind.eq(kind),
            units.token.eq(token),
            units.pad.eq(self._pad),
            units.x.eq(x),
            units.load_enable.eq(tail.enable[config.requantizers + 2 :]),
            units.load_address.eq(tail.address),
            units.load_data.eq(tail.data),
            writer.byte_valid.eq(units.y_valid),
            writer.byte.eq(units.y),
        ]
        if config.index:
            m.d.comb += self._address.index.eq(units.index)


def _among(kind: Signal, *kinds: Kind) -> Value:
    return reduce(or_, (kind == each for each in kinds))
