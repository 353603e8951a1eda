"""Moving the bytes of tensors by address: how far an axis moves in a map, and copies between boxes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import prod

import numpy as np

from tfl2hw.ir.graph import Tensor
from tfl2hw.ir.primitives import Axis, Copy
from tfl2hw.ops.node import Array, Node, constant
from tfl2hw.ops.runs import Places, folded, runs
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
    index = operand(tensor, temporaries)
    if own == shape:
        return index, ()
    steps = [(0, 0) if size == 1 else step for size, step in zip(own, axis_steps(own), strict=True)]
    full = temporaries.map(map_shape(shape))
    return full, (copy(node, index, full, shape, (steps, axis_steps(shape))),)


def operand(tensor: Tensor, temporaries: Temporaries) -> int:
    """The map of an operand: the tensor itself, or of a constant a constant map."""
    if not tensor.is_constant:
        return tensor.index
    return temporaries.constant(constant(tensor).astype(np.int8).reshape(map_shape(tensor.shape)))


def placed(sources: Array, source: Step, targets: Array, target: Step) -> Places:
    """Along one axis: index ``sources[i]`` goes to index ``targets[i]``; one index moves by a step."""
    read, written = np.asarray(sources, np.int64), np.asarray(targets, np.int64)
    return np.stack([read * source[0], read * source[1], written * target[0], written * target[1]], axis=1)


def line(count: int, source: Step, target: Step) -> Places:
    """Along one axis: the first ``count`` indices, in order."""
    return placed(np.arange(count), source, np.arange(count), target)


def moved(
    node: Node,
    source: int | None,
    target: int,
    axes: Sequence[Places],
    starts: tuple[Step, Step] = ((0, 0), (0, 0)),
    value: int = 0,
) -> tuple[Copy, ...]:
    """Every combination of a place of each of ``axes``: from ``source``, or ``value`` without one.

    An axis without places leaves nothing to move.
    """
    copies = []
    for nest in product(*(runs(places) for places in axes)):
        pixel, channel, to_pixel, to_channel = (sum(run.start[n] for run in nest) for n in range(4))
        copies.append(
            Copy(
                op_index=node.operator.index,
                op=node.operator.op,
                input=source,
                output=target,
                axes=folded([axis for run in nest for axis in run.axes]),
                start=(0, 0) if source is None else (starts[0][0] + pixel, starts[0][1] + channel),
                target_start=(starts[1][0] + to_pixel, starts[1][1] + to_channel),
                value=value,
            )
        )
    return tuple(copies)


def box(
    node: Node,
    source: int,
    target: int,
    counts: Sequence[int],
    *,
    moves: tuple[Sequence[Step], Sequence[Step]],
    starts: tuple[Step, Step] = ((0, 0), (0, 0)),
) -> tuple[Copy, ...]:
    """A box of ``counts`` elements: one Copy."""
    axes = [line(count, read, written) for count, read, written in zip(counts, *moves, strict=True)]
    return moved(node, source, target, axes, starts)


def bordered(
    node: Node, target: int, inside: Sequence[Places], border: Sequence[Places], value: int
) -> tuple[Copy, ...]:
    """``value`` to every place that is in the border of one axis at least.

    ``inside`` and ``border`` are each axis's places; only their targets matter.
    """
    copies: list[Copy] = []
    for axis, cells in enumerate(border):
        whole = [np.concatenate(pair) for pair in zip(inside[axis + 1 :], border[axis + 1 :], strict=True)]
        axes = [unread(places) for places in (*inside[:axis], cells, *whole)]
        copies += moved(node, None, target, axes, value=value)
    return tuple(copies)


def unread(places: Places) -> Places:
    """``places`` in the order of their targets, without sources: to be filled."""
    targets = places[np.lexsort((places[:, 3], places[:, 2]))].copy()
    targets[:, :2] = 0
    return targets
