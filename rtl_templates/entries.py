"""Memories whose entries may be wider than the words in which they are loaded, or than a block RAM."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from amaranth.hdl import Cat, Module, Mux, Signal, Value, ValueLike
from amaranth.lib.memory import Memory

from .config import CoreConfig
from .delay import delayed


def small_memory(config: CoreConfig) -> dict[str, str]:
    """Attributes of a memory of a few words: block RAM on iCE40, where Yosys would take flip-flops."""
    return {"ram_style": "block"} if config.multiplier == "ice40" else {}


def entry_widths(field: tuple[int, int], word_bits: int) -> list[int]:
    """Widths of the memories that hold bits ``field[0]`` to ``field[1]`` of entries that come in words."""
    ends = [*range((field[0] // word_bits + 1) * word_bits, field[1], word_bits), field[1]]
    return [end - start for start, end in pairwise([field[0], *ends])]


REGISTERED_BITS = {"ecp5": 18}
"""Widest block RAM, by ``CoreConfig.multiplier``, that has an output register of use."""

Write = tuple[ValueLike, Value, Value] | Signal
"""A memory's write port: enable, address and word; or a strobe alone where nothing is ever loaded, which
never comes and would spoil the memory. Yosys does not know that: otherwise the logic around a memory would
depend on what it holds, and that could not be replaced in a routed design.
"""

LUT_DEPTH = 64
"""Words up to which a memory is made of LUTs on those chips: a block RAM would be all but empty."""

BLOCK_DEPTH = 1024
"""Words of a block RAM of such a width. A deeper memory is divided here and not by Yosys, which might put
words of one that is only read side by side, and choose between them behind the RAM.
"""

DEEPER = ((2048, 9), (4096, 4), (8192, 2), (16384, 1))
"""Words and bits of deeper ones."""


def piece_bits(bits: int, depth: int, family: str) -> int:
    """Bits of the pieces that make a memory of ``bits``: a piece is one block RAM deep, so that nothing
    stands between it and its output register, unless that takes more block RAMs than pieces of the widest.
    """
    widest = REGISTERED_BITS.get(family, bits)
    most = -(-bits // widest) * -(-depth // BLOCK_DEPTH)
    narrow = next((width for words, width in DEEPER if depth <= words), widest)
    if family not in REGISTERED_BITS or depth <= BLOCK_DEPTH or -(-bits // narrow) > most:
        return widest
    return narrow


def rest_words(depth: int, family: str) -> int:
    """The last words of a memory that stand in LUTs, where a further block RAM would be all but empty."""
    rest = depth % BLOCK_DEPTH
    return rest if family in REGISTERED_BITS and depth > BLOCK_DEPTH and rest <= LUT_DEPTH else 0


def split_memory(
    m: Module, name: str, config: CoreConfig, *, bits: int, depth: int, init: Sequence[int],
    write: Write, address: Value, registers: int = 0,
) -> Value:  # fmt: skip
    """A memory in pieces as wide as the chip likes; the word read comes ``1 + registers`` cycles after
    ``address``.

    The few words by which it may be deeper than whole block RAMs are made of LUTs (``rest_words``).
    """
    rest = rest_words(depth, config.multiplier)
    first = depth - rest
    if not rest:
        value = _pieces(m, name, config, bits=bits, depth=depth, init=init, write=write, address=address)
        return delayed(m, value, registers, f"{name}_read")
    # the first words are whole block RAMs, so the lower bits of an address number those of the rest too
    beyond, width = Signal(name=f"{name}_beyond"), _bits_of(rest)
    m.d.sync += beyond.eq(address >= first)
    to_low = to_high = write
    if isinstance(write, tuple):
        enable, where, word = Value.cast(write[0]), write[1], write[2]
        to_low = enable & (where < first), where[: _bits_of(first)], word
        to_high = enable & (where >= first), where[:width], word
    low = _pieces(
        m, name, config, bits=bits, depth=first, init=init[:first], address=address[: _bits_of(first)],
        write=to_low,
    )  # fmt: skip
    high = _pieces(
        m, f"{name}_rest", config, bits=bits, depth=rest, init=init[first:], address=address[:width],
        write=to_high,
    )  # fmt: skip
    low, high = delayed(m, low, registers, f"{name}_read"), delayed(m, high, registers, f"{name}_rest_read")
    return Mux(delayed(m, beyond, registers, f"{name}_beyond"), high, low)


def _bits_of(depth: int) -> int:
    return (depth - 1).bit_length()


def _pieces(
    m: Module, name: str, config: CoreConfig, *, bits: int, depth: int, init: Sequence[int],
    write: Write, address: Value,
) -> Value:  # fmt: skip
    """As ``split_memory``, all of it in one kind of memory."""
    width = piece_bits(bits, depth, config.multiplier)
    attributes = {}
    if config.multiplier in REGISTERED_BITS:
        attributes["ram_style"] = "distributed" if depth <= LUT_DEPTH else "block"
    # a block RAM needs no strobe where two words that nobody reads show that each bit may be 0 and 1
    fixed = (
        not isinstance(write, tuple)
        and attributes.get("ram_style") == "block"
        and depth + 2 <= 1 << _bits_of(depth)
    )
    pieces = []
    for start in range(0, bits, width):
        stop = min(bits, start + width)
        mask = (1 << (stop - start)) - 1
        words = [entry >> start & mask for entry in init]
        if fixed:
            words += [*(0 for _ in range(depth - len(words))), 0, mask]
        memory = Memory(shape=stop - start, depth=depth + 2 if fixed else depth, init=words, attrs=attributes)
        m.submodules[name if bits <= width else f"{name}_{start}"] = memory
        if isinstance(write, tuple):
            into, (enable, where, word) = memory.write_port(), write
            m.d.comb += [into.en.eq(enable), into.addr.eq(where), into.data.eq(word[start:stop])]
        elif not fixed:
            into = memory.write_port()
            m.d.comb += [into.en.eq(write), into.data.eq(write.replicate(stop - start))]
        read = memory.read_port()
        m.d.comb += read.addr.eq(address)
        pieces.append(read.data)
    return Cat(pieces)


def entry_memory(
    m: Module, name: str, config: CoreConfig, *, field: tuple[int, int], depth: int, init: Sequence[int],
    parts: int, load: tuple[Signal, Value, Value], address: Value,
) -> Value:  # fmt: skip
    """Bits ``field[0]`` to ``field[1]`` of every entry; the value read comes one cycle after ``address``.

    An entry arrives in ``parts`` words (a power of two) of ``config.lanes`` bytes, low part first; each part
    is written on its own, so that nothing has to be kept until the entry is complete.

    Parameters
    ----------
    init : whole entries.
    load : enable, address (entry * parts + part) and word of the part that arrives; without ``config.loads``
        the enable alone counts (see ``Write``).
    """
    enable, where, word = load
    word_bits, part_bits = 8 * config.lanes, (parts - 1).bit_length()
    pieces = []
    start = field[0]
    for width in entry_widths(field, word_bits):
        part, stop = start // word_bits, start + width
        mask = (1 << (stop - start)) - 1
        pieces.append(split_memory(
            m, f"{name}_{start}", config, bits=stop - start, depth=depth,
            init=[entry >> start & mask for entry in init], address=address,
            write=enable if not config.loads else (
                enable & (where[:part_bits] == part), where[part_bits:],
                word[start - part * word_bits : stop - part * word_bits],
            ),
        ))  # fmt: skip
        start = stop
    return Cat(pieces)
