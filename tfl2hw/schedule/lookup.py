"""Rows of a constant table by index: the index register is loaded, then a row is copied."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tfl2hw.ir.primitives import Lookup, MapShape

from .matrix import Maps, WordCopy
from .nest import Loop, Nest, linear
from .shape import Target


@dataclass(frozen=True, kw_only=True)
class Index:
    """A job that loads the index register."""

    nest: Nest


@dataclass(frozen=True, kw_only=True, eq=False)
class IndexedCopy(WordCopy):
    """A word copy that starts at the index register's value behind its source."""


def table_pitch(shape: MapShape, target: Target) -> int:
    """Bytes from row to row of a table of ``shape``: a power of two, so that doubling makes addresses."""
    return 1 << (target.padded(shape[2]) - 1).bit_length()


def lookup(
    primitive: Lookup, target: Target, maps: Maps, table: str, shapes: tuple[MapShape, MapShape]
) -> tuple[Index | IndexedCopy, ...]:
    """Two jobs an index; ``maps.source`` holds the indices, ``shapes`` are those of indices and table."""
    index_shape, table_shape = shapes
    index_bytes, words = index_shape[2], target.words(table_shape[2])
    doublings = (table_pitch(table_shape, target) - 1).bit_length()
    jobs: list[Index | IndexedCopy] = []
    for number in range(primitive.count):
        turns = Loop(index_bytes + doublings, -1, 0, 1)
        last = number * maps.source_pixel + index_bytes - 1
        jobs += [
            Index(
                nest=Nest(
                    source=maps.source,
                    loops=(Loop(), turns, Loop(), Loop(), Loop(), Loop()),
                    offset=last,
                    width=index_bytes,
                )
            ),
            IndexedCopy(
                nest=Nest(
                    source=table,
                    loops=(Loop(words, target.lanes), Loop(), Loop(), Loop(), Loop(), Loop()),
                ),
                output=replace(linear(maps.target, words, target.lanes), offset=number * maps.target_pixel),
                pad_value=0,
            ),
        ]
    return tuple(jobs)
