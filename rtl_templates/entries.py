"""Memories whose entries may be wider than the words in which they are loaded."""

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


def entry_memory(
    m: Module, name: str, *, field: tuple[int, int], depth: int, init: Sequence[int],
    word_bits: int, parts: int, load: tuple[ValueLike, Value, Value], address: Value,
) -> Value:  # fmt: skip
    """Bits ``field[0]`` to ``field[1]`` of every entry; the value read comes one cycle after ``address``.

    An entry arrives in ``parts`` words (a power of two) of ``word_bits``, low part first; each part is
    written on its own, so that nothing has to be kept until the entry is complete.

    Parameters
    ----------
    init : whole entries.
    load : enable, address (entry * parts + part) and word of the part that arrives.
    """
    enable, where, word = load
    part_bits = (parts - 1).bit_length()
    pieces = []
    start = field[0]
    for width in entry_widths(field, word_bits):
        part, stop = start // word_bits, start + width
        mask = (1 << (stop - start)) - 1
        memory = Memory(shape=stop - start, depth=depth, init=[entry >> start & mask for entry in init])
        m.submodules[f"{name}_{start}"] = memory
        write, read = memory.write_port(), memory.read_port()
        m.d.comb += [
            write.en.eq(Value.cast(enable) & (where[:part_bits] == part)),
            write.addr.eq(where[part_bits:]),
            write.data.eq(word[start - part * word_bits : stop - part * word_bits]),
            read.addr.eq(address),
        ]
        pieces.append(read.data)
        start = stop
    return Cat(pieces)
