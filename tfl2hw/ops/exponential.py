"""gemmlowp's fixed-point exponential and what is made of it, on int64 arrays."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tfl2hw.ops.arithmetic import INT32_MAX, INT32_MIN, doubling_high_multiply, rounding_shift_right

Int64 = npt.NDArray[np.int64]

FRACTION_BITS = 26  # of Q5.26, the exponent's format
_EXP_MINUS_EIGHTH = 1895147668
_ONE_THIRD = 715827883
_EXP_MINUS_POWERS = (1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242)
"""exp(-2**k) in Q0.31 for k = -2 .. 4."""
_48_OVER_17, _MINUS_32_OVER_17 = 1515870810, -1010580540  # Q2.29


def exp_of_negative(value: Int64, fraction_bits: int = FRACTION_BITS) -> Int64:
    """``exp(value)`` in Q0.31 of ``value`` <= 0 in an int32 format (exp_on_negative_values)."""
    quarter = 1 << (fraction_bits - 2)
    below_quarter = (value & (quarter - 1)) - quarter
    result = _exp_minus_quarter_to_0(below_quarter << (31 - fraction_bits))
    remainder = below_quarter - value
    for k, factor in enumerate(_EXP_MINUS_POWERS, start=-2):
        bit = (remainder >> (fraction_bits + k)) & 1
        result = np.where(bit == 1, doubling_high_multiply(result, factor), result)
    return np.asarray(np.where(value == 0, INT32_MAX, result), np.int64)


def _exp_minus_quarter_to_0(value: Int64) -> Int64:
    """``exp(value)`` in Q0.31 of a ``value`` in -1/4 .. 0 in Q0.31: a Taylor series around -1/8."""
    x = value + (1 << 28)
    x2 = doubling_high_multiply(x, x)
    x3 = doubling_high_multiply(x2, x)
    x4_over_4 = rounding_shift_right(doubling_high_multiply(x2, x2), 2)
    inner = doubling_high_multiply(x4_over_4 + x3, _ONE_THIRD) + x2
    series = x + rounding_shift_right(inner, 1)
    return _EXP_MINUS_EIGHTH + doubling_high_multiply(series, _EXP_MINUS_EIGHTH)


def one_over_one_plus(value: Int64) -> Int64:
    """``1 / (1 + value)`` in Q0.31 of ``value`` in 0 .. 1 in Q0.31."""
    return _saturate(_two_over_one_plus(value) << 1)


def one_minus_over_one_plus(value: Int64) -> Int64:
    """``(1 - value) / (1 + value)`` in Q0.31 of ``value`` in 0 .. 1 in Q0.31."""
    return _saturate((_two_over_one_plus(value) - (1 << 29)) << 2)


def _two_over_one_plus(value: Int64) -> Int64:
    """``2 / (1 + value)`` in Q2.29, by three Newton steps."""
    half_denominator = (value + INT32_MAX + 1) >> 1
    x = _48_OVER_17 + doubling_high_multiply(half_denominator, _MINUS_32_OVER_17)
    for _ in range(3):
        error = (1 << 29) - doubling_high_multiply(half_denominator, x)
        x = x + _saturate(doubling_high_multiply(x, error) << 2)
    return x


def _saturate(value: Int64) -> Int64:
    return np.clip(value, INT32_MIN, INT32_MAX)
