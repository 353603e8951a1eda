"""Moving the bytes of tensors by address: how far an axis moves in a map, and copies between boxes."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from tfl2hw.ir.primitives import Axis, Copy
from tfl2hw.ops.node import Node, constant
from tfl2hw.ops.shapes import map_shape
from tfl2hw.ops.temporaries import Temporaries

Step = tuple[int, int]
"""(pixels, channels)."""


def axis_steps(shape: Sequence[int]) -> list[Step]:
    """For each axis of a tensor of bytes of ``shape``: what its index moves in the tensor's map."""
    pixels = [(prod(shape[axis + 1 : -1]), 0) for axis in range(len(shape) - 1)]
    return [*pixels, (0, 1)] if shape else []


def at(steps: Sequence[Step], index: Sequence[int]) -> Step:
    """The (pixel, channel) of the element ``index``."""
    pixel = sum(step[0] * number for step, number in zip(steps, index, strict=True))
    return pixel, sum(step[1] * number for step, number in zip(steps, index, strict=True))


def copy(
    node: Node,
    source: int,
    target: int,
    counts: Sequence[int],
    moves: tuple[Sequence[Step], Sequence[Step]],
    starts: tuple[Step, Step] = ((0, 0), (0, 0)),
) -> Copy:
    """A Copy of ``counts`` elements along axes that move by ``moves`` in source and target."""
    return Copy(
        op_index=node.operator.index,
        op=node.operator.op,
        input=source,
        output=target,
        axes=tuple(
            Axis(count=count, source=read, target=written)
            for count, read, written in zip(counts, *moves, strict=True)
        ),
        start=starts[0],
        target_start=starts[1],
    )


def broadcast_operand(node: Node, position: int, temporaries: Temporaries) -> tuple[int, tuple[Copy, ...]]:
    """Input ``position`` as a map of the OFM's shape: the tensor itself, or a temporary and the Copy into it.

    A constant operand becomes a constant map.
    """
    tensor, shape = node.input(position), node.output.shape
    own = (1,) * (len(shape) - len(tensor.shape)) + tensor.shape
    index = tensor.index
    if tensor.is_constant:
        index = temporaries.constant(constant(tensor).astype(np.int8).reshape(map_shape(own)))
    if own == shape:
        return index, ()
    steps = [(0, 0) if size == 1 else step for size, step in zip(own, axis_steps(own), strict=True)]
    full = temporaries.map(map_shape(shape))
    return full, (copy(node, index, full, shape, (steps, axis_steps(shape))),)
