"""CONV_2D: dense and grouped convolution."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tfl2hw.ir.primitives import Convolution
from tfl2hw.ops import constraints, options, weighted
from tfl2hw.ops.batches import each_map, map_by_map
from tfl2hw.ops.node import Constraint, Int8, Kind, Node, Numerics, constant, quantisation
from tfl2hw.ops.shapes import Window, accumulate_dense, window
from tfl2hw.ops.temporaries import Temporaries

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


def whole_groups(node: Node) -> str | None:
    """The IFM has groups of as many channels as the weights have inputs, and each group as many filters."""
    channels, (filters, _, _, inputs) = node.input(0).shape[3], node.input(1).shape
    if channels % inputs or filters % groups(node):
        return f"IFM with {channels} channels, {filters} filters of {inputs} input channels"
    return None


def groups(node: Node) -> int:
    """How many groups of channels are convolved on their own."""
    return node.input(0).shape[3] // node.input(1).shape[3]


def kernel(node: Node) -> tuple[int, int]:
    """Height and width of the weights' kernel."""
    _, height, width, _ = node.input(1).shape
    return height, width


def inferred_shape(axis: int) -> Constraint:
    """A constraint on OFM's shape; the weights' ``axis`` has the output channels."""

    @constraints.documented(
        "OFM has the shape that IFM, kernel, padding, stride and dilation make, with one cell at least; "
        f"the padded IFM has {MAX_PADDED} elements at most"
    )
    def check(node: Node) -> str | None:
        win, (_, height, width, channels) = sliding(node), node.input(0).shape
        if min(win.output) < 1:
            return f"a kernel {kernel(node)} on an IFM {(height, width)} without padding"
        if (height + win.before[0] + win.after[0]) * (
            width + win.before[1] + win.after[1]
        ) * channels > MAX_PADDED:
            return f"padding {win.before} before and {win.after} after an IFM {(height, width)}"
        return constraints.shape_mismatch(node, infer(axis)(node)[0])

    return check


def infer(axis: int) -> Callable[[Node], tuple[tuple[int, ...], ...]]:
    """OFM's shape; the weights' ``axis`` has the output channels."""
    return lambda node: ((node.input(0).shape[0], *sliding(node).output, node.input(1).shape[axis]),)


def sliding(node: Node) -> Window:
    """The kernel's window over the IFM."""
    _, rows, columns, _ = node.input(0).shape
    return window(
        (rows, columns),
        kernel(node),
        node.option("stride"),
        node.option("dilation"),
        node.option("padding"),
    )


def reference(node: Node, inputs: Sequence[Int8], numerics: Numerics) -> Int8:
    """``clamp(requantize(bias + sum((x - zp) * w)) + zp_out)``, double rounding in both numerics."""
    weights, win, count = constant(node.input(1)), sliding(node), groups(node)
    bias, rescale = weighted.bias_values(node, len(weights)), weighted.rescale(node, "double")

    def single(values: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        parts = zip(np.split(values, count, axis=2), np.split(weights, count), strict=True)
        total = np.concatenate([accumulate_dense(part, filters, win, 0) for part, filters in parts], axis=2)
        return rescale(total + bias, np.arange(len(weights)))

    return map_by_map(inputs[0].astype(np.int64) - quantisation(node.input(0)).zero_point, single)


def lower(node: Node, numerics: Numerics, temporaries: Temporaries) -> tuple[Convolution, ...]:
    """A Convolution, or one for each map of a batch."""
    win, (batch, *ifm), (_, *ofm) = sliding(node), node.input(0).shape, node.output.shape
    first = Convolution(
        op_index=node.operator.index,
        op=node.operator.op,
        input=node.input(0).index,
        output=node.output.index,
        input_shape=(ifm[0], ifm[1], ifm[2]),
        output_shape=(ofm[0], ofm[1], ofm[2]),
        weights=constant(node.input(1)),
        bias=weighted.folded_bias(node, OUTPUT_AXIS),
        stride=win.stride,
        dilation=win.dilation,
        padding=win.before,
        pad_value=quantisation(node.input(0)).zero_point,
        rescale=weighted.rescale(node, "double"),
        groups=groups(node),
    )
    return each_map(first, batch, win.output[0])


KIND = Kind(
    name="CONV_2D",
    options="Conv2DOptions",
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
        constraints.fitting_kernel(kernel),
        whole_groups,
        inferred_shape(OUTPUT_AXIS),
        weighted.fitting_accumulators(OUTPUT_AXIS),
    ),
    reference=reference,
    lower=lower,
    infer=infer(OUTPUT_AXIS),
)
