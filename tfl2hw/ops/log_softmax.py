"""LOG_SOFTMAX over the last axis, in gemmlowp's fixed point.

TFLite has a second bound below which an output is -128, made from the logarithm: where it applies the
output is -128 anyway, so it is not here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from tfl2hw.ir.row_primitives import Int32, LogSoftmax
from tfl2hw.ops import constraints
from tfl2hw.ops.arithmetic import (
    INT32_MAX,
    doubling_high_multiply,
    quantize_multiplier,
    rounding_shift_right,
)
from tfl2hw.ops.exponential import FRACTION_BITS, exp_of_negative
from tfl2hw.ops.logarithm import logarithm
from tfl2hw.ops.node import Int8, Kind, Node, Numerics, called, int8, quantisation
from tfl2hw.ops.temporaries import Temporaries

SUM_SHIFT = 12  # exponentials are added in Q12.19
MAX_DEPTH = (1 << SUM_SHIFT) - 1
STEP_BITS = FRACTION_BITS - 4  # an output step is 1/16
SCALE, ZERO_POINT = 1 / 16, 127
LOWEST = 1 << (STEP_BITS + 8)
"""The distance from which every output is -128."""


def parse(table: Any) -> Mapping[str, Any]:
    """The operator has no options."""
    return {}


def logarithms(node: Node) -> str | None:
    """OFM has scale 1/16 and zero point 127, and the shape of the IFM."""
    ofm = quantisation(node.output)
    if (ofm.scale, ofm.zero_point) != (SCALE, ZERO_POINT):
        return f"{called(node.output)} has scale {ofm.scale:g} and zero point {ofm.zero_point}"
    return constraints.shape_mismatch(node, node.input(0).shape)


def depth(node: Node) -> str | None:
    """The last axis has 1 to 4095 elements."""
    shape = node.input(0).shape
    return None if shape and shape[-1] <= MAX_DEPTH else f"{called(node.input(0))} has shape {shape}"


def steep(node: Node) -> str | None:
    """Scale * 2**26 is above 1 (TFLite aborts below)."""
    scale = quantisation(node.input(0)).scale
    return None if scale * (1 << FRACTION_BITS) > 1 else f"scale {scale:g}"


def tables(node: Node) -> tuple[Int32, Int32]:
    """Exponentials (Q12.19) and distances (Q5.26) of d = 0 .. 255, as LogSoftmax wants them."""
    real = quantisation(node.input(0)).scale * (1 << FRACTION_BITS)
    multiplier, shift = quantize_multiplier(min(real, float(INT32_MAX)))
    steps = -np.arange(256, dtype=np.int64)
    inside = steps >= -((31 << FRACTION_BITS) >> shift)
    scaled = doubling_high_multiply(np.where(inside, steps, 0) << shift, multiplier)
    exponentials = np.where(inside, rounding_shift_right(exp_of_negative(scaled), SUM_SHIFT), 0)
    distances = np.where(inside, np.minimum(-scaled, LOWEST), LOWEST)
    return exponentials.astype(np.int32), distances.astype(np.int32)


def log_softmax_rows(
    rows: npt.NDArray[np.int64], exponentials: Int32, distances: Int32
) -> npt.NDArray[np.int64]:
    """Output bytes of ``rows`` (rows, depth) of input bytes."""
    below = rows.max(axis=1, keepdims=True) - rows
    total = exponentials.astype(np.int64)[below].sum(axis=1, keepdims=True)
    negated = (distances.astype(np.int64)[below] + logarithm(total) + (1 << (STEP_BITS - 1))) >> STEP_BITS
    return np.asarray(np.maximum(ZERO_POINT - negated, -128), np.int64)


def compute(primitive: LogSoftmax, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Output bytes (rows, depth) of a LogSoftmax from its input bytes (rows, depth)."""
    return log_softmax_rows(rows, primitive.exponentials, primitive.distances)


def reference(node: Node, inputs: Sequence[Int8], numerics: Numerics) -> Int8:
    """The logarithm of the softmax, in steps of 1/16 from 0 down."""
    shape = node.input(0).shape
    rows = inputs[0].reshape(-1, shape[-1]).astype(np.int64)
    return int8(log_softmax_rows(rows, *tables(node))).reshape(shape)


def lower(node: Node, numerics: Numerics, temporaries: Temporaries) -> tuple[LogSoftmax]:
    """A LogSoftmax."""
    shape = node.input(0).shape
    exponentials, distances = tables(node)
    return (
        LogSoftmax(
            op_index=node.operator.index,
            op=node.operator.op,
            input=node.input(0).index,
            output=node.output.index,
            rows=prod(shape[:-1]),
            depth=shape[-1],
            exponentials=exponentials,
            distances=distances,
        ),
    )


KIND = Kind(
    name="LOG_SOFTMAX",
    options="LogSoftmaxOptions",
    parse=parse,
    constraints=(
        constraints.arity(1, 1, "one IFM and one OFM"),
        constraints.int8_maps(1),
        depth,
        logarithms,
        steep,
    ),
    reference=reference,
    lower=lower,
    infer=lambda node: (node.input(0).shape,),
)
