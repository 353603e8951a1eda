"""The bytes that a column picked before, which make the window of a depthwise kernel."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from .config import CoreConfig
from .entries import small_memory


def sources(config: CoreConfig, lane: int) -> dict[tuple[int, int], int]:
    """By division (lines, channels) of the lanes: the slot whose byte ``lane`` takes, if it takes one."""
    found, half = {}, config.lanes // 2
    for lines, channels in ((1, 1), *config.divisions):
        depth = lane % (config.lanes // (lines * channels))
        if depth < max(1, config.window):
            found[lines, channels] = depth + (half if channels > 1 and lane >= half else 0)
    return found


def carried(config: CoreConfig) -> tuple[int, ...]:
    """The slots whose bytes are kept from pixel to pixel."""
    used = {slot for lane in range(config.lanes) for slot in sources(config, lane).values()}
    half = config.lanes // 2
    starts = {0, half} if config.channels > 1 and config.window <= half else {0}
    return tuple(sorted(used - starts))


class Window(wiring.Component):
    """For each place (token of a pixel), the bytes that came with it in this pixel and those before.

    They stand in *slots*, the newest in slot 0; in a job with ``twin`` those of the second channel begin with
    slot ``lanes / 2``. Where the lanes are divided the slots' bytes go to the lanes of each part that works
    on their channel.

    A place is read with its token, and written anew when the token's byte is there, one cycle later: a
    memory of ``config.places`` words, or one register where there is one place.

    Latency: none from ``byte0`` to ``y``; ``place`` comes one cycle before. Throughput: a token a cycle;
    pixels of one token follow each other without a bubble with ``config.single``.

    Members
    -------
    place : In, the place of the token that comes one cycle later; place_before : In, of the one here.
    takes : In, whether there is one; pair, twin : In, how it divides the lanes.
    byte0, byte1 : In, its bytes: of the column's channel, of the second one (with ``config.channels`` > 1).
    y : Out, the operand; only the lanes in ``lanes`` mean something.
    """

    def __init__(self, config: CoreConfig) -> None:
        self._config = config
        self._half = config.lanes // 2
        count = config.channels
        super().__init__({
            "place": In(config.place_bits), "place_before": In(config.place_bits), "takes": In(1),
            "pair": In(1), "twin": In(1),
            **{f"byte{number}": In(8) for number in range(count)},
            "y": Out(8 * config.lanes),
        })  # fmt: skip
        self.lanes = tuple(lane for lane in range(config.lanes) if sources(config, lane))
        self.bytes: tuple[Signal, ...] = tuple(getattr(self, f"byte{number}") for number in range(count))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        slots = self._slots(m)
        divided = {
            (lines, channels): Signal(name=f"divided_{lines}_{channels}")
            for lines, channels in self._config.divisions
        }
        for (lines, channels), asked in divided.items():
            m.d.comb += asked.eq((self.pair == (lines > 1)) & (self.twin == (channels > 1)))
        for lane in self.lanes:
            by_division = sources(self._config, lane)
            usual = next(iter(by_division.values()))
            chosen = slots[usual]
            for division, slot in by_division.items():
                if slot != usual:
                    chosen = Mux(divided[division], slots[slot], chosen)
            m.d.comb += self.y.word_select(lane, 8).eq(chosen)
        return m

    def _slots(self, m: Module) -> dict[int, Value]:
        """The bytes of this token's place, by slot."""
        config, half = self._config, self._half
        older = carried(config)
        slots: dict[int, Value] = {0: self.bytes[0]}
        following = Signal(8 * len(older))
        if older:
            kept = self._kept(m, following)
            slots |= {slot: kept.word_select(n, 8) for n, slot in enumerate(older)}
        if config.channels > 1:
            slots[half] = Mux(self.twin, self.bytes[1], slots[half]) if half in slots else self.bytes[1]
        m.d.comb += following.eq(Cat(slots[slot - 1] for slot in older))
        return slots

    def _kept(self, m: Module, following: Signal) -> Value:
        """What was ``following`` when the place was there last."""
        config = self._config
        if config.places == 1:
            kept = Signal.like(following, reset_less=True)
            with m.If(self.takes):
                m.d.sync += kept.eq(following)
            return kept
        memory = Memory(shape=len(following), depth=config.places, init=[], attrs=small_memory(config))
        m.submodules.memory = memory
        write = memory.write_port()
        read = memory.read_port(transparent_for=(write,) if config.single else ())
        m.d.comb += [
            read.addr.eq(self.place), write.addr.eq(self.place_before),
            write.en.eq(self.takes), write.data.eq(following),
        ]  # fmt: skip
        return read.data
