"""What the pools share: options, constraints, the sliding window, the primitive."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tfl2hw.ir.primitives import Depthwise, Reduction, Rescale
from tfl2hw.ops import constraints, options
from tfl2hw.ops.conv_2d import MAX_PADDED
from tfl2hw.ops.node import Constraint, Node
from tfl2hw.ops.shapes import Window, window


def parse(table: Any) -> Mapping[str, Any]:
    """Padding, kernel, stride (vertical, horizontal) and activation."""
    return {
        "padding": options.padding(table),
        "kernel": (table.FilterHeight(), table.FilterWidth()),
        "stride": (table.StrideH(), table.StrideW()),
        "dilation": (1, 1),
        "activation": options.activation(table),
    }


def kernel(node: Node) -> tuple[int, int]:
    """Height and width of the window."""
    height, width = node.option("kernel")
    return height, width


def sliding(node: Node) -> Window:
    """The window over one map of the IFM."""
    _, rows, columns, _ = node.input(0).shape
    return window((rows, columns), kernel(node), node.option("stride"), (1, 1), node.option("padding"))


def inferred_shape(node: Node) -> str | None:
    """OFM has the shape that IFM, kernel, padding and stride make, with one cell at least."""
    win, (_, height, width, channels) = sliding(node), node.input(0).shape
    if min(win.output) < 1 or (height + sum(win.kernel)) * (width + sum(win.kernel)) * channels > MAX_PADDED:
        return f"a kernel {win.kernel} on an IFM {(height, width)}"
    return constraints.shape_mismatch(node, infer(node)[0])


def infer(node: Node) -> tuple[tuple[int, ...], ...]:
    """OFM's shape."""
    batch, _, _, channels = node.input(0).shape
    return ((batch, *sliding(node).output, channels),)


CONSTRAINTS: tuple[Constraint, ...] = (
    constraints.arity(1, 1, "one IFM and one OFM"),
    constraints.int8_maps(1),
    constraints.feature_maps,
    constraints.same_quantisation,
    constraints.known_activation,
    constraints.known_padding,
    constraints.steps,
    constraints.fitting_kernel(kernel),
    inferred_shape,
)


def pool(node: Node, rescale: Rescale, reduction: Reduction, pad_value: int) -> Depthwise:
    """The pool of the first map of a batch: weights of 1, with no products to count."""
    win, (_, height, width, channels) = sliding(node), node.input(0).shape
    return Depthwise(
        op_index=node.operator.index,
        op=node.operator.op,
        input=node.input(0).index,
        output=node.output.index,
        input_shape=(height, width, channels),
        output_shape=(*win.output, channels),
        weights=np.ones((*win.kernel, channels), np.int8),
        bias=np.zeros(channels, np.int64),
        stride=win.stride,
        dilation=(1, 1),
        padding=win.before,
        pad_value=pad_value,
        rescale=rescale,
        reduction=reduction,
        macs_counted=False,
    )
