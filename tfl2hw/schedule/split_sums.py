"""TableSums for which no tables exist, as sums of several for which they do.

A sum of two look-ups makes steps of one height. TFLite's rounding can move single sums to the other side
of a step, now up and now down, where the scales have a simple ratio. Between two output levels there is one
step alone, and for that tables always exist.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from tfl2hw.ir.primitives import MapShape, Network, Primitive, TableSum
from tfl2hw.ops.rescale import FixedPointRescale, IdentityRescale

from .table_fit import fit_tables


def fitting_sums(primitive: TableSum, shift: int, new_map: Callable[[MapShape], int]) -> tuple[TableSum, ...]:
    """``primitive`` itself if it has tables at ``shift``; else TableSums that make the same of several parts.

    Each part is the primitive clamped to a range of output levels; the ranges meet, so that the output is
    the sum of what the parts exceed their lowest levels by. ``new_map`` gives indices of temporary maps.
    """
    rescale = primitive.rescale
    if not isinstance(rescale, FixedPointRescale) or fit_tables(primitive, shift) is not None:
        return (primitive,)
    parts = _parts(primitive, rescale, shift, (rescale.low, rescale.high))
    placed = [replace(part, output=new_map(primitive.shape)) for part in parts]
    sums: list[TableSum] = []
    total = placed[0].output
    for part in placed[1:]:
        last = part is placed[-1]
        result = primitive.output if last else new_map(primitive.shape)
        sums.append(_sum(primitive, (total, part.output), part.rescale.low, result))
        total = result
    return (*placed, *sums)


def _parts(
    primitive: TableSum, rescale: FixedPointRescale, shift: int, levels: tuple[int, int]
) -> list[TableSum]:
    """``primitive`` clamped to ``levels``, in as many ranges as need tables of their own."""
    low, high = levels
    part = replace(primitive, rescale=replace(rescale, low=low, high=high))
    if high - low <= 1 or fit_tables(part, shift) is not None:
        return [part]
    zero = rescale.zero_point
    middle = zero if (low, high) == (rescale.low, rescale.high) and low < zero < high else (low + high) // 2
    return [
        *_parts(primitive, rescale, shift, (low, middle)),
        *_parts(primitive, rescale, shift, (middle, high)),
    ]


def _sum(primitive: TableSum, maps: tuple[int, int], lowest: int, output: int) -> TableSum:
    """The first map, and what the second one exceeds ``lowest`` by."""
    raw = np.arange(-128, 128, dtype=np.int64)
    return replace(
        primitive,
        inputs=maps,
        output=output,
        tables=np.stack([raw, raw - lowest]),
        rescale=IdentityRescale(),
    )


def split_sums(network: Network, shift: int) -> Network:
    """``network`` with every TableSum that has no tables at ``shift`` split into some that have."""
    shapes = dict(network.shapes)

    def new_map(shape: MapShape) -> int:
        index = max(shapes) + 1
        shapes[index] = shape
        return index

    primitives: list[Primitive] = []
    for primitive in network.primitives:
        if isinstance(primitive, TableSum):
            primitives += fitting_sums(primitive, shift, new_map)
        else:
            primitives.append(primitive)
    return replace(network, primitives=tuple(primitives), shapes=shapes)
