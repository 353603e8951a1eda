"""Feature-map memory: block RAM, or the single-port SPRAM of the UP5K."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from amaranth.hdl import Array, Cat, ClockSignal, Const, Instance, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from .config import CoreConfig
from .delay import delayed

GROUP_BITS = 32
"""Bits of a word that share address and write registers: one register drives few block RAMs."""
BYTES_DEPTHS = (16384, 8192, 4096, 2048)
"""Depths of memories of bytes that block RAMs of the ECP5 make side by side, with nothing behind them."""
SPRAM_WORDS = 1 << 14
ROTATED_BITS = 2
"""Bits of the offset by which a word is rotated at most between two registers."""
POISON = 0xDEADBEEF


class Scratchpad(wiring.Component):
    """Words of ``lanes`` bytes, one read port and one write port.

    Latency: ``read_latency(config)`` cycles from ``read_address`` to ``read_data``. Throughput: a
    read and a write every cycle.

    A write presented in cycle t is seen by reads presented in cycle t+1 or later. In cycle t itself
    a read must not use the same address ("block"), or the same half of the addresses ("spram",
    "spram-model"): what it returns is then undefined. Ports take the path address register,
    memory, output register, for the sake of the clock; that is why all kinds share a latency.

    With ``config.unaligned`` every byte of a word is a memory of its own: those in front of the byte that is
    addressed read the following word, and the word is rotated behind the output register. Where block RAMs
    stand one behind the other to make it deep enough, each has its own output register: what chooses between
    them comes behind it.

    Parameters
    ----------
    config : the core's shape; ``scratchpad_words``, ``scratchpad`` and ``unaligned`` are the memory's.
    contents : (byte address, bytes) of what is there from the start, zeros between. Only "block" can
        start with something: the SPRAM kinds leave ``contents`` to the host.

    Members
    -------
    read_address : In(word_address_bits).
    read_offset : In(lane_bits); the byte of that word which comes first (0 unless ``config.unaligned``).
    read_data : Out(8 * lanes).
    writes : In(1), whether there is a write.
    write_enable : In(lanes); bit i writes byte i of the word.
    write_address : In(word_address_bits).
    write_data : In(8 * lanes).
    """

    def __init__(self, config: CoreConfig, contents: Sequence[tuple[int, bytes]] = ()) -> None:
        if config.scratchpad != "block":
            if config.lanes != 4:
                raise ValueError(
                    f"lanes must be 4 with scratchpad {config.scratchpad!r}, not {config.lanes!r}"
                )
            if config.scratchpad_words > 2 * SPRAM_WORDS:
                raise ValueError(
                    f"scratchpad_words must be at most {2 * SPRAM_WORDS} with scratchpad "
                    f"{config.scratchpad!r}, not {config.scratchpad_words!r}"
                )
        size = config.scratchpad_words * config.lanes
        for address, data in contents:
            if not 0 <= address <= size - len(data):
                raise ValueError(
                    f"contents must lie within the {size} bytes of the scratchpad, "
                    f"not {len(data)} bytes at {address}"
                )
        self._config = config
        self._contents = tuple(contents)
        super().__init__({
            "read_address": In(config.word_address_bits),
            "read_offset": In(config.lane_bits),
            "read_data": Out(8 * config.lanes),
            "writes": In(1),
            "write_enable": In(config.lanes),
            "write_address": In(config.word_address_bits),
            "write_data": In(8 * config.lanes),
        })

    @staticmethod
    def read_latency(config: CoreConfig) -> int:
        """Cycles from an address to its word: address register, memory, output register.

        For words from any byte on there is one more before each lane's address, one before the rotation for
        the way to it, and the rotation.
        """
        return 3 + (2 + -(-config.lane_bits // ROTATED_BITS) if config.unaligned else 0)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        if self._config.unaligned:
            self._bytes(m)
        elif self._config.scratchpad == "block":
            self._block(m)
        else:
            self._spram(m)
        return m

    def _block(self, m: Module) -> None:
        """A memory for every 32 bits, each behind registers of its own."""
        config = self._config
        for number in range(8 * config.lanes // GROUP_BITS):
            first = number * GROUP_BITS
            init = self._words(number, GROUP_BITS // 8)
            memory = Memory(shape=GROUP_BITS, depth=config.scratchpad_words, init=init)
            m.submodules[f"group{number}"] = memory
            write, read = memory.write_port(granularity=8), memory.read_port()
            enables = self.write_enable[first // 8 : (first + GROUP_BITS) // 8]
            enable = self._register(m, enables, f"write_enable_copy{number}")
            m.d.comb += [
                read.addr.eq(self._register(m, self.read_address, f"read_address_copy{number}")),
                write.addr.eq(self._register(m, self.write_address, f"write_address_copy{number}")),
                write.data.eq(
                    self._register(m, self.write_data[first : first + GROUP_BITS], f"write_data{number}")
                ),
                write.en.eq(enable),
                self.read_data[first : first + GROUP_BITS].eq(
                    self._register(m, read.data, f"read_data{number}")
                ),
            ]

    def _bytes(self, m: Module) -> None:
        """A memory for every byte of a word, each behind registers of its own, and the rotation."""
        config = self._config
        offset = delayed(m, self.read_offset, 5, "offset")
        address = self._register(m, self.read_address, "read_address_first")
        following = (address + 1)[: config.word_address_bits]
        # reads take a register more than in _block, so writes may do so too
        enable, where, data = (
            self._register(m, value, f"{name}_first")
            for name, value in (
                ("write_enable", self.write_enable),
                ("write_address", self.write_address),
                ("write_data", self.write_data),
            )
        )
        lanes: list[Value] = []
        for lane in range(config.lanes):
            later = self._register(m, self.read_offset > lane, f"reads_following{lane}")
            mine = Mux(later, following, address)
            lanes.append(self._lane(
                m, lane, self._register(m, mine, f"read_address_copy{lane}"),
                (enable[lane], where, data.word_select(lane, 8)),
            ))  # fmt: skip
        for first in range(0, config.lane_bits, ROTATED_BITS):
            places = offset[first : first + ROTATED_BITS]
            rotated = [
                Array(lanes[(lane + (by << first)) % config.lanes] for by in range(1 << len(places)))[places]
                for lane in range(config.lanes)
            ]
            lanes = [self._register(m, byte, f"rotated{first}_{lane}") for lane, byte in enumerate(rotated)]
            offset = self._register(m, offset, f"offset_behind{first}")
        m.d.comb += self.read_data.eq(Cat(lanes))

    def _lane(self, m: Module, lane: int, address: Value, write: tuple[Value, Value, Value]) -> Value:
        """Byte ``lane`` of the word at ``address``, three cycles later; ``write``, which passes a register
        here, is enable, address and byte.
        """
        config, (enable, where, byte) = self._config, write
        init, later = self._words(lane, 1), delayed(m, address, 2, f"chosen{lane}")
        data = self._register(m, byte, f"write_data{lane}")
        to = self._register(m, where, f"write_address_copy{lane}")
        chosen: Value | None = None
        for start, depth in reversed(list(_parts(config))):
            bits = (depth - 1).bit_length()
            memory = Memory(shape=8, depth=depth, init=init[start : start + depth])
            m.submodules[f"lane{lane}_{start}" if start else f"lane{lane}"] = memory
            into, read = memory.write_port(), memory.read_port()
            mine = enable & (where[bits:] == start >> bits)
            m.d.comb += [
                read.addr.eq(address), into.addr.eq(to), into.data.eq(data),
                into.en.eq(self._register(m, mine, f"write_enable_copy{lane}_{start}")),
            ]  # fmt: skip
            kept = self._register(m, read.data, f"read_data{lane}_{start}")
            chosen = kept if chosen is None else Mux(later[bits:] == start >> bits, kept, chosen)
        assert chosen is not None, "a scratchpad has words"
        return self._register(m, chosen, f"read_data{lane}")

    def _words(self, group: int, size: int) -> list[int]:
        """What the memory of group ``group`` of ``size`` bytes starts with: none, or every word."""
        if not self._contents:
            return []
        config = self._config
        held = bytearray(config.scratchpad_words * config.lanes)
        for address, data in self._contents:
            held[address : address + len(data)] = data
        starts = range(group * size, len(held), config.lanes)
        return [int.from_bytes(held[start : start + size], "little") for start in starts]

    def _spram(self, m: Module) -> None:
        """Two banks; each is written where the write goes to it and read otherwise."""
        config = self._config
        data = self._register(m, self.write_data, "write_data_copy")
        words = []
        for bank in range(2):
            hit = self.write_address[-1] == bank
            enable = self._register(m, Cat(hit & write for write in self.write_enable), f"enable{bank}")
            chosen = Mux(hit & self.writes, self.write_address[:-1], self.read_address[:-1])
            address = self._register(m, chosen, f"address{bank}")
            build = _spram_pair if config.scratchpad == "spram" else _spram_model
            words.append(build(m, f"bank{bank}", address, data, enable))
        high = self._register(m, self._register(m, self.read_address[-1], "half"), "half_late")
        m.d.comb += self.read_data.eq(self._register(m, Mux(high, words[1], words[0]), "word"))

    def _register(self, m: Module, value: Value, name: str) -> Signal:
        register = Signal(value.shape(), name=name, reset_less=True)
        m.d.sync += register.eq(value)
        return register


def _parts(config: CoreConfig) -> Iterator[tuple[int, int]]:
    """Where each of the memories that make a lane begins, and its depth, the deepest first."""
    if config.multiplier == "ice40" or config.scratchpad_words <= BYTES_DEPTHS[-1]:
        yield 0, config.scratchpad_words
        return
    start = 0
    while start < config.scratchpad_words:
        left = config.scratchpad_words - start + BYTES_DEPTHS[-1] - 1
        depth = next(depth for depth in BYTES_DEPTHS if depth <= left)
        yield start, depth
        start += depth


def _spram_pair(m: Module, name: str, address: Signal, data: Signal, enable: Signal) -> Signal:
    """Two SB_SPRAM256KA side by side; their masks take two bits a byte. The word comes a cycle later."""
    word = Signal(GROUP_BITS, name=f"{name}_word")
    for half in range(2):
        bits, mine = slice(16 * half, 16 * half + 16), enable[2 * half : 2 * half + 2]
        mask = Cat(mine[0].replicate(2), mine[1].replicate(2))
        m.submodules[f"{name}_{half}"] = Instance(
            "SB_SPRAM256KA",
            i_ADDRESS=Cat(address, Const(0, 14 - len(address))), i_DATAIN=data[bits], i_MASKWREN=mask,
            i_WREN=mine.any(), i_CHIPSELECT=Const(1), i_CLOCK=ClockSignal(),
            i_STANDBY=Const(0), i_SLEEP=Const(0), i_POWEROFF=Const(1), o_DATAOUT=word[bits],
        )  # fmt: skip
    return word


def _spram_model(m: Module, name: str, address: Signal, data: Signal, enable: Signal) -> Value:
    """The same in plain memory; a bank that is being written returns ``POISON``, as a chip might."""
    m.submodules[name] = memory = Memory(shape=GROUP_BITS, depth=1 << len(address), init=[])
    write, read = memory.write_port(granularity=8), memory.read_port()
    written = Signal(name=f"{name}_written", reset_less=True)
    m.d.sync += written.eq(enable.any())
    m.d.comb += [write.addr.eq(address), write.data.eq(data), write.en.eq(enable), read.addr.eq(address)]
    return Mux(written, POISON, read.data)
