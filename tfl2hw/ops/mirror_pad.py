"""MIRROR_PAD: a map with a border that mirrors it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tflite

from tfl2hw.ir.primitives import Copy
from tfl2hw.ops import movement_constraints as accepts
from tfl2hw.ops import pad
from tfl2hw.ops.movement import axis_steps, moved, placed
from tfl2hw.ops.node import Array, Int8, Kind, Node, Numerics
from tfl2hw.ops.options import enum_name
from tfl2hw.ops.temporaries import Temporaries


def parse(table: Any) -> Mapping[str, Any]:
    """The mode."""
    return {"mode": enum_name(tflite.MirrorPadMode, table.Mode())}


def known_mode(node: Node) -> str | None:
    """The mode is REFLECT or SYMMETRIC."""
    mode = node.option("mode")
    return None if mode in ("REFLECT", "SYMMETRIC") else f"mode {mode}"


def short_border(node: Node) -> str | None:
    """No border is larger than what it mirrors: the axis, with REFLECT without the edge."""
    edge = 1 if node.option("mode") == "REFLECT" else 0
    for size, sides in zip(node.input(0).shape, pad.cells(node), strict=True):
        if max(sides) > size - edge:
            return f"paddings {sides} of an axis of {size}"
    return None


def mirrored(node: Node, axis: int) -> Array:
    """For each index of the OFM along ``axis``, the index of the IFM that it holds."""
    before, after = pad.cells(node)[axis]
    size, edge = node.input(0).shape[axis], 1 if node.option("mode") == "REFLECT" else 0
    indices = np.arange(size)
    left = indices[edge : edge + before][::-1]
    right = indices[size - edge - after : size - edge][::-1]
    return np.concatenate([left, indices, right])


def reference(node: Node, inputs: Sequence[Int8], numerics: Numerics) -> Int8:
    """The bytes within their mirrored border."""
    result = inputs[0]
    for axis in range(result.ndim):
        result = np.take(result, mirrored(node, axis), axis)
    return result


def lower(node: Node, numerics: Numerics, temporaries: Temporaries) -> tuple[Copy, ...]:
    """Copies of the inside, and of each side and corner."""
    reads, writes = axis_steps(node.input(0).shape), axis_steps(node.output.shape)
    axes = []
    for axis, (read, write) in enumerate(zip(reads, writes, strict=True)):
        indices = mirrored(node, axis)
        axes.append(placed(indices, read, np.arange(len(indices)), write))
    return moved(node, node.input(0).index, node.output.index, axes)


KIND = Kind(
    name="MIRROR_PAD",
    options="MirrorPadOptions",
    parse=parse,
    constraints=(
        accepts.operands(2, 2, "inputs are IFM and paddings; one OFM"),
        accepts.int8_data(slice(1)),
        accepts.one_quantisation(slice(1)),
        accepts.rank(1, 6),
        accepts.integer_constant(1, "paddings"),
        pad.some_cells,
        known_mode,
        short_border,
        accepts.makes(pad.infer, "OFM has the IFM's shape with the paddings"),
    ),
    reference=reference,
    lower=lower,
    infer=pad.infer,
)
