"""What the memories of a core hold: the program, weights, parameters and tables of one model."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Image:
    """Contents of every memory, each a tuple of unsigned words; shorter than the memory is fine.

    ``scratchpad`` maps a byte address to bytes that must be there before the first run: constants and
    streamed weights. A scratchpad of block RAM starts with them; the host has to write them into any
    other.
    """

    program: tuple[int, ...]
    weights: tuple[tuple[int, ...], ...]  # a column each
    parameters: tuple[tuple[int, ...], ...]  # a requantizer each
    tables: tuple[tuple[int, ...], ...]  # an operand each (0 or 2)
    exponentials: tuple[int, ...]  # 256 entries of 32 bits a table, one table after the other
    scratchpad: tuple[tuple[int, bytes], ...]
    logarithms: tuple[int, ...] = ()  # 512 entries of 32 bits a table of the softmax's logarithm


EMPTY = Image(program=(), weights=(), parameters=(), tables=(), exponentials=(), scratchpad=())
