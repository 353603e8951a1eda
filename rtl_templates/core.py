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
from .hostbus import HostBus
from .hostport import HostPort
from .image import EMPTY, Image
from .isa import INDEX, SILENT, Kind
from .link import Link
from .scratchpad import Scratchpad
from .sequencer import Sequencer
from .table_sum import TableSum
from .tail import Tail
from .vector_functions import VectorFunctions
from .writer import Writer


class Core(wiring.Component):
    """Host link, sequencer, address generator, scratchpad, array, vector units and writer.

    Parameters
    ----------
    config : what to generate.
    image : initial contents of program memory, weight banks, parameter memories, tables and (where it
        is block RAM) scratchpad; without one they are loaded over the link.
    linked : whether there is a host link; else somebody within the chip has its bus.
    boots : whether a flash fills them after a reset (see ``link``).

    Members
    -------
    i, o : byte streams of the host link (see ``link``).
    bus : In(HostBus), in place of the streams. A write may have a byte each cycle.
    hold : In(1), beside ``bus``: no result is written. For as long as the core is reset: results that were
        on their way then have lost their place.
    booting : Out(1), the link's; only with ``boots``.
    """

    def __init__(
        self, config: CoreConfig, image: Image | None = None, *, linked: bool = True, boots: bool = False
    ) -> None:
        self._config = config
        self._image = image or EMPTY
        self._linked, self._boots = linked, boots
        streams = {"i": In(stream.Signature(8)), "o": Out(stream.Signature(8))}
        members = streams if linked else {"bus": In(HostBus()), "hold": In(1)}
        super().__init__(members | ({"booting": Out(1)} if boots else {}))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config, image = self._config, self._image
        if self._linked:
            m.submodules.link = link = Link(
                config.identity, config.link_timeout, config.slow_link, boots=self._boots
            )
            if self._boots:
                m.d.comb += self.booting.eq(link.booting)
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
        self._connect_host(m, link.bus if self._linked else self.bus)
        self._connect_memory(m)
        token, x, kind = self._fetch(m)
        self._connect_tail(m)
        self._connect_vector_units(m, token, x, kind)
        return m

    def _fan_out(self, m: Module) -> None:
        """The sequencer's bus goes to every unit that has registers of its own.

        Only the address generator has it at once. The others hear it a cycle later, long before a job's
        first token reaches them: so it does not have to cross the chip in the cycle in which it is made.
        """
        bus = self._sequencer.bus
        names = ("valid", "start", "register", "value")
        self._late_bus = {name: delayed(m, getattr(bus, name), 1, f"late_{name}") for name in names}
        m.d.comb += [getattr(self._address.bus, name).eq(getattr(bus, name)) for name in names]
        m.d.comb += self._sequencer.front_done.eq(self._address.front_done)
        for unit in (self._writer, self._array):
            self._listen(m, unit)
        self._pad_value, following = Signal(8, reset_less=True), Signal(8, reset_less=True)
        with m.If(self._late_bus["valid"] & (self._late_bus["register"] == INDEX["pad_value"])):
            m.d.sync += following.eq(self._late_bus["value"])
        wait = Scratchpad.read_latency(self._config) - 1  # in time for the first token's word
        with m.If(delayed(m, self._address.request.begins, wait, "pads")):
            m.d.sync += self._pad_value.eq(following)

    def _listen(self, m: Module, unit: wiring.Component) -> None:
        m.d.comb += [getattr(unit.bus, name).eq(value) for name, value in self._late_bus.items()]

    def _connect_host(self, m: Module, bus: wiring.PureInterface) -> None:
        """The host's bus: transfers to the host port, runs to the sequencer."""
        config, host, sequencer = self._config, self._host, self._sequencer
        if config.bank_registers and self._linked:
            self._slice(m, bus)
        else:
            self._share(m, bus)
        # a run begins a cycle later than the link says, so that neither waits for the other's logic
        run, run_break, run_pc = Signal(), Signal(reset_less=True), Signal.like(bus.run_pc, reset_less=True)
        m.d.sync += [run.eq(bus.run), run_break.eq(bus.run_break), run_pc.eq(bus.run_pc)]
        m.d.comb += [
            sequencer.run.eq(run), sequencer.run_pc.eq(run_pc), sequencer.run_break.eq(run_break),
            bus.busy.eq(run | sequencer.busy), bus.pc.eq(sequencer.pc), bus.cycles.eq(sequencer.cycles),
            sequencer.program_enable.eq(host.program_enable),
            sequencer.program_address.eq(host.program_address),
            sequencer.program_data.eq(host.program_data),
        ]  # fmt: skip

    def _share(self, m: Module, bus: wiring.PureInterface) -> None:
        """Transfers go to the host port as they are: on a small chip, or within a chip, both are near."""
        port = self._host.bus
        m.d.comb += [
            port.address.eq(bus.address),
            port.start_write.eq(bus.start_write), port.start_read.eq(bus.start_read),
            port.w.payload.eq(bus.w.payload), port.w.valid.eq(bus.w.valid), bus.w.ready.eq(port.w.ready),
            bus.r.payload.eq(port.r.payload), bus.r.valid.eq(port.r.valid), port.r.ready.eq(bus.r.ready),
        ]  # fmt: skip

    def _slice(self, m: Module, bus: wiring.PureInterface) -> None:
        """Registers between the link and the host port: what is far apart shares no logic.

        A byte takes some cycles then. ``w`` is ready when the port was, and has got everything.
        """
        port = self._host.bus
        writes, reads, ready = (Signal() for _ in range(3))
        m.d.sync += [
            port.address.eq(bus.address),
            port.start_write.eq(bus.start_write), port.start_read.eq(bus.start_read),
        ]  # fmt: skip
        m.d.comb += [
            bus.w.ready.eq(ready), port.w.valid.eq(writes),
            bus.r.valid.eq(reads), port.r.ready.eq(~reads),
        ]  # fmt: skip
        arrives = bus.w.valid & ready
        m.d.sync += [
            ready.eq(port.w.ready & ~writes & ~arrives),
            writes.eq(arrives | (writes & ~port.w.ready)),
        ]
        with m.If(ready):
            m.d.sync += port.w.payload.eq(bus.w.payload)
        starts = bus.start_write | bus.start_read | port.start_write | port.start_read
        with m.If(starts):
            m.d.sync += reads.eq(0)
        with m.Elif(~reads):
            m.d.sync += [reads.eq(port.r.valid), bus.r.payload.eq(port.r.payload)]
        with m.Elif(bus.r.ready):
            m.d.sync += reads.eq(0)

    def _connect_memory(self, m: Module) -> None:
        """While a program runs the scratchpad is the array's; else the host's."""
        host, writer, scratchpad = self._host, self._writer, self._scratchpad
        results = writer.write_enable if self._linked else Mux(self.hold, 0, writer.write_enable)
        m.d.comb += [
            scratchpad.read_address.eq(
                Mux(self._sequencer.busy, self._address.read_address, host.read_address)
            ),
            scratchpad.read_offset.eq(Mux(self._sequencer.busy, self._address.read_offset, 0)),
            host.read_data.eq(scratchpad.read_data),
            scratchpad.writes.eq(host.write_enable | writer.writes),
            scratchpad.write_enable.eq(Mux(host.write_enable, host.write_lanes, results)),
            scratchpad.write_address.eq(Mux(host.write_enable, host.write_address, writer.write_address)),
            scratchpad.write_data.eq(Mux(host.write_enable, host.write_data, writer.write_data)),
        ]

    def _fetch(self, m: Module) -> tuple[Value, Signal, Value]:
        """The word of each request, padding put in, with its token and the kind of job.

        The array gets the token one cycle before the word.
        """
        config = self._config
        early = Signal(request_layout(config))
        request = Signal(request_layout(config), reset_less=True)
        m.d.comb += early.eq(
            delayed(m, self._address.request, Scratchpad.read_latency(config) - 1, "request_early")
        )
        m.d.sync += request.eq(early)
        x = Signal(8 * config.lanes, reset_less=True)
        token = Signal.like(request.token)
        kind, active, pad = Signal(Kind), Signal(), Signal()
        m.d.sync += [
            x.eq(Mux(request.pad, self._pad_value.replicate(config.lanes), self._scratchpad.read_data)),
            token.eq(request.token),
            kind.eq(request.kind),
            active.eq(request.active),
            pad.eq(request.pad),
        ]
        self._active, self._pad = active, pad
        m.d.comb += [self._array.token.eq(request.token), self._array.x.eq(x)]
        self._take_over(m, early, request)
        return token, x, kind

    def _take_over(
        self, m: Module, early: data.View[data.StructLayout], request: data.View[data.StructLayout]
    ) -> None:
        """When the job under way takes over the writer, which those of ``SILENT`` leave alone.

        What a job's kind means is known a cycle before it is needed: nobody else has the time for it.
        """
        array, writer, kind = self._array, self._writer, request.kind
        matrix, copies, silent, writes = (Signal() for _ in range(4))
        self._copies, self._sums, self._begins_function = (Signal() for _ in range(3))
        self._begins_table, self._begins_bytes = Signal(), Signal()
        others = (Kind.MATRIX, Kind.COPY)
        m.d.sync += [
            matrix.eq(early.begins & (early.kind == Kind.MATRIX)),
            copies.eq(early.begins & (early.kind == Kind.COPY)),
            silent.eq(request.begins & _among(kind, *SILENT)),
            writes.eq(request.begins & ~_among(kind, *SILENT, *others)),
            self._copies.eq(request.active & (kind == Kind.COPY)),
            self._sums.eq(request.active & (kind == Kind.TABLE)),
            self._begins_table.eq(request.begins & (kind == Kind.TABLE)),
            self._begins_function.eq(request.begins & (kind == Kind.FUNCTION)),
            self._begins_bytes.eq(
                request.begins & ~_among(kind, *others, Kind.TABLE, Kind.FUNCTION, Kind.LOAD)
            ),
        ]
        m.d.comb += [
            array.begin.eq(matrix),
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
            valid, word = self._copies, x
        if config.vector_lanes:
            sum_valid, sum_word = self._table_sum(m, token, x)
            valid, word = valid | sum_valid, Mux(sum_valid, sum_word, word)
        if config.functions:
            made_valid, made = self._functions(m, token, x, kind)
            valid, word = valid | made_valid, Mux(made_valid, made, word)
        m.d.comb += [writer.word_valid.eq(valid), writer.word.eq(word)]
        if config.takes_bytes:
            self._byte_units(m, token, x, kind)

    def _table_sum(self, m: Module, token: Value, x: Signal) -> tuple[Value, Value]:
        config, tail = self._config, self._tail
        m.submodules.table_sum = unit = TableSum(config, self._image.tables)
        self._listen(m, unit)
        m.d.comb += [
            unit.valid.eq(self._sums),
            unit.begin.eq(self._begins_table),
            unit.first.eq(token.first),
            unit.x.eq(x),
            unit.load_enable.eq(tail.enable[config.requantizers : config.requantizers + 2]),
            unit.load_address.eq(tail.address),
            unit.load_data.eq(tail.data),
        ]
        return unit.word_valid, unit.word

    def _functions(self, m: Module, token: Value, x: Signal, kind: Value) -> tuple[Value, Value]:
        m.submodules.functions = unit = VectorFunctions(self._config)
        self._listen(m, unit)
        m.d.comb += [
            unit.valid.eq(self._active & (kind == Kind.FUNCTION)),
            unit.begin.eq(self._begins_function),
            unit.first.eq(token.first), unit.last.eq(token.last), unit.x.eq(x),
        ]  # fmt: skip
        return unit.word_valid, unit.word

    def _byte_units(self, m: Module, token: Value, x: Signal, kind: Value) -> None:
        config, writer, tail = self._config, self._writer, self._tail
        m.submodules.byte_units = units = ByteUnits(config, self._image)
        self._listen(m, units)
        m.d.comb += [
            units.active.eq(self._active),
            units.begin.eq(self._begins_bytes),
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
