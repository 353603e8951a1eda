"""Tables for the vector unit: two look-ups, one sum, one shift, proven for all 65,536 pairs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tfl2hw.ir.primitives import TableSum

SHIFTS = range(10, 31)
"""Fractional bits tried, fewest first."""

STRETCHES = (0, 4)
"""Tables are tried as they are, then a little larger (in units of their last place): what rounds half
away from zero then falls on the right side of a tie, on either side of zero."""


FAR = 1 << 60
"""Beyond every sum: no bound."""

Int64 = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class TablePair:
    """Tables (2, 256), indexed by byte + 128; their sum has ``shift`` fractional bits."""

    tables: npt.NDArray[np.int64]
    shift: int


def fit_tables(primitive: TableSum, shift: int) -> TablePair | None:
    """Tables with ``shift`` fractional bits that give every pair's exact output, or None if there are none.

    Of a single operand the second table is all 0.
    """
    rescale, tables = primitive.rescale, primitive.tables
    if len(tables) == 1:
        alone = rescale(tables[0], np.zeros_like(tables[0])) - rescale.zero_point
        return TablePair(tables=np.stack([alone << shift, np.zeros_like(alone)]), shift=shift)
    sums = tables[0][:, None] + tables[1][None, :]
    exact = rescale(sums, np.zeros_like(sums))
    found = _rounded(primitive, exact, shift)
    if found is None:
        found = _solved(primitive, exact, shift)
    return None if found is None else TablePair(tables=found, shift=shift)


def _rounded(primitive: TableSum, exact: Int64, shift: int) -> Int64 | None:
    """The real tables rounded, moved by what suits every pair; or None."""
    rescale = primitive.rescale
    for stretch in STRETCHES:
        tables = _real_tables(primitive, shift, 1.0 + float(np.ldexp(stretch, -shift)))
        totals = tables[0][:, None] + tables[1][None, :]
        offset = _offset(totals, exact, rescale.low, rescale.high, rescale.zero_point, shift)
        if offset is None:
            continue
        tables[0] += offset
        if _proven(tables, primitive, exact, shift):
            return tables
    return None


def _solved(primitive: TableSum, exact: Int64, shift: int) -> Int64 | None:
    """Tables that fulfil what every pair asks of its sum, near the real ones; None proves that none do.

    Every pair (a, b) asks for ``least <= t0[a] + t1[b] <= most``. With the second table negated these
    are differences, so the greatest solution not above a start is a shortest path: Bellman and Ford's
    relaxations reach it in as many rounds as there are entries, or never.
    """
    rescale = primitive.rescale
    least = np.where(exact > rescale.low, (exact - rescale.zero_point) << shift, -FAR)
    most = np.where(exact < rescale.high, ((exact + 1 - rescale.zero_point) << shift) - 1, FAR)
    tables = _real_tables(primitive, shift, 1.0)
    first, negated = tables[0], -tables[1]
    for _ in range(tables.size + 1):
        lower_first = np.minimum(first, (most + negated).min(axis=1))
        lower_negated = np.minimum(negated, (lower_first[:, None] - least).min(axis=0))
        if np.array_equal(lower_first, first) and np.array_equal(lower_negated, negated):
            found = np.stack([first, -negated])
            return found if _proven(found, primitive, exact, shift) else None
        first, negated = lower_first, lower_negated
    return None


def _real_tables(primitive: TableSum, shift: int, stretch: float) -> Int64:
    scale = float(np.asarray(primitive.rescale.slope).reshape(-1)[0])
    return np.asarray(np.rint(np.ldexp(primitive.tables * scale, shift) * stretch), np.int64)


def _proven(tables: Int64, primitive: TableSum, exact: Int64, shift: int) -> bool:
    """Whether the tables give the exact output of every pair."""
    rescale = primitive.rescale
    steps = (tables[0][:, None] + tables[1][None, :]) >> shift
    return np.array_equal(np.clip(steps + rescale.zero_point, rescale.low, rescale.high), exact)


def _offset(
    totals: Int64,
    exact: Int64,
    low: int,
    high: int,
    zero_point: int,
    shift: int,
) -> int | None:
    """What to add to every sum so that its integer part is the output, or None."""
    least, most = -FAR, FAR
    for level in range(low + 1, high + 1):
        reaches = exact >= level
        threshold = (level - zero_point) << shift
        if reaches.any():
            least = max(least, threshold - int(totals[reaches].min()))
        if not reaches.all():
            most = min(most, threshold - 1 - int(totals[~reaches].max()))
        if least > most:
            return None
    # where every sum is on one side of the clamp, the offset nearest to 0 that keeps it there
    if -least == FAR or most == FAR:
        return min(max(least, 0), most)
    return least + (most - least) // 2
