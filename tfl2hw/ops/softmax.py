"""SOFTMAX over the last axis, in gemmlowp's fixed point.

Where the exponentials add up to 512 or more (near-uniform inputs deeper than 511), the interpreters'
own assertions abort them: such a row has no result that could be met. So the depth itself needs no
limit: the sum is Q12.19, which has room for 4096, and every row that has a result stays below 512,
however deep it is. Beyond, the formula goes on here, with a sum that saturates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from tfl2hw.ir.primitives import Int32, Softmax
from tfl2hw.ops import constraints
from tfl2hw.ops.arithmetic import (
    INT32_MAX,
    doubling_high_multiply,
    quantize_multiplier,
    rounding_shift_right,
)
from tfl2hw.ops.exponential import FRACTION_BITS, exp_of_negative, one_over_one_plus
from tfl2hw.ops.node import Int8, Kind, Node, Numerics, called, int8, quantisation
from tfl2hw.ops.temporaries import Temporaries

SUM_SHIFT = 12  # exponentials are added in Q12.19
SUM_MAX = (1 << 31) - 1


def parse(table: Any) -> Mapping[str, Any]:
    """The factor before the exponent."""
    return {"beta": float(table.Beta())}


def probabilities(node: Node) -> str | None:
    """OFM has scale 1/256 and zero point -128, and the shape of the IFM."""
    ofm = quantisation(node.output)
    if (ofm.scale, ofm.zero_point) != (1 / 256, -128):
        return f"{called(node.output)} has scale {ofm.scale:g} and zero point {ofm.zero_point}"
    return constraints.shape_mismatch(node, node.input(0).shape)


def depth(node: Node) -> str | None:
    """The last axis has 1 or more elements."""
    shape = node.input(0).shape
    return None if shape and shape[-1] >= 1 else f"{called(node.input(0))} has shape {shape}"


def steep(node: Node) -> str | None:
    """Beta * scale * 2**26 is above 1 (TFLite aborts below)."""
    real = _real_multiplier(node)
    return None if real > 1 else f"beta {node.option('beta'):g}, scale {quantisation(node.input(0)).scale:g}"


def exponentials(node: Node) -> Int32:
    """``exp(-d * beta * scale)`` in Q0.31 for d = 0 .. 255, 0 beyond the range of the fixed point."""
    multiplier, shift = quantize_multiplier(min(_real_multiplier(node), float(INT32_MAX)))
    steps = -np.arange(256, dtype=np.int64)
    diff_min = -((31 << FRACTION_BITS) >> shift)
    inside = steps >= diff_min
    scaled = doubling_high_multiply(np.where(inside, steps, 0) << shift, multiplier)
    return np.where(inside, exp_of_negative(scaled), 0).astype(np.int32)


def softmax_rows(rows: npt.NDArray[np.int64], table: Int32) -> npt.NDArray[np.int64]:
    """Output bytes of ``rows`` (rows, depth) of input bytes, from the exponentials' table."""
    values = table.astype(np.int64)[rows.max(axis=1, keepdims=True) - rows]
    total = rounding_shift_right(values, SUM_SHIFT).sum(axis=1, keepdims=True)
    total = np.minimum(total, SUM_MAX)
    headroom = 32 - np.frexp(total.astype(np.float64))[1].astype(np.int64)
    reciprocal = one_over_one_plus((total << headroom) - (1 << 31))
    product = doubling_high_multiply(reciprocal, values)
    return np.clip(rounding_shift_right(product, SUM_SHIFT - headroom + 23) - 128, -128, 127)


def reference(node: Node, inputs: Sequence[Int8], numerics: Numerics) -> Int8:
    """The exponentials over their sum, in bytes of 1/256."""
    shape = node.input(0).shape
    rows = inputs[0].reshape(-1, shape[-1]).astype(np.int64)
    return int8(softmax_rows(rows, exponentials(node))).reshape(shape)


def lower(node: Node, numerics: Numerics, temporaries: Temporaries) -> tuple[Softmax]:
    """A Softmax."""
    shape = node.input(0).shape
    return (
        Softmax(
            op_index=node.operator.index,
            op=node.operator.op,
            input=node.input(0).index,
            output=node.output.index,
            rows=prod(shape[:-1]),
            depth=shape[-1],
            exponentials=exponentials(node),
        ),
    )


def _real_multiplier(node: Node) -> float:
    return float(node.option("beta")) * quantisation(node.input(0)).scale * (1 << FRACTION_BITS)


KIND = Kind(
    name="SOFTMAX",
    options="SoftmaxOptions",
    parse=parse,
    constraints=(
        constraints.arity(1, 1, "one IFM and one OFM"),
        constraints.int8_maps(1),
        depth,
        probabilities,
        steep,
    ),
    reference=reference,
    lower=lower,
    infer=lambda node: (node.input(0).shape,),
)
