"""Walks a job's loop nest and issues one token a cycle, with the scratchpad address to read."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from .config import CoreConfig
from .delay import delayed
from .entries import small_memory
from .isa import (
    FLAG_HOLD,
    FLAG_INDEXED,
    FLAG_PICK,
    FLAG_STREAM,
    INDEX,
    KIND_BITS,
    LEVELS,
    ConfigBus,
    Kind,
    token_flags,
    token_layout,
)
from .registers import register


def request_layout(config: CoreConfig) -> data.StructLayout:
    """What goes with a read address: the token, the job's kind and whether the word is padding.

    ``begins``: it is the job's first token (those of loads do not count).
    """
    return data.StructLayout({
        "token": token_layout(config),
        "active": unsigned(1),
        "begins": unsigned(1),
        "kind": Kind,
        "pad": unsigned(1),
    })


class AddressGenerator(wiring.Component):
    """Six nested down-counters, an address and two coordinates.

    Throughput: one token a cycle; after a pixel ``gap`` idle cycles; one more before each run of
    loads. Latency: ``latency`` cycles from a token's issue to ``read_address``; the first token is
    issued ``start_latency`` cycles after ``bus.start``. That may come in the cycle after ``front_done``, or
    later; registers may be written at any time, and count for the job that is started next.

    Members
    -------
    bus : In(ConfigBus).
    index : In, bytes that are added to ``base`` in a job with FLAG_INDEXED (with ``config.index``), taken
        with ``bus.start``: the program has to WAIT for the INDEX job that made it.
    read_address : Out, scratchpad word to read; read_offset : Out, the byte of it that is addressed.
    request : Out(request_layout), goes with ``read_address``; ``active`` says that there is a token.
    front_done : Out(1), strobe in the cycle after the last token's issue.
    """

    latency = 3
    start_latency = 1

    def __init__(self, config: CoreConfig) -> None:
        self._config = config
        super().__init__({
            "bus": In(ConfigBus()),
            "index": In(config.byte_address_bits),
            "read_address": Out(config.word_address_bits),
            "read_offset": Out(config.lane_bits),
            "request": Out(request_layout(config)),
            "front_done": Out(1),
        })

    def elaborate(self, platform: object) -> Module:
        m = Module()
        self._registers(m)
        self._nest(m)
        self._addresses(m)
        return m

    def _registers(self, m: Module) -> None:
        """The job's configuration, written over the bus."""
        config, bus = self._config, self.bus
        address, coordinate = config.byte_address_bits, config.coordinate_bits
        count = config.count_bits
        shapes = {f"count{level}": signed(count) for level in range(LEVELS)}
        shapes |= dict.fromkeys(("base", "load_base"), unsigned(address))
        shapes |= dict.fromkeys(("base_row", "base_column"), signed(coordinate))
        shapes |= dict.fromkeys(("height", "width"), unsigned(coordinate))
        shapes |= dict.fromkeys(("window_skip", "window_stride"), signed(5))
        token_bits = config.token_address_bits
        shapes |= {
            "weight_base": unsigned(token_bits), "gap": signed(7),
            "load_words": signed(count), "load_parameter_words": signed(count),
            "load_first": unsigned(config.destination_bits),
            "load_count": signed(config.destination_bits + 1), "load_address": unsigned(token_bits),
            "step_bank": unsigned(1),
        }  # fmt: skip
        self._r = {name: register(config, name, shape) for name, shape in shapes.items()}
        for name, held in self._r.items():
            if isinstance(held, Signal):
                with m.If(bus.valid & (bus.register == INDEX[name])):
                    m.d.sync += held.eq(bus.value)
        base = self._r["base"]
        with m.If(bus.valid & (bus.register == INDEX["base_add"])):
            m.d.sync += base.eq(base + bus.value)
        self._take_over(m)

    def _take_over(self, m: Module) -> None:
        """What the job under way goes by: stage 0's registers with the START, those of the later stages a
        cycle later, when the last token of the job before has left them.
        """
        self._late_start = Signal()
        m.d.sync += self._late_start.eq(self.bus.start)
        late: tuple[str, ...] = ("base_row", "base_column", "height", "width")
        at_once: tuple[str, ...] = tuple(f"count{level}" for level in range(LEVELS))
        at_once += ("gap", "window_skip", "window_stride")
        at_once += ("load_words", "load_parameter_words", "load_first", "load_count", "load_address")
        if not self._config.shadows:  # nobody writes them while tokens are issued
            late, at_once = (), ()
        late, at_once = (
            tuple(name for name in names if isinstance(self._r[name], Signal)) for names in (late, at_once)
        )
        active = (*late, *at_once, "step_bank")
        self._a = self._r | {name: Signal.like(self._r[name], name=f"active_{name}") for name in active}
        for strobe, names in ((self.bus.start, (*at_once, "step_bank")), (self._late_start, late)):
            with m.If(strobe):
                m.d.sync += [self._a[name].eq(self._r[name]) for name in names]

    def _origin(self, m: Module) -> Value:
        """Where the job's first token reads: ``base``, plus ``index`` with its flag."""
        base = self._r["base"]
        if not (self._config.shadows or self._config.index):
            return base
        origin = Signal.like(base, name="origin")
        index: Value = Const(0)
        if self._config.index:
            index = Mux((self.bus.value & FLAG_INDEXED).any(), self.index, 0)
        with m.If(self.bus.start):
            m.d.sync += origin.eq(base + index)
        return origin

    def _nest(self, m: Module) -> None:
        """Stage 0: counters and the state machine; what they issue is registered once."""
        r, a, bus = self._r, self._a, self.bus
        counts = [
            Signal(signed(self._config.count_bits), name=f"left{level}", reset_less=True)
            for level in range(LEVELS)
        ]
        kind, pick, hold, streams = Signal(Kind), Signal(), Signal(), Signal()
        first, issue = Signal(), Signal()
        window = Signal(signed(5), reset_less=True)
        gap = Signal(signed(7), reset_less=True)

        advance: list[Value] = [issue]
        for count in counts:
            advance.append(advance[-1] & count[-1])
        level = Signal(LEVELS)
        m.d.comb += level.eq(Cat(advance[n] & ~counts[n][-1] for n in range(LEVELS)))
        pixel_end, row_end, group_end = advance[3], advance[4], advance[5]
        emits = window[-1]

        with m.If(bus.start):
            m.d.sync += [
                kind.eq(bus.value[:KIND_BITS]),
                pick.eq((bus.value & FLAG_PICK).any()),
                hold.eq((bus.value & FLAG_HOLD).any()),
                streams.eq((bus.value & FLAG_STREAM).any() if self._config.loads else 0),
            ]
        for number, count in enumerate(counts):
            self._count(m, count, f"count{number}", advance[number])
        with m.If(bus.start | pixel_end):
            m.d.sync += first.eq(1)
        with m.Elif(issue):
            m.d.sync += first.eq(0)
        with m.If(bus.start):
            m.d.sync += window.eq(r["window_skip"])
        with m.Elif(row_end):
            m.d.sync += window.eq(a["window_skip"])
        with m.Elif(pixel_end):
            m.d.sync += window.eq(Mux(emits, a["window_stride"], window - 1))
        with m.If(pixel_end):
            m.d.sync += gap.eq(a["gap"])
        with m.Elif(~gap[-1]):
            m.d.sync += gap.eq(gap - 1)

        load_token, load_stop, enters_load = self._loader(m, streams)
        # A bit for each state, none set when idle: what ends a pixel decides it, and comes late.
        enters, loading, resting, only_loads = Signal(), Signal(), Signal(), Signal()
        loads: Value = Const(0, 1)
        if self._config.loads:
            loads = (bus.value[:KIND_BITS] == Kind.LOAD) | (bus.value & FLAG_STREAM).any()
        last_token = counts[0][-1] & counts[1][-1] & counts[2][-1]
        last_pixel = counts[3][-1] & counts[4][-1]
        last_group = counts[5][-1]
        turns, rests = last_pixel & (last_group | streams), ~a["gap"][-1]
        rested = gap[-1] | (gap == 0)
        with m.If(bus.start):
            m.d.sync += only_loads.eq(loads & (bus.value[:KIND_BITS] == Kind.LOAD))
        m.d.sync += [
            enters.eq((bus.start & loads) | (issue & last_token & last_pixel & streams & ~last_group)),
            loading.eq(enters | (loading & ~load_stop)),
            resting.eq((resting & ~rested) | (issue & last_token & rests & ~turns)),
            issue.eq(
                (bus.start & ~loads)
                | (load_stop & ~only_loads)
                | (resting & rested)
                | (issue & ~(last_token & (rests | turns)))
            ),
            self.front_done.eq((load_stop & only_loads) | (issue & last_token & last_pixel & last_group)),
        ]
        m.d.comb += [enters_load.eq(enters), load_token.eq(loading)]

        self._stage = stage = Signal(data.StructLayout({
            "issue": 1, "load": 1, "level": LEVELS, "first": 1, "last": 1, "final": 1, "pick": 1, "hold": 1,
            "streams": 1, "kind": Kind, "begins": 1, **dict.fromkeys(token_flags(self._config), 1),
        }))  # fmt: skip
        for name, flag in token_flags(self._config).items():
            asked_for = Signal(name=name)
            with m.If(bus.start):
                m.d.sync += asked_for.eq((bus.value & flag).any())
            m.d.sync += stage[name].eq(asked_for)
        begins = Signal()
        with m.If(bus.start):
            m.d.sync += begins.eq(1)
        with m.Elif(issue):
            m.d.sync += begins.eq(0)
        m.d.sync += [
            stage.issue.eq(issue), stage.load.eq(load_token), stage.level.eq(level), stage.first.eq(first),
            stage.last.eq(pixel_end & emits), stage.final.eq(group_end), stage.pick.eq(pick),
            stage.hold.eq(hold), stage.streams.eq(streams), stage.kind.eq(kind), stage.begins.eq(begins),
        ]  # fmt: skip

    def _count(self, m: Module, count: Signal, name: str, advance: Value) -> None:
        """Load ``count`` from the register ``name`` with a START and where it ends, else count down."""
        if self._config.shadows:
            with m.If(self.bus.start):
                m.d.sync += count.eq(self._r[name])
            with m.Elif(advance & count[-1]):
                m.d.sync += count.eq(self._a[name])
            with m.Elif(advance):
                m.d.sync += count.eq(count - 1)
            return
        # the choice and the sum are a cell a bit of an iCE40, as both go by one signal
        falls = Signal(name=f"{name}_falls")
        m.d.comb += falls.eq(~(self.bus.start | count[-1]))
        with m.If(self.bus.start | advance):
            m.d.sync += count.eq(Mux(falls, count + falls.replicate(len(count)), self._r[name]))

    def _loader(self, m: Module, streams: Signal) -> tuple[Signal, Signal, Signal]:
        """Counts the words of a load: ``load_words`` for each destination, then, in a streamed job,
        ``load_parameter_words`` for each requantizer, to addresses that go on from group to group, and
        from job to job, as the requantizers' own do.
        """
        a, config, bus = self._a, self._config, self.bus
        token, stop, enters = Signal(), Signal(), Signal()
        words, destinations = (
            Signal(signed(self._config.count_bits), reset_less=True),
            Signal(signed(8), reset_less=True),
        )
        destination = Signal(config.destination_bits, reset_less=True)
        parameters = Signal()
        address = Signal(config.token_address_bits, reset_less=True)
        parameter_start = Signal.like(address)
        word_last, destination_last = words[-1], destinations[-1]
        m.d.comb += stop.eq(token & word_last & destination_last & (parameters | ~streams))
        with m.If(bus.valid & (bus.register == INDEX["parameter_base"])):
            m.d.sync += parameter_start.eq(bus.value << (config.parameter_parts - 1).bit_length())
        with m.Elif(stop & parameters):
            m.d.sync += parameter_start.eq(address + 1)
        with m.If(enters):
            m.d.sync += [
                words.eq(a["load_words"]), destinations.eq(a["load_count"]), destination.eq(a["load_first"]),
                address.eq(a["load_address"]), parameters.eq(0),
            ]  # fmt: skip
        with m.Elif(token):
            m.d.sync += [words.eq(words - 1), address.eq(address + 1)]
            with m.If(word_last):
                m.d.sync += [
                    words.eq(Mux(parameters, a["load_parameter_words"], a["load_words"])),
                    destinations.eq(destinations - 1),
                    destination.eq(destination + 1),
                    address.eq(Mux(parameters, parameter_start, a["load_address"])),
                ]
                with m.If(destination_last):
                    m.d.sync += [
                        parameters.eq(1),
                        words.eq(a["load_parameter_words"]),
                        destinations.eq(config.requantizers - 2),
                        destination.eq(config.columns),
                        address.eq(parameter_start),
                    ]
        self._load = (destination, address)
        return token, stop, enters

    def _addresses(self, m: Module) -> None:
        """Stages 1 to 3: which delta, the addition; then padding and the read address."""
        config, r, a, s1 = self._config, self._r, self._a, self._stage
        load_destination, load_address = self._load
        # Stage 1 -> 2: the delta that the token before asked for.
        asked = Signal(LEVELS)
        s2 = Signal.like(s1)
        m.d.sync += s2.eq(s1)
        restart = Signal()
        with m.If(s1.issue):
            m.d.sync += asked.eq(s1.level)
        m.d.sync += restart.eq(asked[5] | s1.begins)
        step = self._deltas(m, "step", config.byte_address_bits, asked)
        row, column = (self._deltas(m, axis, config.coordinate_bits, asked) for axis in ("row", "column"))
        # Stage 2 -> 3: addresses of the nest and of loads.
        s3 = Signal.like(s2)
        m.d.sync += s3.eq(s2)
        address = Signal(config.byte_address_bits, reset_less=True)
        y, x = Signal(signed(config.coordinate_bits)), Signal(signed(config.coordinate_bits))
        source = Signal(config.byte_address_bits, reset_less=True)
        origin = self._origin(m)
        with m.If(s2.issue):
            m.d.sync += [
                address.eq(Mux(s2.begins, origin, address + step)),
                y.eq(Mux(restart, a["base_row"], y + row.as_signed())),
                x.eq(Mux(restart, a["base_column"], x + column.as_signed())),
            ]
        with m.If(self._late_start):
            m.d.sync += source.eq(r["load_base"])
        with m.Elif(s3.load):
            m.d.sync += source.eq(source + config.lanes)
        weight = self._weight_address(m, s2)
        place = Signal(config.place_bits, reset_less=True)
        with m.If(s2.issue):
            m.d.sync += place.eq(Mux(s2.first, 0, place + 1))
        # Behind stage 3: the read address and what goes with it; the scratchpad's inputs are registered.
        token = self.request.token
        # load counters belong to stage 0: bring them level with stage 3
        carried = Cat(load_destination, load_address)
        for number in range(3):
            register = Signal(len(carried), name=f"load_{number}", reset_less=True)
            m.d.sync += register.eq(carried)
            carried = register
        destination, where = carried[: config.destination_bits], carried[config.destination_bits :]
        spoils = Signal()  # a program for a core without loads has none
        m.d.sync += spoils.eq(self.bus.start & (self.bus.value[:KIND_BITS] == Kind.LOAD))
        outside = (y.as_unsigned() >= a["height"]) | (x.as_unsigned() >= a["width"])
        m.d.comb += [
            Cat(self.read_offset, self.read_address).eq(Mux(s3.load, source, address)),
            self.request.active.eq(s3.issue | s3.load),
            self.request.kind.eq(Mux(s3.load, Kind.LOAD, s3.kind)),
            self.request.begins.eq(s3.issue & s3.begins),
            self.request.pad.eq(s3.issue & outside),
            token.valid.eq(s3.issue & (s3.kind == Kind.MATRIX)),
            token.first.eq(s3.first),
            token.last.eq(s3.last),
            token.final.eq(s3.final),
            token.pick.eq(s3.pick),
            token.write.eq(s3.load if config.loads else spoils),
            token.destination.eq(destination),
            token.address.eq(Mux(s3.load, where, weight)),
            token.offset.eq(address[: config.offset_in_word_bits]),
            token.place.eq(place),
        ]
        for name in token_flags(config):
            m.d.comb += token[name].eq(s3[name])
        if config.digits:  # only where the token before asked for level 2
            m.d.comb += token.digit.eq(s3.digit & delayed(m, asked[2], 2, "digit"))

    def _deltas(self, m: Module, name: str, bits: int, asked: Signal) -> Value:
        """The register ``name`` of the level that is set in ``asked``, one cycle later (0: none written)."""
        bus = self.bus
        first = INDEX[f"{name}0"]
        memory = Memory(shape=bits, depth=16, init=[], attrs=small_memory(self._config))
        m.submodules[name] = memory
        write, read = memory.write_port(), memory.read_port()
        level = Cat((asked[1] | asked[3] | asked[5]), (asked[2] | asked[3]), (asked[4] | asked[5]))
        m.d.comb += [
            write.en.eq(bus.valid & (bus.register[3:] == first // 8)),
            write.addr.eq(Cat(bus.register[:3], self._r["step_bank"])), write.data.eq(bus.value),
            read.addr.eq(Cat(level, self._a["step_bank"])),
        ]  # fmt: skip
        return read.data

    def _weight_address(self, m: Module, s2: Signal) -> Signal:
        """Level with stage 3: counts up within a pixel, rewinds at the next, moves on with a group."""
        r = self._r
        weight = Signal(self._config.token_address_bits, reset_less=True)
        group = Signal.like(weight)
        crossed = Signal()
        following = weight + 1
        with m.If(self.bus.start):
            m.d.sync += [group.eq(r["weight_base"]), crossed.eq(0)]
        with m.Elif(s2.issue):
            m.d.sync += crossed.eq(s2.final & ~s2.streams)
            with m.If(s2.first & crossed):
                m.d.sync += group.eq(following)
        with m.If(s2.issue):
            with m.If(s2.first):
                m.d.sync += weight.eq(Mux(crossed, following, group))
            with m.Elif(~s2.hold):
                m.d.sync += weight.eq(following)
        return weight
