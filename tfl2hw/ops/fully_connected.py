"""FULLY_CONNECTED: a matrix times each row of the input."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import numpy as np
import tflite

from tfl2hw.ir.graph import Tensor
from tfl2hw.ir.primitives import Convolution, MapShape, Reshape
from tfl2hw.ops import constraints, options, weighted
from tfl2hw.ops.node import Int8, Kind, Node, Numerics, Temporaries, called, constant, int8, quantisation
from tfl2hw.ops.rescale import Rounding
from tfl2hw.ops.shapes import map_shape

OUTPUT_AXIS = 0
ROUNDING: Mapping[Numerics, Rounding] = {"litert-ref": "single", "tflm": "double"}
"""The one place where the two numerics differ."""


def parse(table: Any) -> Mapping[str, Any]:
    """Activation, weight format and whether leading dimensions stay."""
    return {
        "activation": options.activation(table),
        "weights_format": options.enum_name(tflite.FullyConnectedOptionsWeightsFormat, table.WeightsFormat()),
        "keep_num_dims": bool(table.KeepNumDims()),
    }


def plain_weights(node: Node) -> str | None:
    """The weight format is DEFAULT."""
    found = node.option("weights_format")
    return None if found == "DEFAULT" else f"weight format {found}"


def whole_rows(node: Node) -> str | None:
    """IFM is a whole number of rows as long as the weights' (its last axis, if leading axes are kept)."""
    shape, depth = node.input(0).shape, node.input(1).shape[1]
    if prod(shape) % depth or (node.option("keep_num_dims") and shape[-1:] != (depth,)):
        return f"{called(node.input(0))} has shape {shape}, the weights {node.input(1).shape}"
    return None


def inferred_shape(node: Node) -> str | None:
    """OFM has the shape that IFM and weights make: (rows, outputs), or the IFM's leading axes, if kept."""
    ifm, (outputs, _) = node.input(0).shape, node.input(1).shape
    leading = ifm[:-1] if node.option("keep_num_dims") else (rows(node),)
    return constraints.shape_mismatch(node, (*leading, outputs))


def rows(node: Node) -> int:
    """How many rows the IFM has."""
    return prod(node.input(0).shape) // node.input(1).shape[1]


def reference(node: Node, inputs: Sequence[Int8], numerics: Numerics) -> Int8:
    """``clamp(requantize(bias + sum((x - zp) * w)) + zp_out)``; single rounding in litert-ref."""
    weights = constant(node.input(1))
    values = inputs[0].reshape(rows(node), weights.shape[1]).astype(np.float64)
    total = (values - quantisation(node.input(0)).zero_point) @ weights.T.astype(np.float64)
    accumulator = total.astype(np.int64) + weighted.bias_values(node, len(weights))
    result = weighted.rescale(node, ROUNDING[numerics])(accumulator, np.arange(len(weights)))
    return int8(result).reshape(node.output.shape)


def lower(node: Node, numerics: Numerics, temporaries: Temporaries) -> tuple[Reshape | Convolution, ...]:
    """A Convolution with a 1x1 kernel over a row of pixels, behind a Reshape where the IFM's rows differ."""
    weights, ifm = constant(node.input(1)), node.input(0)
    outputs, depth = weights.shape
    pixels, source, before = (1, rows(node), depth), ifm.index, ()
    if ifm.shape[-1:] != (depth,):
        source, before = reshaped(node, ifm, pixels, temporaries)
    return (
        *before,
        Convolution(
            op_index=node.operator.index,
            op=node.operator.op,
            input=source,
            output=node.output.index,
            input_shape=pixels,
            output_shape=(1, rows(node), outputs),
            weights=weights[:, np.newaxis, np.newaxis, :],
            bias=weighted.folded_bias(node, OUTPUT_AXIS),
            stride=(1, 1),
            dilation=(1, 1),
            padding=(0, 0),
            pad_value=quantisation(ifm).zero_point,
            rescale=weighted.rescale(node, ROUNDING[numerics]),
        ),
    )


def reshaped(
    node: Node, tensor: Tensor, shape: MapShape, temporaries: Temporaries
) -> tuple[int, tuple[Reshape, ...]]:
    """A temporary map of ``shape`` with the bytes of ``tensor``, and the Reshape that fills it."""
    index = temporaries.map(shape)
    primitive = Reshape(
        op_index=node.operator.index,
        op=node.operator.op,
        input=tensor.index,
        output=index,
        input_shape=map_shape(tensor.shape),
        output_shape=shape,
    )
    return index, (primitive,)


KIND = Kind(
    name="FULLY_CONNECTED",
    options="FullyConnectedOptions",
    parse=parse,
    constraints=(
        constraints.arity(2, 3, "inputs are IFM, weights and optionally a bias; one OFM"),
        constraints.int8_maps(1),
        weighted.constant_weights(rank=2, axis=OUTPUT_AXIS),
        weighted.constant_bias(OUTPUT_AXIS),
        constraints.known_activation,
        plain_weights,
        whole_rows,
        inferred_shape,
        weighted.fitting_accumulators(OUTPUT_AXIS),
    ),
    reference=reference,
    lower=lower,
)
