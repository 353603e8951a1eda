"""GATHER: indices of an axis, constant ones of an activation; or rows of a constant table (an embedding)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from tfl2hw.ir.primitives import Copy, Lookup, Primitive
from tfl2hw.ops import movement_constraints as accepts
from tfl2hw.ops.constraints import not_quantised_int8
from tfl2hw.ops.movement import Step, axis_steps, line, moved, operand
from tfl2hw.ops.node import Array, Int8, Kind, Node, Numerics, called
from tfl2hw.ops.runs import Places
from tfl2hw.ops.temporaries import Temporaries


def parse(table: Any) -> Mapping[str, Any]:
    """Axis and batch axes (0 and 0 where the file has none)."""
    return {
        "axis": 0 if table is None else table.Axis(),
        "batch_axes": 0 if table is None else table.BatchDims(),
    }


def one_constant(node: Node) -> str | None:
    """Of IFM and indices one is an activation and the other a constant; IFM and OFM are int8."""
    ifm, indices = node.input(0), node.input(1)
    for tensor in (ifm, node.output):
        wrong = not_quantised_int8(tensor)
        if wrong is not None:
            return f"{called(tensor)} {wrong}"
    if indices.dtype not in ("int32", "int64"):
        return f"{called(indices)} is {indices.dtype}, not int32 or int64"
    if ifm.is_constant == indices.is_constant:
        both = "constants" if ifm.is_constant else "activations"
        return f"{called(ifm)} and {called(indices)} are both {both}"
    return f"{called(node.output)} is a constant" if node.output.is_constant else None


def no_batch(node: Node) -> str | None:
    """There are no batch axes."""
    return f"{node.option('batch_axes')} batch axes" if node.option("batch_axes") else None


def table_rows(node: Node) -> str | None:
    """A constant IFM has rank 2, and its rows are taken (axis 0)."""
    ifm, axis = node.input(0), node.option("axis")
    if not ifm.is_constant or (len(ifm.shape) == 2 and axis in (0, -2)):
        return None
    return f"axis {axis} of a constant {ifm.shape}"


def infer(node: Node) -> tuple[tuple[int, ...], ...]:
    """The OFM's shape: that of the indices in place of the axis."""
    ifm, indices = node.input(0), node.input(1)
    axis = accepts.axis_of(node.option("axis"), len(ifm.shape))
    if indices.is_constant:
        outside = [index for index in accepts.integers(node, 1) if not 0 <= index < ifm.shape[axis]]
        if outside:
            raise ValueError(f"index {outside[0]} of an axis of {ifm.shape[axis]}")
    return ((*ifm.shape[:axis], *indices.shape, *ifm.shape[axis + 1 :]),)


def reference(node: Node, inputs: Sequence[Array], numerics: Numerics) -> Int8:
    """The bytes at the indices."""
    return np.take(inputs[0], inputs[1], node.option("axis"))


def lower(node: Node, numerics: Numerics, temporaries: Temporaries) -> tuple[Primitive, ...]:
    """Copies of runs of indices; a Lookup for indices that only the run knows."""
    return _copies(node) if node.input(1).is_constant else (_lookup(node, temporaries),)


def _lookup(node: Node, temporaries: Temporaries) -> Lookup:
    return Lookup(
        op_index=node.operator.index,
        op=node.operator.op,
        indices=node.input(1).index,
        table=operand(node.input(0), temporaries),
        output=node.output.index,
        count=prod(node.input(1).shape),
    )


def _copies(node: Node) -> tuple[Copy, ...]:
    ifm, ofm = node.input(0), node.output
    axis, rank = node.option("axis") % len(ifm.shape), len(node.input(1).shape)
    reads, writes = axis_steps(ifm.shape), axis_steps(ofm.shape)
    taken = _taken(accepts.integers(node, 1), reads[axis], node.input(1).shape, writes[axis : axis + rank])
    before = [line(*moves) for moves in zip(ifm.shape[:axis], reads, writes, strict=False)]
    behind = zip(ifm.shape[axis + 1 :], reads[axis + 1 :], writes[axis + rank :], strict=True)
    return moved(node, ifm.index, ofm.index, [*before, taken, *(line(*moves) for moves in behind)])


def _taken(indices: list[int], read: Step, shape: Sequence[int], writes: Sequence[Step]) -> Places:
    """The places of the axis: index n of the flattened indices goes to its place in their axes."""
    grid = np.indices(shape).reshape(len(shape), -1) if shape else np.zeros((0, 1), np.int64)
    written = np.array(writes, np.int64).reshape(-1, 2).T @ grid
    return np.concatenate([np.outer(indices, read), written.T], axis=1)


KIND = Kind(
    name="GATHER",
    options="GatherOptions",
    parse=parse,
    constraints=(
        accepts.operands(2, 2, "inputs are IFM and indices; one OFM"),
        one_constant,
        accepts.one_quantisation(slice(1)),
        no_batch,
        table_rows,
        accepts.makes(infer, "the indices lie in the axis, and OFM has their shape in its place"),
    ),
    reference=reference,
    lower=lower,
    infer=infer,
)
