"""SPLIT and SPLIT_V: a map cut along an axis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tfl2hw.ir.primitives import Copy
from tfl2hw.ops import movement_constraints as accepts
from tfl2hw.ops.movement import at, axis_steps, box
from tfl2hw.ops.node import Int8, Kind, Node, Numerics
from tfl2hw.ops.temporaries import Temporaries

Shapes = tuple[tuple[int, ...], ...]


def parse(table: Any) -> Mapping[str, Any]:
    """The number of parts (0 where the file has none)."""
    return {"parts": table.NumSplits() if table is not None else 0}


def _axis(node: Node, position: int, ifm: int) -> int:
    values = accepts.integers(node, position)
    if len(values) != 1:
        raise ValueError(f"{len(values)} axes")
    return accepts.axis_of(values[0], len(node.input(ifm).shape))


def infer_equal(node: Node) -> Shapes:
    """SPLIT's parts, all of one size."""
    axis, shape, parts = _axis(node, 0, 1), node.input(1).shape, node.option("parts")
    if parts != len(node.outputs) or shape[axis] % parts:
        raise ValueError(f"{parts} parts and {len(node.outputs)} outputs of an axis of {shape[axis]}")
    return tuple((*shape[:axis], shape[axis] // parts, *shape[axis + 1 :]) for _ in range(parts))


def infer_sized(node: Node) -> Shapes:
    """SPLIT_V's parts, of the sizes given, one of which may be the rest (-1)."""
    axis, shape, sizes = _axis(node, 2, 0), node.input(0).shape, accepts.integers(node, 1)
    rest = shape[axis] - sum(size for size in sizes if size != -1)
    whole = [rest if size == -1 else size for size in sizes]
    if sizes.count(-1) > 1 or min(whole, default=0) < 1 or sum(whole) != shape[axis]:
        raise ValueError(f"sizes {sizes} of an axis of {shape[axis]}")
    return tuple((*shape[:axis], size, *shape[axis + 1 :]) for size in whole)


def _cut_axis(node: Node, ifm: int) -> int:
    return _axis(node, 0, 1) if ifm == 1 else _axis(node, 2, 0)


def _reference(node: Node, inputs: Sequence[Int8], ifm: int) -> tuple[Int8, ...]:
    axis = _cut_axis(node, ifm)
    ends = np.cumsum([tensor.shape[axis] for tensor in node.outputs])
    return tuple(np.split(inputs[ifm], ends[:-1], axis))


def _lower(node: Node, ifm: int) -> tuple[Copy, ...]:
    """A Copy an output."""
    source, axis, first = node.input(ifm), _cut_axis(node, ifm), 0
    steps = axis_steps(source.shape)
    copies: list[Copy] = []
    for tensor in node.outputs:
        moves, start = (steps, axis_steps(tensor.shape)), at([steps[axis]], [first])
        copies += box(node, source.index, tensor.index, tensor.shape, moves=moves, starts=(start, (0, 0)))
        first += tensor.shape[axis]
    return tuple(copies)


def reference_equal(node: Node, inputs: Sequence[Int8], numerics: Numerics) -> tuple[Int8, ...]:
    """SPLIT's parts."""
    return _reference(node, inputs, 1)


def reference_sized(node: Node, inputs: Sequence[Int8], numerics: Numerics) -> tuple[Int8, ...]:
    """SPLIT_V's parts."""
    return _reference(node, inputs, 0)


def lower_equal(node: Node, numerics: Numerics, temporaries: Temporaries) -> tuple[Copy, ...]:
    """A Copy an output."""
    return _lower(node, 1)


def lower_sized(node: Node, numerics: Numerics, temporaries: Temporaries) -> tuple[Copy, ...]:
    """A Copy an output."""
    return _lower(node, 0)


SPLIT = Kind(
    name="SPLIT",
    options="SplitOptions",
    parse=parse,
    constraints=(
        accepts.operands(2, 2, "inputs are the axis and IFM; one OFM or more", many_outputs=True),
        accepts.int8_data(slice(1, 2)),
        accepts.one_quantisation(slice(1, 2)),
        accepts.rank(1, 6, position=1),
        accepts.integer_constant(0, "the axis"),
        accepts.makes(infer_equal, "the axis is cut into as many equal parts as there are outputs"),
    ),
    reference=reference_equal,
    lower=lower_equal,
    infer=infer_equal,
)
SPLIT_V = Kind(
    name="SPLIT_V",
    options="SplitVOptions",
    parse=parse,
    constraints=(
        accepts.operands(3, 3, "inputs are IFM, sizes and axis; one OFM or more", many_outputs=True),
        accepts.int8_data(slice(1)),
        accepts.one_quantisation(slice(1)),
        accepts.rank(1, 6),
        accepts.integer_constant(1, "the sizes"),
        accepts.integer_constant(2, "the axis"),
        accepts.makes(
            infer_sized, "the outputs have the sizes given (one may be -1), and these fill the axis"
        ),
    ),
    reference=reference_sized,
    lower=lower_sized,
    infer=infer_sized,
)
