"""PRELU: negative values times factors that are constants of the model."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np
import numpy.typing as npt

from tfl2hw.ir.primitives import Depthwise, Primitive, Product, TableSum
from tfl2hw.ops.activation import INT8_MAX, INT8_MIN
from tfl2hw.ops.elementwise import elementwise_kind
from tfl2hw.ops.movement import broadcast_operand
from tfl2hw.ops.mul import channel_constant
from tfl2hw.ops.node import Node, Numerics, called, constant, quantisation
from tfl2hw.ops.requantize import near_scales, requantize, scale_ratio
from tfl2hw.ops.rescale import FixedPointRescale, IdentityRescale
from tfl2hw.ops.shapes import map_shape
from tfl2hw.ops.table_operator import every_byte, scaled_channels, table_sum
from tfl2hw.ops.temporaries import Temporaries

Int64 = npt.NDArray[np.int64]


def constant_alpha(node: Node) -> str | None:
    """Alpha (input 1) is a constant, and OFM has the shape of the IFM."""
    if node.input(0).is_constant or not node.input(1).is_constant:
        return f"{called(node.input(1))} is {'' if node.input(1).is_constant else 'not '}constant"
    same = node.input(0).shape == node.output.shape
    return None if same else f"IFM {node.input(0).shape} and alpha {node.input(1).shape}"


def fitting_products(node: Node) -> str | None:
    """Alpha's scale times the IFM's is below 2**15 times OFM's."""
    for numerics in ("litert-ref", "tflm"):
        real = _negative_ratio(node, numerics)
        if not real < 1 << 15:
            return f"a multiplier of {real:g}"
    return None


def exact(node: Node, numerics: Numerics, first: Int64, second: Int64) -> Int64:
    """``clamp(rq(x < z ? (x-z) * (alpha-za) : x-z) + zo)``, each with its own multiplier."""
    above, below = _rescales(node, numerics)
    value = first - quantisation(node.input(0)).zero_point
    product = value * (second - quantisation(node.input(1)).zero_point)
    positive, negative = (
        rescale(each, np.zeros_like(each)) for rescale, each in ((above, value), (below, product))
    )
    return np.where(value >= 0, positive, negative)


def lower(node: Node, numerics: Numerics, temporaries: Temporaries) -> Sequence[Primitive]:
    """A table for a single factor; else the positive and the negative part apart, then their sum.

    The negative part is the product of the factors with ``min(x, zero point)``. Each part is OFM's zero
    point where the other one counts.
    """
    alpha, source = node.input(1), node.input(0).index
    if prod(alpha.shape) == 1:
        factor = constant(alpha).reshape(-1).astype(np.int64)
        return (table_sum(node, source, exact(node, numerics, every_byte(), factor)),)
    shape = map_shape(node.output.shape)
    low, negative = temporaries.map(shape), temporaries.map(shape)
    zero = quantisation(node.input(0)).zero_point
    ones = np.ones(shape[2], np.int64)
    return (
        scaled_channels(node, (source, low), ones, 0, IdentityRescale(high=zero)),
        *_negative_part(node, numerics, temporaries, (low, negative)),
        _sum(node, numerics, negative),
    )


def _negative_part(
    node: Node, numerics: Numerics, temporaries: Temporaries, maps: tuple[int, int]
) -> tuple[Primitive, ...]:
    """The products of the map ``maps[0]``: a Depthwise where a channel has one factor, else a Product."""
    _, rescale = _rescales(node, numerics)
    zeros = (quantisation(node.input(0)).zero_point, quantisation(node.input(1)).zero_point)
    factors = channel_constant(node, 1)
    if factors is not None:
        depthwise: Depthwise = scaled_channels(node, maps, factors - zeros[1], zeros[0], rescale)
        return (depthwise,)
    alphas, copies = broadcast_operand(node, 1, temporaries)
    product = Product(
        op_index=node.operator.index,
        op=node.operator.op,
        inputs=(maps[0], alphas),
        output=maps[1],
        shape=map_shape(node.output.shape),
        zero_points=zeros,
        rescale=rescale,
    )
    return (*copies, product)


def _sum(node: Node, numerics: Numerics, negative: int) -> TableSum:
    above, _ = _rescales(node, numerics)
    value = np.maximum(every_byte() - quantisation(node.input(0)).zero_point, 0)
    positive = above(value, np.zeros_like(value)) - quantisation(node.output).zero_point
    return TableSum(
        op_index=node.operator.index,
        op=node.operator.op,
        inputs=(node.input(0).index, negative),
        output=node.output.index,
        shape=map_shape(node.output.shape),
        tables=np.stack([positive, every_byte()]),
        rescale=IdentityRescale(),
    )


def _rescales(node: Node, numerics: Numerics) -> tuple[FixedPointRescale, FixedPointRescale]:
    """Of ``x - z``, and of its product with a factor."""
    above = scale_ratio(node, single_precision=numerics == "litert-ref")
    clamp = (INT8_MIN, INT8_MAX)
    return requantize(node, above, clamp), requantize(node, _negative_ratio(node, numerics), clamp)


def _negative_ratio(node: Node, numerics: str) -> float:
    """``s_in * s_alpha / s_out``: in float32 in LiteRT, in double in TFLite Micro."""
    first, second, ofm = (quantisation(t).scale for t in (node.input(0), node.input(1), node.output))
    if numerics == "tflm":
        return first * second / ofm
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        return float(np.float32(first) * np.float32(second) / np.float32(ofm))


KIND = elementwise_kind("PRELU", exact, lower, (constant_alpha, near_scales, fitting_products))
