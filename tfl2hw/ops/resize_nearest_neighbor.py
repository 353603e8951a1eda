"""RESIZE_NEAREST_NEIGHBOR: rows and columns of a map repeated or left out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tfl2hw.ir.primitives import Copy
from tfl2hw.ops import resize
from tfl2hw.ops.movement import axis_steps, line, moved, placed
from tfl2hw.ops.node import Array, Int8, Kind, Node, Numerics
from tfl2hw.ops.shapes import map_shape
from tfl2hw.ops.temporaries import Temporaries


def nearest(node: Node, axis: int) -> Array:
    """For each index of the OFM along ``axis``, that of the IFM; in float32, as TFLite computes it."""
    size, made = node.input(0).shape[axis], node.output.shape[axis]
    aligned = node.option("align_corners")
    over, under = (size - 1, made - 1) if aligned and made > 1 else (size, made)
    scale = np.float32(over) / np.float32(under)
    offset = np.float32(0.5 if node.option("half_pixels") else 0.0)
    exact = ((np.arange(made).astype(np.float32) + offset) * scale).astype(np.float64)
    indices = np.floor(exact + 0.5 if aligned else exact).astype(np.int64)
    return np.clip(indices, 0, size - 1)


def reference(node: Node, inputs: Sequence[Int8], numerics: Numerics) -> Int8:
    """The nearest rows and columns."""
    return inputs[0][:, nearest(node, 1)][:, :, nearest(node, 2)]


def lower(node: Node, numerics: Numerics, temporaries: Temporaries) -> tuple[Copy, ...]:
    """Copies of runs of rows and columns at once, or of rows and then of columns, whichever is fewer."""
    ifm, ofm = node.input(0), node.output
    direct = _resized(node, (ifm.index, ifm.shape), (ofm.index, ofm.shape), (True, True))
    batch, _, columns, channels = ifm.shape
    shape = (batch, ofm.shape[1], columns, channels)
    rows = _resized(node, (ifm.index, ifm.shape), (-1, shape), (True, False))
    across = _resized(node, (-1, shape), (ofm.index, ofm.shape), (False, True))
    if len(direct) <= len(rows) + len(across):
        return direct
    between = temporaries.map(map_shape(shape))
    return (
        *_resized(node, (ifm.index, ifm.shape), (between, shape), (True, False)),
        *_resized(node, (between, shape), (ofm.index, ofm.shape), (False, True)),
    )


def _resized(
    node: Node,
    source: tuple[int, tuple[int, ...]],
    target: tuple[int, tuple[int, ...]],
    resized: tuple[bool, bool],
) -> tuple[Copy, ...]:
    """Copies between two maps (index, shape), whose rows or columns or both are ``resized``."""
    axes = []
    moves = zip(source[1], target[1], axis_steps(source[1]), axis_steps(target[1]), strict=True)
    for axis, (size, made, read, write) in enumerate(moves):
        if axis in (1, 2) and resized[axis - 1]:
            axes.append(placed(nearest(node, axis), read, np.arange(made), write))
        else:
            axes.append(line(size, read, write))
    return moved(node, source[0], target[0], axes)


KIND = Kind(
    name="RESIZE_NEAREST_NEIGHBOR",
    options="ResizeNearestNeighborOptions",
    parse=resize.parse,
    constraints=resize.CONSTRAINTS,
    reference=reference,
    lower=lower,
    infer=resize.infer,
)
