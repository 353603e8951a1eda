"""AVERAGE_POOL_2D: the mean over a sliding window, on raw bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from tfl2hw.ir.primitives import Depthwise
from tfl2hw.ops import constraints, options
from tfl2hw.ops.activation import clamp_range
from tfl2hw.ops.node import Int8, Kind, Node, Numerics, Temporaries, int8, quantisation
from tfl2hw.ops.rescale import MeanRescale
from tfl2hw.ops.shapes import Window, accumulate_depthwise, map_shape, window


def parse(table: Any) -> Mapping[str, Any]:
    """Padding, kernel, stride (vertical, horizontal) and activation."""
    return {
        "padding": options.padding(table),
        "kernel": (table.FilterHeight(), table.FilterWidth()),
        "stride": (table.StrideH(), table.StrideW()),
        "dilation": (1, 1),
        "activation": options.activation(table),
    }


def some_cells(node: Node) -> str | None:
    """The kernel has one cell at least and is no larger than the IFM."""
    kernel, size = node.option("kernel"), node.input(0).shape[1:3]
    fits = all(1 <= k <= s for k, s in zip(kernel, size, strict=True))
    return None if fits else f"a kernel {kernel} on an IFM {size}"


def whole_windows(node: Node) -> str | None:
    """No window reaches beyond the IFM (SAME padding only where it pads nothing)."""
    win = sliding(node)
    return f"padding {win.before} before and {win.after} after" if win.padded else None


def inferred_shape(node: Node) -> str | None:
    """OFM has the shape that IFM, kernel, padding and stride make."""
    rows, columns = sliding(node).output
    return constraints.shape_mismatch(node, (1, rows, columns, node.input(0).shape[3]))


def sliding(node: Node) -> Window:
    """The kernel's window over the IFM."""
    _, rows, columns, _ = node.input(0).shape
    return window(
        (rows, columns),
        node.option("kernel"),
        node.option("stride"),
        node.option("dilation"),
        node.option("padding"),
    )


def reference(node: Node, inputs: Sequence[Int8], numerics: Numerics) -> Int8:
    """``clamp((S > 0 ? S + n/2 : S - n/2) / n)``, S the sum of n raw bytes, C's truncation."""
    win, channels = sliding(node), node.input(0).shape[3]
    ones = np.ones((*win.kernel, channels), np.int8)
    total = accumulate_depthwise(inputs[0][0].astype(np.int64), ones, win, 0)
    return int8(_rescale(node)(total, np.arange(channels)))[np.newaxis]


def lower(node: Node, numerics: Numerics, temporaries: Temporaries) -> tuple[Depthwise]:
    """A Depthwise whose weights are all 1, with no products to count."""
    win, channels = sliding(node), node.input(0).shape[3]
    return (
        Depthwise(
            op_index=node.operator.index,
            op=node.operator.op,
            input=node.input(0).index,
            output=node.output.index,
            input_shape=map_shape(node.input(0).shape),
            output_shape=map_shape(node.output.shape),
            weights=np.ones((*win.kernel, channels), np.int8),
            bias=np.zeros(channels, np.int64),
            stride=win.stride,
            dilation=win.dilation,
            padding=win.before,
            pad_value=quantisation(node.input(0)).zero_point,
            rescale=_rescale(node),
            macs_counted=False,
        ),
    )


def _rescale(node: Node) -> MeanRescale:
    low, high = clamp_range(node.option("activation"), quantisation(node.output))
    return MeanRescale(count=prod(node.option("kernel")), low=low, high=high)


KIND = Kind(
    name="AVERAGE_POOL_2D",
    options="Pool2DOptions",
    parse=parse,
    constraints=(
        constraints.arity(1, 1, "one IFM and one OFM"),
        constraints.int8_maps(1),
        constraints.one_feature_map,
        constraints.same_quantisation,
        constraints.known_activation,
        constraints.known_padding,
        constraints.steps,
        some_cells,
        whole_windows,
        inferred_shape,
    ),
    reference=reference,
    lower=lower,
)
