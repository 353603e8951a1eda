"""LOGISTIC and TANH: in float32 in LiteRT, in gemmlowp's fixed point in TFLite Micro."""

from __future__ import annotations

import math

import numpy as np

from tfl2hw.ops.activation import INT8_MAX, INT8_MIN
from tfl2hw.ops.arithmetic import (
    INT32_MAX,
    multiply_double_rounding,
    round_half_away,
    rounding_shift_right,
)
from tfl2hw.ops.constraints import documented
from tfl2hw.ops.exponential import exp_of_negative, one_minus_over_one_plus, one_over_one_plus
from tfl2hw.ops.float_functions import Float32, each, exponential, tabulated
from tfl2hw.ops.node import Constraint, Node, Numerics, called, quantisation
from tfl2hw.ops.table_operator import Int64, every_byte, table_kind

INTEGER_BITS = 4
FRACTION_BITS = 31 - INTEGER_BITS
SMALLEST_SCALE = 2.0**-FRACTION_BITS
LARGEST_SCALE = 2.0**35
"""From here on TFLite Micro shifts a number of 64 bits by 64 or more."""


def fixed_output(scale: float, zero_point: int) -> Constraint:
    """A constraint on OFM's quantisation and IFM's scale."""

    @documented(
        f"OFM has scale 1/{round(1 / scale)} and zero point {zero_point}; IFM's scale is above 2**-27 and "
        "below 2**35"
    )
    def check(node: Node) -> str | None:
        ifm, ofm = quantisation(node.input(0)), quantisation(node.output)
        if (ofm.scale, ofm.zero_point) != (scale, zero_point):
            return f"{called(node.output)} has scale {ofm.scale:g} and zero point {ofm.zero_point}"
        fits = SMALLEST_SCALE < ifm.scale < LARGEST_SCALE
        return None if fits else f"{called(node.input(0))} has scale {ifm.scale:g}"

    return check


def logistic(value: Int64) -> Int64:
    """``1 / (1 + exp(-value))`` in Q0.31 of ``value`` in Q4.27."""
    positive = one_over_one_plus(exp_of_negative(-np.abs(value), FRACTION_BITS))
    return np.where(value > 0, positive, np.where(value < 0, INT32_MAX - positive, 1 << 30))


def tanh(value: Int64) -> Int64:
    """``tanh(value)`` in Q0.31 of ``value`` in Q4.27."""
    positive = one_minus_over_one_plus(exp_of_negative(-np.abs(value), FRACTION_BITS - 1))
    return np.sign(value) * positive


def inputs(node: Node) -> tuple[Int64, Int64]:
    """Every byte in Q4.27, and its sign where it is beyond the format's range (else 0)."""
    ifm = quantisation(node.input(0))
    fraction, shift = math.frexp(ifm.scale * (1 << FRACTION_BITS))
    multiplier = round_half_away(fraction * (1 << 31))
    radius = math.floor(math.ldexp(((1 << INTEGER_BITS) - 1) << FRACTION_BITS, -shift))
    value = every_byte() - ifm.zero_point
    beyond = np.where(value <= -radius, -1, np.where(value >= radius, 1, 0))
    inside = np.where(beyond == 0, value, 0)
    scaled = multiply_double_rounding(inside, np.asarray(multiplier), np.asarray(shift))
    return scaled, beyond


def _logistic(node: Node, numerics: Numerics) -> Int64:
    if numerics == "litert-ref":
        return tabulated(_float_logistic)(node, numerics)
    value, beyond = inputs(node)
    inside = rounding_shift_right(logistic(value), 23) + INT8_MIN
    return _saturated(inside, beyond)


def _tanh(node: Node, numerics: Numerics) -> Int64:
    if numerics == "litert-ref":
        return tabulated(_float_tanh)(node, numerics)
    value, beyond = inputs(node)
    inside = rounding_shift_right(tanh(value), 24)
    return _saturated(inside, beyond)


def _saturated(inside: Int64, beyond: Int64) -> Int64:
    far = np.where(beyond < 0, INT8_MIN, INT8_MAX)
    return np.where(beyond == 0, np.clip(inside, INT8_MIN, INT8_MAX), far)


def _float_logistic(node: Node, values: Float32) -> Float32:
    one = np.float32(1)
    return one / (one + exponential(-values))


def _float_tanh(node: Node, values: Float32) -> Float32:
    return each(math.tanh, values)


LOGISTIC = table_kind("LOGISTIC", _logistic, (fixed_output(1 / 256, -128),))
TANH = table_kind("TANH", _tanh, (fixed_output(1 / 128, 0),))
