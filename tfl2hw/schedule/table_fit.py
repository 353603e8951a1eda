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


@dataclass(frozen=True, kw_only=True, eq=False)
class TablePair:
    """Tables (2, 256), indexed by byte + 128; their sum has ``shift`` fractional bits."""

    tables: npt.NDArray[np.int64]
    shift: int


def fit_tables(primitive: TableSum, shift: int) -> TablePair | None:
    """Tables with ``shift`` fractional bits that give every pair's exact output, or None."""
    rescale = primitive.rescale
    sums = primitive.tables[0][:, None] + primitive.tables[1][None, :]
    exact = rescale(sums, np.zeros_like(sums))
    scale = float(np.asarray(rescale.slope).reshape(-1)[0])
    for stretch in STRETCHES:
        larger = 1.0 + float(np.ldexp(stretch, -shift))
        tables = np.rint(np.ldexp(primitive.tables * scale, shift) * larger).astype(np.int64)
        totals = tables[0][:, None] + tables[1][None, :]
        offset = _offset(totals, exact, rescale.low, rescale.high, rescale.zero_point, shift)
        if offset is None:
            continue
        tables[0] += offset
        steps = (tables[0][:, None] + tables[1][None, :]) >> shift
        found = np.clip(steps + rescale.zero_point, rescale.low, rescale.high)
        if np.array_equal(found, exact):
            return TablePair(tables=tables, shift=shift)
    return None


def _offset(
    totals: npt.NDArray[np.int64],
    exact: npt.NDArray[np.int64],
    low: int,
    high: int,
    zero_point: int,
    shift: int,
) -> int | None:
    """What to add to every sum so that its integer part is the output, or None."""
    far = 1 << 61
    least, most = -far, far
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
    if -least == far or most == far:
        return min(max(least, 0), most)
    return least + (most - least) // 2
