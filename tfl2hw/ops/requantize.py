"""Operators that only move to another scale and zero point and clamp: QUANTIZE, RELU and its kin."""

from __future__ import annotations

import numpy as np

from tfl2hw.ir.primitives import Rescale
from tfl2hw.ops.activation import INT8_MAX, INT8_MIN, clamp_range
from tfl2hw.ops.node import Constraint, Kind, Node, Numerics, quantisation
from tfl2hw.ops.rescale import FixedPointRescale, IdentityRescale, fixed_point
from tfl2hw.ops.table_operator import Linear, linear_kind

LARGEST_RATIO = 1 << 22
"""Of scales: bytes times it stay in int32, where TFLite's shift to the left would wrap."""


def near_scales(node: Node) -> str | None:
    """IFM's scale is below 2**22 times OFM's."""
    ratio = quantisation(node.input(0)).scale / quantisation(node.output).scale
    return None if ratio < LARGEST_RATIO else f"scales with a ratio of {ratio:g}"


def scale_ratio(node: Node, single_precision: bool) -> float:
    """IFM's scale over OFM's, divided in float32 or in double."""
    above, below = quantisation(node.input(0)).scale, quantisation(node.output).scale
    return float(np.float32(above) / np.float32(below)) if single_precision else above / below


def requantize(node: Node, ratio: float, clamp: tuple[int, int] = (INT8_MIN, INT8_MAX)) -> FixedPointRescale:
    """From ``x - zero point`` to the output byte."""
    return fixed_point(np.array([ratio]), "double", quantisation(node.output).zero_point, clamp)


def _quantize(node: Node, numerics: Numerics) -> tuple[int, Rescale]:
    return quantisation(node.input(0)).zero_point, requantize(node, scale_ratio(node, single_precision=False))


def _activation(name: str) -> Linear:
    """LiteRT divides the scales in float32; TFLite Micro has RELU and RELU6 alone.

    What TFLite Micro does not run is taken from LiteRT.
    """

    def linear(node: Node, numerics: Numerics) -> tuple[int, Rescale]:
        if name == "RELU6" and numerics == "tflm":
            low, high = clamp_range(name, quantisation(node.input(0)))
            return 0, IdentityRescale(low=low, high=high)
        ratio = scale_ratio(node, single_precision=numerics == "litert-ref" or name != "RELU")
        clamp = clamp_range(name, quantisation(node.output))
        return quantisation(node.input(0)).zero_point, requantize(node, ratio, clamp)

    return linear


_NEAR: tuple[Constraint, ...] = (near_scales,)

QUANTIZE = linear_kind("QUANTIZE", _quantize, _NEAR)
RELU = linear_kind("RELU", _activation("RELU"), _NEAR)
RELU6 = linear_kind("RELU6", _activation("RELU6"), _NEAR)
RELU_N1_TO_1 = linear_kind("RELU_N1_TO_1", _activation("RELU_N1_TO_1"), _NEAR)
RELU_0_TO_1 = linear_kind("RELU_0_TO_1", _activation("RELU_0_TO_1"), _NEAR)
KINDS: tuple[Kind, ...] = (QUANTIZE, RELU, RELU6, RELU_N1_TO_1, RELU_0_TO_1)
