"""The fixed-point arithmetic of TFLite's reference kernels, each formula once, on int64 arrays.

Sources: TensorFlow Lite ``kernels/internal/common.h`` and gemmlowp ``fixedpoint.h``, checked against the
interpreters. Right shifts of numpy's int64 are arithmetic.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

Int64 = npt.NDArray[np.int64]

INT32_MIN = -(1 << 31)
INT32_MAX = (1 << 31) - 1


def round_half_away(value: float) -> int:
    """The nearest integer, ties away from zero (C's ``round``)."""
    return math.floor(value + 0.5) if value >= 0 else -math.floor(-value + 0.5)


def quantize_multiplier(real: float) -> tuple[int, int]:
    """A real multiplier as ``(m, s)`` with ``real ~ m * 2**(s - 31)``, m in [2**30, 2**31) or 0.

    Raises
    ------
    ValueError : ``real`` is negative or not finite.
    """
    if not math.isfinite(real) or real < 0:
        raise ValueError(f"a multiplier must be finite and not negative, not {real!r}")
    fraction, shift = math.frexp(real)
    mantissa = round_half_away(fraction * (1 << 31))
    if mantissa == 1 << 31:
        mantissa, shift = mantissa >> 1, shift + 1
    if shift < -31:
        return 0, 0
    return mantissa, shift


def rounding_shift_right(value: Int64, shift: Int64 | int) -> Int64:
    """``value / 2**shift`` to the nearest integer, ties away from zero (RoundingDivideByPOT).

    ``shift`` >= 0. For shift 0 the value itself.
    """
    half = (np.int64(1) << np.asarray(shift, np.int64)) >> 1
    negative = ((value < 0) & (np.asarray(shift) > 0)).astype(np.int64)
    return np.asarray((value + half - negative) >> shift, np.int64)


def doubling_high_multiply(a: Int64, b: Int64 | int) -> Int64:
    """``round(a * b / 2**31)``, ties upwards, saturated (SaturatingRoundingDoublingHighMul).

    Exact for ``a`` and ``b`` in the int32 range.
    """
    return np.asarray(np.minimum((a * b + (1 << 30)) >> 31, INT32_MAX), np.int64)


def multiply_double_rounding(value: Int64, multiplier: Int64, shift: Int64) -> Int64:
    """``value * multiplier * 2**(shift - 31)``, rounded twice (MultiplyByQuantizedMultiplier).

    ``value`` is in the int32 range. Where ``value << shift`` leaves that range (refused at lowering,
    because C would wrap there) it saturates, so that the function stays monotone.
    """
    left, right = np.clip(shift, 0, 31), np.maximum(-shift, 0)
    shifted = np.clip(value << left, INT32_MIN, INT32_MAX)
    return rounding_shift_right(doubling_high_multiply(shifted, multiplier), right)


def multiply_single_rounding(value: Int64, multiplier: Int64, shift: Int64) -> Int64:
    """``value * multiplier * 2**(shift - 31)``, rounded once, ties upwards; ``value`` in the int32 range."""
    total = np.maximum(31 - shift, 1)
    return np.asarray((value * multiplier + (np.int64(1) << (total - 1))) >> total, np.int64)


def mean_round(total: Int64, count: Int64 | int) -> Int64:
    """``total / count`` to the nearest integer, ties away from zero, as AVERAGE_POOL_2D does it."""
    half = count // 2
    return np.asarray(np.where(total > 0, (total + half) // count, -((half - total) // count)), np.int64)
