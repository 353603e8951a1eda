"""MUL: the elementwise product."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np
import numpy.typing as npt

from tfl2hw.ir.primitives import Primitive, Product
from tfl2hw.ops import constraints
from tfl2hw.ops.activation import clamp_range
from tfl2hw.ops.elementwise import elementwise_kind, lowering, parse_activation
from tfl2hw.ops.movement import broadcast_operand
from tfl2hw.ops.node import Node, Numerics, constant, quantisation
from tfl2hw.ops.rescale import FixedPointRescale, fixed_point
from tfl2hw.ops.shapes import map_shape
from tfl2hw.ops.table_operator import scaled_channels
from tfl2hw.ops.temporaries import Temporaries

Int64 = npt.NDArray[np.int64]

LARGEST_PRODUCT = 255 * 255


def fitting_products(node: Node) -> str | None:
    """The product of the operands' scales is below 2**15 times OFM's."""
    for numerics in ("litert-ref", "tflm"):
        real = multiplier(node, numerics)
        if not real < 1 << 15:
            return f"a multiplier of {real:g}"
    return None


def multiplier(node: Node, numerics: str) -> float:
    """``s1 * s2 / so``: in float32 in LiteRT, in double in TFLite Micro."""
    first, second, ofm = (quantisation(t).scale for t in (node.input(0), node.input(1), node.output))
    if numerics == "tflm":
        return first * second / ofm
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        return float(np.float32(first) * np.float32(second) / np.float32(ofm))


def rescale(node: Node, numerics: Numerics) -> FixedPointRescale:
    """From the product of what exceeds the zero points to the output byte."""
    ofm = quantisation(node.output)
    clamp = clamp_range(node.option("activation"), ofm)
    return fixed_point(np.array([multiplier(node, numerics)]), "double", ofm.zero_point, clamp)


def exact(node: Node, numerics: Numerics, first: Int64, second: Int64) -> Int64:
    """``clamp(rq((x1-z1) * (x2-z2)) + zo)``."""
    zeros = _zero_points(node)
    product = (first - zeros[0]) * (second - zeros[1])
    return rescale(node, numerics)(product, np.zeros_like(product))


def combine(
    node: Node, numerics: Numerics, maps: tuple[int, int], temporaries: Temporaries
) -> tuple[Product]:
    """A Product."""
    return (
        Product(
            op_index=node.operator.index,
            op=node.operator.op,
            inputs=maps,
            output=node.output.index,
            shape=map_shape(node.output.shape),
            zero_points=_zero_points(node),
            rescale=rescale(node, numerics),
        ),
    )


def lower(node: Node, numerics: Numerics, temporaries: Temporaries) -> Sequence[Primitive]:
    """A Depthwise where a constant has one value a channel, else a table or a Product."""
    zeros = _zero_points(node)
    for position in (0, 1):
        factors = channel_constant(node, position)
        if factors is not None:
            source, copies = broadcast_operand(node, 1 - position, temporaries)
            maps = (source, node.output.index)
            factors = factors - zeros[position]
            return (
                *copies,
                scaled_channels(node, maps, factors, zeros[1 - position], rescale(node, numerics)),
            )
    return _table_or_product(node, numerics, temporaries)


def channel_constant(node: Node, position: int) -> Int64 | None:
    """The values (channels,) of a constant operand that varies along the OFM's last axis alone, or None."""
    tensor, shape = node.input(position), node.output.shape
    if not tensor.is_constant or prod(tensor.shape) == 1 or tensor.shape[-1:] != shape[-1:]:
        return None
    values = constant(tensor).reshape(-1).astype(np.int64)
    return values if len(values) == shape[-1] else None


def _zero_points(node: Node) -> tuple[int, int]:
    return quantisation(node.input(0)).zero_point, quantisation(node.input(1)).zero_point


_table_or_product = lowering(exact, combine)

KIND = elementwise_kind(
    "MUL",
    exact,
    lower,
    (constraints.known_activation, fitting_products),
    "MulOptions",
    parse_activation,
)
