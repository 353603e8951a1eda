"""FULLY_CONNECTED: a matrix times each row of the input."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import numpy as np
import tflite

from tfl2hw.ir.primitives import Convolution, MapShape, MatMul, Rescale, Reshape
from tfl2hw.ops import constraints, options, weighted
from tfl2hw.ops.activation import clamp_range
from tfl2hw.ops.matrix_product import overflowing, product
from tfl2hw.ops.movement import operand
from tfl2hw.ops.node import Int8, Kind, Node, Numerics, called, constant, int8, quantisation
from tfl2hw.ops.rescale import RealRescale
from tfl2hw.ops.shapes import map_shape
from tfl2hw.ops.temporaries import Temporaries

OUTPUT_AXIS = 0
CONSTANT_WEIGHTS = weighted.constant_weights(rank=2, axis=OUTPUT_AXIS)
CONSTANT_ACCUMULATORS = weighted.fitting_accumulators(OUTPUT_AXIS)


def parse(table: Any) -> Mapping[str, Any]:
    """Activation, weight format and whether leading dimensions stay."""
    return {
        "activation": options.activation(table),
        "weights_format": options.enum_name(tflite.FullyConnectedOptionsWeightsFormat, table.WeightsFormat()),
        "keep_num_dims": bool(table.KeepNumDims()),
    }


def int8_rows(node: Node) -> str | None:
    """IFM and OFM are int8 with one finite scale above 0 and a zero point in -128..127; a constant IFM has
    constant weights.
    """
    for tensor in (node.input(0), node.output):
        wrong = constraints.not_quantised_int8(tensor)
        if wrong is not None:
            return f"{called(tensor)} {wrong}"
    if node.input(0).is_constant and not node.input(1).is_constant:
        return f"{called(node.input(0))} is a constant and {called(node.input(1))} is not"
    return f"{called(node.output)} is a constant" if node.output.is_constant else None


def plain_weights(node: Node) -> str | None:
    """The weight format is DEFAULT."""
    found = node.option("weights_format")
    return None if found == "DEFAULT" else f"weight format {found}"


def matrix_of_weights(node: Node) -> str | None:
    """Weights are int8 of rank 2: constants with zero points 0 and one scale, or one a channel of axis 0, or
    an activation with one scale, and then without a bias.
    """
    weights = node.input(1)
    if weights.is_constant:
        return CONSTANT_WEIGHTS(node)
    wrong = constraints.not_quantised_int8(weights)
    if wrong is not None or len(weights.shape) != 2:
        return f"{called(weights)} {wrong or f'has shape {weights.shape}'}"
    return None if node.get(2) is None else f"{called(weights)} is not constant and there is a bias"


def whole_rows(node: Node) -> str | None:
    """IFM is a whole number of rows as long as the weights' (its last axis, if leading axes are kept)."""
    shape, depth = node.input(0).shape, node.input(1).shape[1]
    if prod(shape) % depth or (node.option("keep_num_dims") and shape[-1:] != (depth,)):
        return f"{called(node.input(0))} has shape {shape}, the weights {node.input(1).shape}"
    return None


def inferred_shape(node: Node) -> str | None:
    """OFM has the shape that IFM and weights make: (rows, outputs), or the IFM's leading axes, if kept."""
    return constraints.shape_mismatch(node, infer(node)[0])


def infer(node: Node) -> tuple[tuple[int, ...], ...]:
    """OFM's shape."""
    ifm, (outputs, _) = node.input(0).shape, node.input(1).shape
    leading = ifm[:-1] if node.option("keep_num_dims") else (rows(node),)
    return ((*leading, outputs),)


def rows(node: Node) -> int:
    """How many rows the IFM has."""
    return prod(node.input(0).shape) // node.input(1).shape[1]


def fitting_accumulators(node: Node) -> str | None:
    """Accumulators stay in int32, shifted left by the multiplier's exponent too, for every input."""
    ifm, weights = node.input(0), node.input(1)
    if weights.is_constant:
        return CONSTANT_ACCUMULATORS(node)
    operands = quantisation(ifm), quantisation(weights)
    return overflowing(weights.shape[1], operands, weighted.rescale(node, "double"))


def rescale(node: Node, numerics: Numerics) -> Rescale:
    """From accumulator to output byte; litert-ref multiplies by the real scale in double precision."""
    if numerics == "tflm":
        return weighted.rescale(node, "double")
    ifm, weights, ofm = (quantisation(t) for t in (node.input(0), node.input(1), node.output))
    reals = ifm.scale * np.array(weights.scales, np.float64) / ofm.scale
    low, high = clamp_range(node.option("activation"), ofm)
    return RealRescale(real=reals, zero_point=ofm.zero_point, low=low, high=high)


def reference(node: Node, inputs: Sequence[Int8], numerics: Numerics) -> Int8:
    """``clamp(requantize(bias + sum((x - zp) * (w - zw))) + zp_out)``."""
    weights = inputs[1].astype(np.int64) - quantisation(node.input(1)).zero_point
    values = inputs[0].reshape(rows(node), weights.shape[1]).astype(np.int64)
    total = product(values - quantisation(node.input(0)).zero_point, weights.T)
    total += weighted.bias_values(node, len(weights))
    return int8(rescale(node, numerics)(total, np.arange(len(weights)))).reshape(node.output.shape)


def lower(
    node: Node, numerics: Numerics, temporaries: Temporaries
) -> tuple[Reshape | Convolution | MatMul, ...]:
    """A Convolution with a 1x1 kernel over a row of pixels, or a MatMul where the weights are an activation.

    A Reshape goes before where the IFM's rows are of another length.
    """
    ifm, weights = node.input(0), node.input(1)
    source, before = operand(ifm, temporaries), tuple[Reshape, ...]()
    if ifm.shape[-1:] != weights.shape[1:]:
        source, before = reshaped(node, source, (1, rows(node), weights.shape[1]), temporaries)
    layer = _convolution(node, numerics, source) if weights.is_constant else _matmul(node, numerics, source)
    return (*before, layer)


def _convolution(node: Node, numerics: Numerics, source: int) -> Convolution:
    weights = constant(node.input(1))
    return Convolution(
        op_index=node.operator.index,
        op=node.operator.op,
        input=source,
        output=node.output.index,
        input_shape=(1, rows(node), weights.shape[1]),
        output_shape=(1, rows(node), len(weights)),
        weights=weights[:, np.newaxis, np.newaxis, :],
        bias=weighted.folded_bias(node, OUTPUT_AXIS),
        stride=(1, 1),
        dilation=(1, 1),
        padding=(0, 0),
        pad_value=quantisation(node.input(0)).zero_point,
        rescale=rescale(node, numerics),
    )


def _matmul(node: Node, numerics: Numerics, source: int) -> MatMul:
    weights = node.input(1)
    return MatMul(
        op_index=node.operator.index,
        op=node.operator.op,
        inputs=(source, weights.index),
        output=node.output.index,
        rows=rows(node),
        columns=weights.shape[0],
        depth=weights.shape[1],
        zero_points=(quantisation(node.input(0)).zero_point, quantisation(weights).zero_point),
        rescale=rescale(node, numerics),
    )


def reshaped(
    node: Node, source: int, shape: MapShape, temporaries: Temporaries
) -> tuple[int, tuple[Reshape, ...]]:
    """A temporary map of ``shape`` with the bytes of the IFM's map ``source``, and the Reshape into it."""
    index = temporaries.map(shape)
    primitive = Reshape(
        op_index=node.operator.index,
        op=node.operator.op,
        input=source,
        output=index,
        input_shape=map_shape(node.input(0).shape),
        output_shape=shape,
    )
    return index, (primitive,)


KIND = Kind(
    name="FULLY_CONNECTED",
    options="FullyConnectedOptions",
    parse=parse,
    constraints=(
        constraints.arity(2, 3, "inputs are IFM, weights and optionally a bias; one OFM"),
        int8_rows,
        matrix_of_weights,
        weighted.constant_bias(OUTPUT_AXIS),
        constraints.known_activation,
        plain_weights,
        whole_rows,
        inferred_shape,
        fitting_accumulators,
    ),
    reference=reference,
    lower=lower,
    infer=infer,
)
