"""Memories whose entries may be wider than the words in which they are loaded, or than a block RAM."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from amaranth.hdl import Cat, Module, Value, ValueLike
from amaranth.lib.memory import Memory

from .config import CoreConfig


def small_memory(config: CoreConfig) -> dict[str, str]:
    """Attributes of a memory of a few words: block RAM on iCE40, where Yosys would take flip-flops."""
    return {"ram_style": "block"} if config.multiplier == "ice40" else {}


def entry_widths(field: tuple[int, int], word_bits: int) -> list[int]:
    """Widths of the memories that hold bits ``field[0]`` to ``field[1]`` of entries that come in words."""
    ends = [*range((field[0] // word_bits + 1) * word_bits, field[1], word_bits), field[1]]
    return [end - start for start, end in pairwise([field[0], *ends])]


REGISTERED_BITS = {"ecp5": 18}
"""Widest block RAM, by ``CoreConfig.multiplier``, that has an output register of use."""

HALVED = {"ecp5": 1024}
"""Words beyond which such a block RAM is half as wide, up to twice as many. That is not left to Yosys: it
might put words of a memory that is only read side by side, and choose between them behind the RAM.
"""

LUT_DEPTH = 64
"""Words up to which a memory is made of LUTs on those chips: a block RAM would be all but empty."""


def split_memory(
    m: Module, name: str, config: CoreConfig, *, bits: int, depth: int, init: Sequence[int],
    write: tuple[ValueLike, Value, Value] | None, address: Value,
) -> Value:  # fmt: skip
    """A memory in pieces as wide as the chip likes; the word read comes one cycle after ``address``.

    Parameters
    ----------
    write : enable, address and word; None: the memory stays what it is.
    """
    width = REGISTERED_BITS.get(config.multiplier, bits)
    halved = HALVED.get(config.multiplier, depth)
    if halved < depth <= 2 * halved:
        width //= 2
    attributes = {} if write else small_memory(config)
    if config.multiplier in REGISTERED_BITS:
        small = "distributed" if write else "logic"
        attributes["ram_style"] = small if depth <= LUT_DEPTH else "block"
    pieces = []
    for start in range(0, bits, width):
        stop = min(bits, start + width)
        mask = (1 << (stop - start)) - 1
        words = [entry >> start & mask for entry in init]
        memory = Memory(shape=stop - start, depth=depth, init=words, attrs=attributes)
        m.submodules[name if bits <= width else f"{name}_{start}"] = memory
        if write:
            into, (enable, where, word) = memory.write_port(), write
            m.d.comb += [into.en.eq(enable), into.addr.eq(where), into.data.eq(word[start:stop])]
        read = memory.read_port()
        m.d.comb += read.addr.eq(address)
        pieces.append(read.data)
    return Cat(pieces)


def entry_memory(
    m: Module, name: str, config: CoreConfig, *, field: tuple[int, int], depth: int, init: Sequence[int],
    parts: int, load: tuple[ValueLike, Value, Value], address: Value,
) -> Value:  # fmt: skip
    """Bits ``field[0]`` to ``field[1]`` of every entry; the value read comes one cycle after ``address``.

    An entry arrives in ``parts`` words (a power of two) of ``config.lanes`` bytes, low part first; each part
    is written on its own, so that nothing has to be kept until the entry is complete. Without
    ``config.loads`` none is.

    Parameters
    ----------
    init : whole entries.
    load : enable, address (entry * parts + part) and word of the part that arrives.
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
            write=None if not config.loads else (
                Value.cast(enable) & (where[:part_bits] == part), where[part_bits:],
                word[start - part * word_bits : stop - part * word_bits],
            ),
        ))  # fmt: skip
        start = stop
    return Cat(pieces)
