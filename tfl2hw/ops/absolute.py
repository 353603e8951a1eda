"""ABS and NEG."""

from __future__ import annotations

import numpy as np

from tfl2hw.ops.activation import INT8_MIN
from tfl2hw.ops.node import Node, Numerics, quantisation
from tfl2hw.ops.requantize import near_scales, requantize, scale_ratio
from tfl2hw.ops.table_operator import Int64, every_byte, table_kind


def _abs(node: Node, numerics: Numerics) -> Int64:
    """``clamp(rq(|x - z|) + zo)``; of equal scales the requantisation is no change."""
    value = np.abs(every_byte() - quantisation(node.input(0)).zero_point)
    rescale = requantize(node, scale_ratio(node, single_precision=numerics == "litert-ref"))
    return rescale(value, np.zeros_like(value))


def _neg(node: Node, numerics: Numerics) -> Int64:
    """The raw byte's negation, -128 as it is: LiteRT looks at no scale here, TFLite Micro does not run it."""
    raw = every_byte()
    return np.where(raw == INT8_MIN, raw, -raw)


ABS = table_kind("ABS", _abs, (near_scales,))
NEG = table_kind("NEG", _neg)
