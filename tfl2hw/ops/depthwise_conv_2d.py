"""DEPTHWISE_CONV_2D: every channel convolved on its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tfl2hw.ir.primitives import Convolution, Depthwise
from tfl2hw.ops import constraints, conv_2d, weighted
from tfl2hw.ops.node import Int8, Kind, Node, Numerics, Temporaries, constant, int8, quantisation
from tfl2hw.ops.shapes import accumulate_depthwise, map_shape

OUTPUT_AXIS = 3


def parse(table: Any) -> Mapping[str, Any]:
    """CONV_2D's options and the file's depth multiplier (the shapes decide, as in TFLite)."""
    return {**conv_2d.parse(table), "depth_multiplier": table.DepthMultiplier()}


def one_kernel_a_channel(node: Node) -> str | None:
    """Weights are (1, height, width, channels) with the IFM's channels, or any number for a single one."""
    (outer, _, _, filters), channels = node.input(1).shape, node.input(0).shape[3]
    if outer == 1 and channels in (1, filters):
        return None
    multiplier = f" (depth multiplier {filters // channels})" if filters % channels == 0 else ""
    return f"weights {node.input(1).shape}{multiplier} for an IFM with {channels} channels"


def reference(node: Node, inputs: Sequence[Int8], numerics: Numerics) -> Int8:
    """``clamp(requantize(bias + sum((x - zp) * w)) + zp_out)`` with output channel c from input c.

    A single input channel feeds every output channel.
    """
    weights = constant(node.input(1))[0]
    values = inputs[0][0].astype(np.int64) - quantisation(node.input(0)).zero_point
    total = accumulate_depthwise(values, weights, conv_2d.sliding(node), 0)
    channels = weights.shape[2]
    total += weighted.bias_values(node, channels)
    return int8(weighted.rescale(node, "double")(total, np.arange(channels)))[np.newaxis]


def lower(node: Node, numerics: Numerics, temporaries: Temporaries) -> tuple[Depthwise | Convolution]:
    """A Depthwise; of a single input channel and several outputs, a Convolution."""
    win, weights = conv_2d.sliding(node), constant(node.input(1))
    single = node.input(0).shape[3] == 1 and weights.shape[3] > 1
    kind = Convolution if single else Depthwise
    return (
        kind(
            op_index=node.operator.index,
            op=node.operator.op,
            input=node.input(0).index,
            output=node.output.index,
            input_shape=map_shape(node.input(0).shape),
            output_shape=map_shape(node.output.shape),
            weights=_arranged(weights, single),
            bias=weighted.folded_bias(node, OUTPUT_AXIS),
            stride=win.stride,
            dilation=win.dilation,
            padding=win.before,
            pad_value=quantisation(node.input(0)).zero_point,
            rescale=weighted.rescale(node, "double"),
        ),
    )


def _arranged(weights: Int8, single: bool) -> Int8:
    """(kh, kw, channels) for a Depthwise; (channels, kh, kw, 1) for a single input channel."""
    return np.ascontiguousarray(np.moveaxis(weights, 3, 0).transpose(0, 2, 3, 1)) if single else weights[0]


KIND = Kind(
    name="DEPTHWISE_CONV_2D",
    options="DepthwiseConv2DOptions",
    parse=parse,
    constraints=(
        constraints.arity(2, 3, "inputs are IFM, weights and optionally a bias; one OFM"),
        constraints.int8_maps(1),
        constraints.one_feature_map,
        weighted.constant_weights(rank=4, axis=OUTPUT_AXIS),
        weighted.constant_bias(OUTPUT_AXIS),
        constraints.known_activation,
        constraints.known_padding,
        constraints.steps,
        one_kernel_a_channel,
        conv_2d.inferred_shape(OUTPUT_AXIS),
        weighted.fitting_accumulators(OUTPUT_AXIS),
    ),
    reference=reference,
    lower=lower,
)
