"""HARD_SWISH: ``x * min(max(x + 3, 0), 6) / 6``, in TFLite's 16-bit fixed point."""

from __future__ import annotations

import numpy as np

from tfl2hw.ops.activation import INT8_MAX, INT8_MIN
from tfl2hw.ops.arithmetic import INT32_MAX, quantize_multiplier, rounding_shift_right
from tfl2hw.ops.node import Node, Numerics, quantisation
from tfl2hw.ops.table_operator import Int64, every_byte, table_kind

HIGH_RESOLUTION_BITS = 7
_INT16_MIN, _INT16_MAX = -(1 << 15), (1 << 15) - 1


def fixed_point_scales(node: Node) -> str | None:
    """IFM's scale is below 128 times OFM's, 1/512 of it or more, and in 2**-21 .. 192."""
    (_, output), (_, gate) = _multipliers(node)
    ifm, ofm = quantisation(node.input(0)), quantisation(node.output)
    fine = -15 <= output <= 0 and -14 <= gate <= 14
    return None if fine else f"scales {ifm.scale:g} and {ofm.scale:g}"


def table(node: Node, numerics: Numerics) -> Int64:
    """The gate in Q0.15, moved from -1 .. 1 to 0 .. 1, times the operand at the output's scale."""
    (multiplier, exponent), (gate_multiplier, gate_exponent) = _multipliers(node)
    value = (every_byte() - quantisation(node.input(0)).zero_point) << HIGH_RESOLUTION_BITS
    scaled = _high_multiply(value, multiplier)
    gate = value
    if gate_exponent > 0:
        gate = _int16(gate << (gate_exponent - 1))
    gate = _high_multiply(gate, gate_multiplier)
    if gate_exponent > 0:
        gate = _int16(gate << 1)
    gate = (rounding_shift_right(gate, max(-gate_exponent, 0)) + (1 << 15)) >> 1
    product = gate * scaled
    truncated = np.sign(product) * (np.abs(product) >> 15)
    result = rounding_shift_right(truncated, -exponent) + quantisation(node.output).zero_point
    return np.clip(result, INT8_MIN, INT8_MAX)


def _multipliers(node: Node) -> tuple[tuple[int, int], tuple[int, int]]:
    """Multipliers of 15 bits with their exponents: to the output's scale, and to that of the gate."""
    ifm, ofm = np.float32(quantisation(node.input(0)).scale), np.float32(quantisation(node.output).scale)
    fine = np.float32(1 / (1 << HIGH_RESOLUTION_BITS)) * ifm
    with np.errstate(over="ignore", divide="ignore"):
        ratios = (fine / ofm, fine / (np.float32(3) / np.float32(1 << 15)))
    output, gate = (quantize_multiplier(min(float(ratio), 2.0**60)) for ratio in ratios)
    return (_upper_half(output[0]), output[1]), (_upper_half(gate[0]), gate[1])


def _upper_half(multiplier: int) -> int:
    half = 1 << 15
    return _INT16_MAX if multiplier >= INT32_MAX - half else (multiplier + half) >> 16


def _high_multiply(values: Int64, multiplier: int) -> Int64:
    """``round(values * multiplier / 2**15)``, ties upwards."""
    return np.asarray((values * multiplier + (1 << 14)) >> 15, np.int64)


def _int16(values: Int64) -> Int64:
    return np.clip(values, _INT16_MIN, _INT16_MAX)


KIND = table_kind("HARD_SWISH", table, (fixed_point_scales,))
