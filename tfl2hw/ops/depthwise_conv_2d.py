"""DEPTHWISE_CONV_2D: every channel convolved on its own, with one filter or several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tfl2hw.ir.primitives import Convolution, Depthwise
from tfl2hw.ops import constraints, conv_2d, weighted
from tfl2hw.ops.batches import each_map, map_by_map
from tfl2hw.ops.node import Int8, Kind, Node, Numerics, constant, quantisation
from tfl2hw.ops.shapes import accumulate_depthwise
from tfl2hw.ops.temporaries import Temporaries

OUTPUT_AXIS = 3


def parse(table: Any) -> Mapping[str, Any]:
    """CONV_2D's options and the depth multiplier."""
    return {**conv_2d.parse(table), "depth_multiplier": table.DepthMultiplier()}


def filters_of_each_channel(node: Node) -> str | None:
    """Weights are (1, height, width, filters), with as many filters for each IFM channel as the depth
    multiplier says.
    """
    # LiteRT goes by the shapes alone, TFLite Micro by the option.
    (outer, _, _, filters), channels = node.input(1).shape, node.input(0).shape[3]
    multiplier = node.option("depth_multiplier")
    if outer == 1 and filters == channels * multiplier:
        return None
    weights = f"weights {node.input(1).shape} for an IFM with {channels} channels"
    return f"{weights} and a depth multiplier of {multiplier}"


def reference(node: Node, inputs: Sequence[Int8], numerics: Numerics) -> Int8:
    """``clamp(requantize(bias + sum((x - zp) * w)) + zp_out)``, filter f on channel ``f // multiplier``."""
    weights, win = constant(node.input(1))[0], conv_2d.sliding(node)
    filters = weights.shape[2]
    bias, rescale = weighted.bias_values(node, filters), weighted.rescale(node, "double")

    def single(values: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        repeated = np.repeat(values, filters // values.shape[2], axis=2)
        return rescale(accumulate_depthwise(repeated, weights, win, 0) + bias, np.arange(filters))

    return map_by_map(inputs[0].astype(np.int64) - quantisation(node.input(0)).zero_point, single)


def lower(
    node: Node, numerics: Numerics, temporaries: Temporaries
) -> tuple[Depthwise, ...] | tuple[Convolution, ...]:
    """A Depthwise, or a Convolution with a group a channel where there are several filters; one a map."""
    batch, height, width, channels = node.input(0).shape
    _, rows, columns, filters = node.output.shape
    win, weights = conv_2d.sliding(node), constant(node.input(1))
    first = Depthwise(
        op_index=node.operator.index,
        op=node.operator.op,
        input=node.input(0).index,
        output=node.output.index,
        input_shape=(height, width, channels),
        output_shape=(rows, columns, filters),
        weights=weights[0],
        bias=weighted.folded_bias(node, OUTPUT_AXIS),
        stride=win.stride,
        dilation=win.dilation,
        padding=win.before,
        pad_value=quantisation(node.input(0)).zero_point,
        rescale=weighted.rescale(node, "double"),
    )
    if filters == channels:
        return each_map(first, batch, rows)
    return each_map(_grouped(first), batch, rows)


def _grouped(layer: Depthwise) -> Convolution:
    """The same with several filters a channel: weights (filters, kernel height, kernel width, 1)."""
    return Convolution(
        op_index=layer.op_index,
        op=layer.op,
        input=layer.input,
        output=layer.output,
        input_shape=layer.input_shape,
        output_shape=layer.output_shape,
        weights=np.ascontiguousarray(layer.weights.transpose(2, 0, 1)[..., np.newaxis].astype(np.int8)),
        bias=layer.bias,
        stride=layer.stride,
        dilation=layer.dilation,
        padding=layer.padding,
        pad_value=layer.pad_value,
        rescale=layer.rescale,
        groups=layer.input_shape[2],
    )


KIND = Kind(
    name="DEPTHWISE_CONV_2D",
    options="DepthwiseConv2DOptions",
    parse=parse,
    constraints=(
        constraints.arity(2, 3, "inputs are IFM, weights and optionally a bias; one OFM"),
        constraints.int8_maps(1),
        constraints.feature_maps,
        weighted.constant_weights(rank=4, axis=OUTPUT_AXIS),
        weighted.constant_bias(OUTPUT_AXIS),
        constraints.known_activation,
        constraints.known_padding,
        constraints.steps,
        constraints.fitting_kernel(conv_2d.kernel),
        filters_of_each_channel,
        conv_2d.inferred_shape(OUTPUT_AXIS),
        weighted.fitting_accumulators(OUTPUT_AXIS),
    ),
    reference=reference,
    lower=lower,
    infer=conv_2d.infer(OUTPUT_AXIS),
)
