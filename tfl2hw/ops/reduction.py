"""Reducing a tensor along any of its axes: which axes, and the primitives that do it."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np
import numpy.typing as npt

from tfl2hw.ir.primitives import (
    Convolution,
    Copy,
    Depthwise,
    MapShape,
    Primitive,
    Reduction,
    Rescale,
    Reshape,
)
from tfl2hw.ops import constraints
from tfl2hw.ops.movement import axis_steps, copy
from tfl2hw.ops.node import Node, constant
from tfl2hw.ops.temporaries import Temporaries

MAX_CELLS = 1 << 23

Int64 = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class View:
    """A map's pixels as (outer, reduced, inner), each with ``channels``."""

    outer: int
    reduced: int
    inner: int
    channels: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Work:
    """What is done along the reduced axes: from the bytes of map ``source``, of ``shape``, to map ``target``.

    ``offset`` is what is added to a sum before ``rescale``.
    """

    source: int
    shape: tuple[int, ...]
    target: int
    target_shape: MapShape
    axes: tuple[int, ...]
    reduction: Reduction
    rescale: Rescale
    offset: int = 0


def known_axes(node: Node) -> str | None:
    """The IFM has rank 1 or more, and the axes are int32 constants within it (negative: from the last)."""
    rank, tensor = len(node.input(0).shape), node.input(1)
    if tensor.data is None or tensor.dtype != "int32":
        return f"axes of {tensor.dtype}, {'' if tensor.is_constant else 'not '}constant"
    listed = [int(axis) for axis in tensor.data.reshape(-1)]
    return None if all(-rank <= axis < rank for axis in listed) else f"axes {listed} of an IFM of rank {rank}"


def axes(node: Node) -> tuple[int, ...]:
    """The reduced axes in order, each once."""
    rank = len(node.input(0).shape)
    return tuple(sorted({int(axis) % rank for axis in constant(node.input(1)).reshape(-1)}))


def cells(node: Node) -> int:
    """How many elements of the IFM make one of the OFM."""
    return prod(node.input(0).shape[axis] for axis in axes(node))


def inferred_shape(node: Node) -> str | None:
    """OFM has the IFM's axes without the reduced ones, or with one element of each if they are kept."""
    return constraints.shape_mismatch(node, infer(node)[0])


def infer(node: Node) -> tuple[tuple[int, ...], ...]:
    """OFM's shape."""
    shape, gone = node.input(0).shape, axes(node)
    if node.option("keep_dims"):
        return (tuple(1 if axis in gone else size for axis, size in enumerate(shape)),)
    return (tuple(size for axis, size in enumerate(shape) if axis not in gone),)


def few_cells(node: Node) -> str | None:
    """At most 2**23 elements make one; above 4095 their number is a product of two below 4096."""
    count = cells(node)
    if count <= MAX_CELLS and all(_kernel(size) is not None for size in _extents(node)):
        return None
    return f"{count} elements make one"


def reduced(node: Node, work: Work, temporaries: Temporaries) -> tuple[Primitive, ...]:
    """The primitives of ``work``: perhaps a Copy before, perhaps a Reshape behind the reduction itself."""
    over_channels = work.shape[-1] > 1 and len(work.shape) - 1 in work.axes
    view, source = _view(work.shape, work.axes), work.source
    before: tuple[Copy, ...] = ()
    if view is None or (over_channels and work.reduction != "sum"):
        view, source, before = _gathered(node, work, temporaries)
        over_channels = False
    made = (view.outer, view.inner, 1 if over_channels else view.channels)
    if made[2] == work.target_shape[2]:
        return (*before, _reduction(node, work, view, (source, work.target), over_channels))
    index = temporaries.map(made)
    behind = Reshape(
        op_index=node.operator.index,
        op=node.operator.op,
        input=index,
        output=work.target,
        input_shape=made,
        output_shape=work.target_shape,
    )
    return (*before, _reduction(node, work, view, (source, index), over_channels), behind)


def _view(shape: tuple[int, ...], gone: tuple[int, ...]) -> View | None:
    """The pixels of a tensor's map, if the reduced axes in front of the last one are neighbours."""
    sizes: list[list[int]] = [[1], [1], [1]]
    part = 0
    for axis, size in enumerate(shape[:-1]):
        if size == 1:
            continue
        if (axis in gone) != (part == 1):
            part += 1
        if part > 2:
            return None
        sizes[part].append(size)
    outer, middle, inner = (prod(part) for part in sizes)
    return View(outer=outer, reduced=middle, inner=inner, channels=shape[-1])


def _gathered(node: Node, work: Work, temporaries: Temporaries) -> tuple[View, int, tuple[Copy, ...]]:
    """A temporary with the reduced axes in front of the kept ones, and the Copy that fills it."""
    steps, order = axis_steps(work.shape), [axis for axis, size in enumerate(work.shape) if size > 1]
    kept = [axis for axis in order if axis not in work.axes]
    order = [axis for axis in order if axis in work.axes] + kept
    counts = tuple(work.shape[axis] for axis in order)
    channels = counts[-1] if kept else 1
    moves = axis_steps(counts if kept else (*counts, 1))[: len(counts)]
    pixels = prod(counts) // channels
    count = prod(work.shape[axis] for axis in work.axes)
    index = temporaries.map((count, pixels // count, channels))
    made = copy(node, work.source, index, counts, ([steps[axis] for axis in order], moves))
    return View(outer=1, reduced=count, inner=pixels // count, channels=channels), index, (made,)


def _extents(node: Node) -> tuple[int, int]:
    """The number of pixels that may become a kernel: all reduced axes, or those in front of the last."""
    shape, gone = node.input(0).shape, axes(node)
    return cells(node), prod(shape[axis] for axis in gone if axis != len(shape) - 1)


def _kernel(count: int) -> tuple[int, int] | None:
    """``count`` as rows times columns of a kernel."""
    most = constraints.MAX_KERNEL
    if count <= most:
        return count, 1
    fitting = (columns for columns in range(most, 1, -1) if count % columns == 0 and count // columns <= most)
    columns = next(fitting, None)
    return None if columns is None else (count // columns, columns)


def _reduction(
    node: Node, work: Work, view: View, maps: tuple[int, int], over_channels: bool
) -> Convolution | Depthwise:
    """The kernel spans a run of reduced pixels; ``inner`` pixels lie between its columns."""
    kernel = _kernel(view.reduced)
    assert kernel is not None
    rows, columns = kernel
    input_shape = (view.outer * rows, columns * view.inner, view.channels)
    if over_channels:
        return Convolution(
            op_index=node.operator.index,
            op=node.operator.op,
            input=maps[0],
            output=maps[1],
            input_shape=input_shape,
            output_shape=(view.outer, view.inner, 1),
            weights=np.ones((1, rows, columns, view.channels), np.int8),
            bias=np.array([work.offset], np.int64),
            stride=(rows, 1),
            dilation=(1, view.inner),
            padding=(0, 0),
            pad_value=0,
            rescale=work.rescale,
        )
    return Depthwise(
        op_index=node.operator.index,
        op=node.operator.op,
        input=maps[0],
        output=maps[1],
        input_shape=input_shape,
        output_shape=(view.outer, view.inner, view.channels),
        weights=np.ones((rows, columns, view.channels), np.int8),
        bias=np.full(view.channels, work.offset, np.int64),
        stride=(rows, 1),
        dilation=(1, view.inner),
        padding=(0, 0),
        pad_value=0,
        rescale=work.rescale,
        reduction=work.reduction,
        macs_counted=False,
    )
