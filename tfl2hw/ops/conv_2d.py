"""CONV_2D: dense convolution."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tfl2hw.ir.primitives import Convolution
from tfl2hw.ops import constraints, options, weighted
from tfl2hw.ops.node import Constraint, Int8, Kind, Node, Numerics, Temporaries, constant, int8, quantisation
from tfl2hw.ops.shapes import Window, accumulate_dense, map_shape, window

OUTPUT_AXIS = 0
MAX_PADDED = 1 << 26


def parse(table: Any) -> Mapping[str, Any]:
    """Padding, stride, dilation (vertical, horizontal) and activation."""
    return {
        "padding": options.padding(table),
        "stride": (table.StrideH(), table.StrideW()),
        "dilation": (table.DilationHFactor(), table.DilationWFactor()),
        "activation": options.activation(table),
    }


def one_group(node: Node) -> str | None:
    """The weights have as many input channels as the IFM (no groups)."""
    channels, filters = node.input(0).shape[3], node.input(1).shape[3]
    return None if channels == filters else f"IFM with {channels} channels, weights with {filters}"


def inferred_shape(axis: int) -> Constraint:
    """A constraint on OFM's shape; the weights' ``axis`` has the output channels."""

    @constraints.documented(
        "OFM has the shape that IFM, kernel, padding, stride and dilation make, with one cell at least; "
        f"the padded IFM has {MAX_PADDED} elements at most"
    )
    def check(node: Node) -> str | None:
        win, (_, height, width, channels) = sliding(node), node.input(0).shape
        kernel = node.input(1).shape[1:3]
        if min(win.output) < 1:
            return f"a kernel {kernel} on an IFM {(height, width)} without padding"
        if (height + win.before[0] + win.after[0]) * (
            width + win.before[1] + win.after[1]
        ) * channels > MAX_PADDED:
            return f"padding {win.before} before and {win.after} after an IFM {(height, width)}"
        return constraints.shape_mismatch(node, (1, *win.output, node.input(1).shape[axis]))

    return check


def sliding(node: Node) -> Window:
    """The kernel's window over the IFM."""
    _, rows, columns, _ = node.input(0).shape
    _, height, width, _ = node.input(1).shape
    return window(
        (rows, columns),
        (height, width),
        node.option("stride"),
        node.option("dilation"),
        node.option("padding"),
    )


def reference(node: Node, inputs: Sequence[Int8], numerics: Numerics) -> Int8:
    """``clamp(requantize(bias + sum((x - zp) * w)) + zp_out)``, double rounding in both numerics."""
    values = inputs[0][0].astype(np.int64) - quantisation(node.input(0)).zero_point
    weights = constant(node.input(1))
    total = accumulate_dense(values, weights, sliding(node), 0)
    total += weighted.bias_values(node, len(weights))
    return int8(weighted.rescale(node, "double")(total, np.arange(len(weights))))[np.newaxis]


def lower(node: Node, numerics: Numerics, temporaries: Temporaries) -> tuple[Convolution]:
    """A Convolution."""
    win = sliding(node)
    return (
        Convolution(
            op_index=node.operator.index,
            op=node.operator.op,
            input=node.input(0).index,
            output=node.output.index,
            input_shape=map_shape(node.input(0).shape),
            output_shape=map_shape(node.output.shape),
            weights=constant(node.input(1)),
            bias=weighted.folded_bias(node, OUTPUT_AXIS),
            stride=win.stride,
            dilation=win.dilation,
            padding=win.before,
            pad_value=quantisation(node.input(0)).zero_point,
            rescale=weighted.rescale(node, "double"),
        ),
    )


KIND = Kind(
    name="CONV_2D",
    options="Conv2DOptions",
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
        one_group,
        inferred_shape(OUTPUT_AXIS),
        weighted.fitting_accumulators(OUTPUT_AXIS),
    ),
    reference=reference,
    lower=lower,
)
