"""What products of two int8 matrices share, FULLY_CONNECTED by an activation and BATCH_MATMUL."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tfl2hw.ir.graph import Quantisation
from tfl2hw.ops.activation import INT8_MAX, INT8_MIN
from tfl2hw.ops.rescale import FixedPointRescale

Int64 = npt.NDArray[np.int64]


def product(first: npt.NDArray[np.int64], second: npt.NDArray[np.int64]) -> Int64:
    """``first @ second`` by way of float64, exact while sums stay under 2**53."""
    return (first.astype(np.float64) @ second.astype(np.float64)).astype(np.int64)


def overflowing(
    depth: int, operands: tuple[Quantisation, Quantisation], rescale: FixedPointRescale
) -> str | None:
    """Found text where sums of ``depth`` products of any two int8 values would wrap in C."""
    first, second = ((INT8_MIN - operand.zero_point, INT8_MAX - operand.zero_point) for operand in operands)
    corners = [depth * a * b for a in first for b in second]
    low, high = np.array([min(corners)], np.int64), np.array([max(corners)], np.int64)
    return f"sums of {low[0]} to {high[0]}" if rescale.overflows(low, high).any() else None
