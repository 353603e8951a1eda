"""Writes the OFM: pixels of the array, whole words and single bytes of the other units."""

from __future__ import annotations

from collections.abc import Mapping

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .config import CoreConfig
from .isa import FLAG_PAIR, FLAG_TWIN, INDEX, PART_BITS, ConfigBus, part_of
from .registers import register


class Writer(wiring.Component):
    """Each write is a *pixel*: K bytes from the array, or a whole word or one byte from another unit.

    The address starts at ``out_base`` and moves by ``out_step_pixel``; at the end of ``out_inner``
    pixels by ``out_step_row``; after ``out_outer`` such rows by ``out_step_group``. All in bytes. With
    FLAG_PAIR (``config.lines`` > 1) there is a level more: after ``out_outer`` rows the address moves by
    ``out_step_plane``, and after ``out_planes`` of such planes by ``out_step_group``. With FLAG_TWIN
    (``config.channels`` > 1) an address serves twice, the second time for the K bytes behind it.

    Registers may be written while results of a job come in: the next one takes them over with ``begin``. It
    starts the counting anew, but goes on from the address at which the one before left off unless
    ``out_base`` is written. Words need an address that is a multiple of ``lanes``, K bytes one that is
    a multiple of K, a byte any.

    Latency: ``latency`` cycles from a pixel's last byte to the write at the scratchpad, none from a word
    or a single byte. The outputs are not registered: the scratchpad's inputs are.
    Throughput: a pixel every ``config.chain`` cycles, or a word or a byte a cycle. One source at a time.

    Members
    -------
    bus : In(ConfigBus), for the ``out_`` registers; the last START before ``begin`` is the job's.
    begin : In(1), strobe between the last write of the job before and the job's first one, in the cycle of
        neither.
    valid, y : In, one byte of each requantizer, last column of its chain first.
    word_valid, word : In, a whole word from the table-sum unit or a copy. With ``config.unaligned`` a copy
        may write the word's first 2^n bytes alone (see ``isa.part_of``), to a multiple of as many.
    byte_valid, byte : In, a byte from the mover or the softmax.
    writes : Out(1), whether there is a write.
    write_enable (a bit for each byte), write_address (words), write_data : Out.
    """

    latency = 1

    def __init__(self, config: CoreConfig) -> None:
        self._config = config
        super().__init__({
            "bus": In(ConfigBus()), "begin": In(1),
            "valid": In(1), "y": In(8 * config.requantizers),
            "word_valid": In(1), "word": In(8 * config.lanes),
            "byte_valid": In(1), "byte": In(8),
            "writes": Out(1), "write_enable": Out(config.lanes),
            "write_address": Out(config.word_address_bits),
            "write_data": Out(8 * config.lanes),
        })  # fmt: skip

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config = self._config
        pixel, complete = self._collect(m)
        behind, stays = self._twin(m, complete)
        address = self._address(m, self.word_valid | self.byte_valid | (complete & ~stays))
        place = address[: config.lane_bits]
        pixels = pixel.replicate(config.lanes // config.columns)
        word, written = self._parts(m, place)
        m.d.comb += [
            self.writes.eq(self.word_valid | self.byte_valid | complete),
            self.write_address.eq(address[config.lane_bits :]),
            self.write_data.eq(
                Mux(
                    self.word_valid,
                    word,
                    Mux(self.byte_valid, self.byte.replicate(config.lanes), pixels),
                )
            ),
        ]
        column_bits = (config.columns - 1).bit_length()
        for lane in range(config.lanes):
            mine = complete & (place[column_bits:] | behind == lane >> column_bits)
            m.d.comb += self.write_enable[lane].eq(
                (self.word_valid & written[lane]) | mine | (self.byte_valid & (place == lane))
            )
        return m

    def _twin(self, m: Module, complete: Signal) -> tuple[Value, Value]:
        """Whether the pixel that is written is the second one at its address, and whether one follows."""
        if self._config.channels == 1:
            return Const(0, 1), Const(0, 1)
        twin, second, following = Signal(), Signal(), Signal()
        with m.If(self.bus.start):
            m.d.sync += following.eq((self.bus.value & FLAG_TWIN).any())
        with m.If(self.begin):
            m.d.sync += [twin.eq(following), second.eq(0)]
        with m.Elif(complete):
            m.d.sync += second.eq(twin & ~second)
        return second, twin & ~second

    def _parts(self, m: Module, place: Value) -> tuple[Value, Value]:
        """The word with its first bytes repeated if only they are written, and the lanes that are."""
        config = self._config
        if not config.unaligned:
            return self.word, Const((1 << config.lanes) - 1)
        part, following = Signal(PART_BITS, reset_less=True), Signal(PART_BITS, reset_less=True)
        with m.If(self.bus.start):
            m.d.sync += following.eq(part_of(self.bus.value))
        with m.If(self.begin):
            m.d.sync += part.eq(following)
        word, written = Signal.like(self.word), Signal(config.lanes)
        with m.Switch(part):
            for halvings in range(config.lane_bits + 1):
                size = config.lanes >> halvings
                bits = config.lane_bits - halvings
                with m.Case(halvings):
                    m.d.comb += word.eq(self.word[: 8 * size].replicate(1 << halvings))
                    m.d.comb += [
                        written[lane].eq(place[bits:] == lane >> bits) for lane in range(config.lanes)
                    ]
        return word, written

    def _collect(self, m: Module) -> tuple[Signal, Signal]:
        """The K bytes of a pixel, and a strobe when they are together."""
        config = self._config
        pixel = Signal(8 * config.columns, reset_less=True)
        complete = Signal()
        count = Signal(range(config.chain))
        last = count == config.chain - 1
        width = 8 * config.chain
        collected = []
        for group in range(config.requantizers):
            mine = pixel[group * width : (group + 1) * width]
            collected.append(Cat(self.y.word_select(group, 8), mine)[:width])
        with m.If(self.valid):
            m.d.sync += [pixel.eq(Cat(collected)), count.eq(Mux(last, 0, count + 1))]
        m.d.sync += complete.eq(self.valid & last)
        return pixel, complete

    def _address(self, m: Module, write: Value) -> Signal:
        """Byte address of the write in progress; moves on after each."""
        bus, bits, pair = self.bus, self._config.byte_address_bits, self._config.lines > 1
        planes = ("out_planes",) if pair else ()
        steps = ("out_step_plane",) if pair else ()
        names = ("out_step_pixel", "out_step_row", "out_step_group", *steps)
        r = {name: register(self._config, name, unsigned(bits)) for name in names}
        r |= {
            name: register(self._config, name, signed(self._config.count_bits))
            for name in ("out_inner", "out_outer", *planes)
        }
        written = {name: each for name, each in r.items() if isinstance(each, Signal)}
        active = r | {name: Signal.like(each, name=f"active_{name}") for name, each in written.items()}
        address, base = Signal(bits, reset_less=True), Signal(bits, reset_less=True)
        based = Signal()
        inner, outer = (Signal(signed(self._config.count_bits)) for _ in range(2))
        for name, each in (written | {"out_base": base}).items():
            with m.If(bus.valid & (bus.register == INDEX[name])):
                m.d.sync += each.eq(bus.value)
        row_end = inner[-1]
        after_rows = active["out_step_group"]
        if pair:
            after_rows = self._after_rows(m, r, active, write & row_end & outer[-1])
        step = Mux(row_end, Mux(outer[-1], after_rows, active["out_step_row"]), active["out_step_pixel"])
        with m.If(self.begin):
            m.d.sync += [active[name].eq(each) for name, each in written.items()]
            m.d.sync += based.eq(0)
            with m.If(based):
                m.d.sync += address.eq(base)
        with m.Elif(write):
            m.d.sync += address.eq(address + step)
        for name, count, moves in (("out_inner", inner, write), ("out_outer", outer, write & row_end)):
            # the choice and the sum are a cell a bit of an iCE40, as both go by one signal
            falls = Signal(name=f"{name}_falls")
            m.d.comb += falls.eq(~(self.begin | count[-1]))
            start = Mux(self.begin, r[name], active[name])
            with m.If(self.begin | moves):
                m.d.sync += count.eq(Mux(falls, count + falls.replicate(len(count)), start))
        with m.If(bus.valid & (bus.register == INDEX["out_base"])):
            m.d.sync += based.eq(1)
        return address

    def _after_rows(
        self, m: Module, r: Mapping[str, Value], active: Mapping[str, Value], ends: Value
    ) -> Value:
        """The step where the rows end: to the next plane, or, behind the last one and in jobs that have
        no planes, to the next group.
        """
        planes, paired, following = Signal(signed(self._config.count_bits)), Signal(), Signal()
        last = planes[-1] | ~paired
        with m.If(self.bus.start):
            m.d.sync += following.eq((self.bus.value & FLAG_PAIR).any())
        with m.If(self.begin):
            m.d.sync += [planes.eq(r["out_planes"]), paired.eq(following)]
        with m.Elif(ends):
            m.d.sync += planes.eq(Mux(last, active["out_planes"], planes - 1))
        return Mux(last, active["out_step_group"], active["out_step_plane"])
