"""LEAKY_RELU: negative values times a factor."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from tfl2hw.ops.activation import INT8_MAX, INT8_MIN
from tfl2hw.ops.arithmetic import multiply_double_rounding, quantize_multiplier
from tfl2hw.ops.node import Node, Numerics, quantisation
from tfl2hw.ops.requantize import LARGEST_RATIO, near_scales, scale_ratio
from tfl2hw.ops.table_operator import Int64, every_byte, table_kind


def parse(table: Any) -> Mapping[str, Any]:
    """The factor."""
    return {"alpha": float(table.Alpha())}


def plain_factor(node: Node) -> str | None:
    """Alpha is 0 or more, and alpha times the IFM's scale is below 2**22 times OFM's."""
    alpha = node.option("alpha")
    fine = math.isfinite(alpha) and alpha >= 0 and _negative_ratio(node) < LARGEST_RATIO
    return None if fine else f"alpha {alpha:g}"


def _negative_ratio(node: Node) -> float:
    """``s_in * alpha / s_out`` in float32."""
    scale, alpha = np.float32(quantisation(node.input(0)).scale), np.float32(node.option("alpha"))
    with np.errstate(over="ignore"):
        return float(scale * alpha / np.float32(quantisation(node.output).scale))


def table(node: Node, numerics: Numerics) -> Int64:
    """``clamp(rq(x - z, x < z ? s_in * alpha / s_out : s_in / s_out) + zo)``, ratios in float32."""
    value = every_byte() - quantisation(node.input(0)).zero_point
    parts = [
        multiply_double_rounding(value, *(np.asarray(each, np.int64) for each in quantize_multiplier(ratio)))
        for ratio in (scale_ratio(node, single_precision=True), _negative_ratio(node))
    ]
    chosen = np.where(value >= 0, *parts)
    return np.clip(np.asarray(chosen, np.int64) + quantisation(node.output).zero_point, INT8_MIN, INT8_MAX)


KIND = table_kind("LEAKY_RELU", table, (near_scales, plain_factor), options="LeakyReluOptions", parse=parse)
