"""RSQRT: one over the square root, in gemmlowp's fixed point."""

from __future__ import annotations

import math

import numpy as np

from tfl2hw.ops.activation import INT8_MAX, INT8_MIN
from tfl2hw.ops.arithmetic import (
    INT32_MAX,
    doubling_high_multiply,
    multiply_double_rounding,
    quantize_multiplier,
    rounding_shift_right,
)
from tfl2hw.ops.float_functions import lowest_zero_point
from tfl2hw.ops.node import Node, Numerics, quantisation
from tfl2hw.ops.table_operator import Int64, every_byte, table_kind

KEPT_BITS = 20
_HALF_THREE = 3 << 27  # Q3.28
_HALF_SQRT_2 = 1518500250  # Q0.31


def plain_multiplier(node: Node) -> str | None:
    """``1 / (sqrt(IFM's scale) * OFM's scale)`` is in 2**-10 .. 2**20."""
    real = _multiplier(node, "tflm")
    return None if 2.0**-10 < real < 1 << KEPT_BITS else f"a multiplier of {real:g}"


def inverse_square_root(value: int) -> tuple[int, int]:
    """``1 / sqrt(value)`` as ``(m, s)``, near ``m * 2**(s - 31)``, of ``value`` in 1 .. 2**29 - 1."""
    if value == 1:
        return INT32_MAX, 0
    pairs = (31 - value.bit_length()) // 2 - 1
    operand = np.asarray((value << 2 * pairs) >> 1, np.int64)
    half, x = rounding_shift_right(operand, 1), np.asarray(1 << 28, np.int64)
    for _ in range(5):
        cube = doubling_high_multiply(doubling_high_multiply(x, x), x) << 6
        x = (doubling_high_multiply(x, _HALF_THREE) - doubling_high_multiply(half, cube)) << 3
    return int(doubling_high_multiply(x, _HALF_SQRT_2)), pairs - 11


def table(node: Node, numerics: Numerics) -> Int64:
    """``clamp(rq(1 / sqrt(x - z)) + zo)``, the root with 20 bits kept; 127 for x = z."""
    multiplier, shift = (np.asarray(n) for n in quantize_multiplier(_multiplier(node, numerics)))
    steps = every_byte() - quantisation(node.input(0)).zero_point
    one, results = np.asarray(1, np.int64), []
    for step in steps:
        if step <= 0:
            results.append(INT8_MAX)
            continue
        root, exponent = inverse_square_root(int(step))
        kept = multiply_double_rounding(one, np.asarray(root), np.asarray(exponent + KEPT_BITS))
        scaled = multiply_double_rounding(kept, multiplier, shift - KEPT_BITS)
        results.append(int(scaled) + quantisation(node.output).zero_point)
    return np.clip(np.array(results, np.int64), INT8_MIN, INT8_MAX)


def _multiplier(node: Node, numerics: str) -> float:
    """In LiteRT the product of the root and the scale is a float32, in TFLite Micro a double."""
    ifm, ofm = quantisation(node.input(0)).scale, quantisation(node.output).scale
    if numerics == "tflm":
        return 1 / (math.sqrt(ifm) * ofm)
    return 1 / float(np.sqrt(np.float32(ifm)) * np.float32(ofm))


KIND = table_kind("RSQRT", table, (lowest_zero_point, plain_multiplier))
