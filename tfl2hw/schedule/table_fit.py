"""Tables for the vector unit: two look-ups, one sum, one shift, proven for all 65,536 pairs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tfl2hw.ir.primitives import TableSum

SHIFTS = range(10, 31)
"""Fractional bits tried, fewest first."""


@dataclass(frozen=True, kw_only=True, eq=False)
class TablePair:
    """Tables (2, 256), indexed by byte + 128, and the vector unit's kink (see TableSum in the hardware)."""

    tables: npt.NDArray[np.int64]
    kink: int
    shift: int


def fit_tables(primitive: TableSum, shift: int) -> TablePair | None:
    """Tables with ``shift`` fractional bits that give every pair's exact output, or None."""
    rescale = primitive.rescale
    sums = primitive.tables[0][:, None] + primitive.tables[1][None, :]
    exact = rescale(sums, np.zeros_like(sums))
    scale = float(np.asarray(rescale.slope).reshape(-1)[0])
    scaled = np.rint(np.ldexp(primitive.tables * scale, shift)).astype(np.int64)
    totals = scaled[0][:, None] + scaled[1][None, :]
    _, exponent = np.frexp(scale)
    kinks = [0]
    if rescale.half_away and shift + int(exponent) >= 0:
        kinks.append(1 << (shift + int(exponent)))
    for kink in kinks:
        offset = _offset(totals, exact, rescale.low, rescale.high, rescale.zero_point, shift, kink)
        if offset is None:
            continue
        tables = scaled.copy()
        tables[0] += offset
        v = tables[0][:, None] + tables[1][None, :]
        steps = (v - np.where(v < 0, kink, 0)) >> shift
        found = np.clip(steps + rescale.zero_point, rescale.low, rescale.high)
        if np.array_equal(found, exact):
            return TablePair(tables=tables, kink=kink, shift=shift)
    return None


def _offset(
    totals: npt.NDArray[np.int64],
    exact: npt.NDArray[np.int64],
    low: int,
    high: int,
    zero_point: int,
    shift: int,
    kink: int,
) -> int | None:
    """What to add to every sum so that its integer part is the output, or None."""
    least = -(np.int64(2) ** 61)
    most = np.int64(2) ** 61
    for level in range(low + 1, high + 1):
        reaches = exact >= level
        edge = np.int64(level - zero_point) << shift
        threshold = edge if edge > 0 else min(np.int64(0), edge + kink)
        if reaches.any():
            least = max(least, threshold - totals[reaches].min())
        if not reaches.all():
            most = min(most, threshold - 1 - totals[~reaches].max())
        if least > most:
            return None
    return int(least + (most - least) // 2)
