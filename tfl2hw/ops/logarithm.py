"""TFLite's fixed-point logarithm, as LOG_SOFTMAX uses it, on int64 arrays.

Source of the formula: TensorFlow Lite ``kernels/internal/common.h``
(log_x_for_x_greater_than_or_equal_to_1), checked against the interpreters.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tfl2hw.ops.arithmetic import doubling_high_multiply, rounding_shift_right
from tfl2hw.ops.exponential import one_over_one_plus

Int64 = npt.NDArray[np.int64]

INTEGER_BITS = 12  # of Q12.19, the argument's format
_EXPONENT_BIT = 25  # of Q6.25, the exponent's format
_QUARTER = 1 << (_EXPONENT_BIT - 2)
_LOG_2, _SQRT_HALF, _FOURTH_ROOT_OF_HALF = 1488522236, 1518500250, 1805811301  # Q0.31
_ALPHA_N, _ALPHA_D, _ALPHA_I, _ALPHA_F = 117049297, 127690142, 1057819769, 638450708


def logarithm(value: Int64) -> Int64:
    """Natural logarithm in Q5.26 of ``value`` in Q12.19, 1 <= value < 4096.

    The value is brought to r = sqrt(1/2) .. 1, of which a rational function gives the logarithm.
    """
    bits = np.frexp(value.astype(np.float64))[1].astype(np.int64)
    normal = value << (31 - bits)
    exponent = (bits + INTEGER_BITS - 31) << _EXPONENT_BIT
    # Compared before the value is normalised: the product's rounding decides some cases.
    upper = doubling_high_multiply(value, _SQRT_HALF) >> (bits - 1) > 0
    r = np.where(upper, normal, doubling_high_multiply(normal, _SQRT_HALF) << 1)
    exponent = exponent + np.where(upper, -_QUARTER, _QUARTER - (1 << _EXPONENT_BIT))
    return (_product(exponent, _LOG_2) + _log_of_normal(r)) << 1


def _log_of_normal(r: Int64) -> Int64:
    """``log(r * 2**(1/4))`` in Q6.25 of ``r`` in Q0.31."""
    p = (r + _FOURTH_ROOT_OF_HALF + 1) >> 1
    q = (r - _FOURTH_ROOT_OF_HALF) << 1
    square = _product(q, q)
    numerator = _product(q, r) + _product(_product(q, square), _ALPHA_N)
    denominator = _product(p, _ALPHA_I + q + _product(square, _ALPHA_D)) + _product(q, _ALPHA_F)
    return _product(rounding_shift_right(numerator, 6), one_over_one_plus(denominator))


_product = doubling_high_multiply
