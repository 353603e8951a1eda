"""L2_NORMALIZATION over the last axis: each row divided by its Euclidean length.

Source of the formula: TensorFlow Lite ``kernels/internal/common.h``
(GetInvSqrtQuantizedMultiplierExp), checked against the interpreters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from tfl2hw.ir.row_primitives import L2Normalize
from tfl2hw.ops import constraints, options
from tfl2hw.ops.arithmetic import doubling_high_multiply, multiply_double_rounding
from tfl2hw.ops.node import Int8, Kind, Node, Numerics, called, int8, quantisation
from tfl2hw.ops.temporaries import Temporaries

Int64 = npt.NDArray[np.int64]

SCALE = 1 / 128
NORMAL_BITS = 29
"""The sum of squares is taken to 2**27 .. 2**29 by factors of four."""
MAX_DEPTH = (1 << NORMAL_BITS) // 255**2
NEWTON_STEPS = 5
_ONE, _ONE_AND_A_HALF = 1 << 28, 3 << 27  # Q3.28
_SQRT_HALF = 1518500250  # Q0.31


def parse(table: Any) -> Mapping[str, Any]:
    """The fused activation, which must be none."""
    return {"activation": options.activation(table)}


def unfused(node: Node) -> str | None:
    """The fused activation is NONE (TFLite refuses others)."""
    activation = node.option("activation")
    return None if activation == "NONE" else f"fused activation {activation}"


def unit_vectors(node: Node) -> str | None:
    """OFM has scale 1/128 and zero point 0, and the shape of the IFM."""
    ofm = quantisation(node.output)
    if (ofm.scale, ofm.zero_point) != (SCALE, 0):
        return f"{called(node.output)} has scale {ofm.scale:g} and zero point {ofm.zero_point}"
    return constraints.shape_mismatch(node, node.input(0).shape)


def depth(node: Node) -> str | None:
    """IFM has rank 1 to 4 and a last axis of 1 to 8256 elements."""
    shape = node.input(0).shape
    fits = 1 <= len(shape) <= 4 and shape[-1] <= MAX_DEPTH
    return None if fits else f"{called(node.input(0))} has shape {shape}"


def inverse_root(total: Int64) -> tuple[Int64, Int64]:
    """``1 / sqrt(total)`` as ``(m, s)``, m * 2**(s - 31), of 0 <= total < 2**29; of 1 for total 0."""
    bits = np.frexp(np.maximum(total, 2).astype(np.float64))[1].astype(np.int64)
    pairs = (NORMAL_BITS - bits) >> 1
    normal = np.maximum(total, 2) << (2 * pairs)
    half = ((normal >> 1) + 1) >> 1
    x = np.full_like(total, _ONE)
    for _ in range(NEWTON_STEPS):
        cube = doubling_high_multiply(doubling_high_multiply(x, x), x) << 6
        x = (doubling_high_multiply(x, _ONE_AND_A_HALF) - doubling_high_multiply(cube, half)) << 3
    shift = pairs - 11
    multiplier = doubling_high_multiply(x, _SQRT_HALF) << np.maximum(shift, 0)
    small = total <= 1
    return np.where(small, (1 << 31) - 1, multiplier), np.where(small, 0, np.minimum(shift, 0))


def l2_normalize_rows(rows: Int64, zero_point: int) -> Int64:
    """Output bytes of ``rows`` (rows, depth) of input bytes."""
    values = rows - zero_point
    multiplier, shift = inverse_root((values**2).sum(axis=1, keepdims=True))
    return np.clip(multiply_double_rounding(values, multiplier, shift + 7), -128, 127)


def compute(primitive: L2Normalize, rows: Int64) -> Int64:
    """Output bytes (rows, depth) of an L2Normalize from its input bytes (rows, depth)."""
    return l2_normalize_rows(rows, primitive.zero_point)


def reference(node: Node, inputs: Sequence[Int8], numerics: Numerics) -> Int8:
    """Each row over its length, in steps of 1/128."""
    shape = node.input(0).shape
    rows = inputs[0].reshape(-1, shape[-1]).astype(np.int64)
    return int8(l2_normalize_rows(rows, quantisation(node.input(0)).zero_point)).reshape(shape)


def lower(node: Node, numerics: Numerics, temporaries: Temporaries) -> tuple[L2Normalize]:
    """An L2Normalize."""
    shape = node.input(0).shape
    return (
        L2Normalize(
            op_index=node.operator.index,
            op=node.operator.op,
            input=node.input(0).index,
            output=node.output.index,
            rows=prod(shape[:-1]),
            depth=shape[-1],
            zero_point=quantisation(node.input(0)).zero_point,
        ),
    )


KIND = Kind(
    name="L2_NORMALIZATION",
    options="L2NormOptions",
    parse=parse,
    constraints=(
        constraints.arity(1, 1, "one IFM and one OFM"),
        constraints.int8_maps(1),
        unfused,
        depth,
        unit_vectors,
    ),
    reference=reference,
    lower=lower,
    infer=lambda node: (node.input(0).shape,),
)
