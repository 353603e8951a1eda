"""ARG_MAX and ARG_MIN along an axis: the index of the greatest or least, the first of equals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt
import tflite

from tfl2hw.ir.primitives import Copy
from tfl2hw.ir.row_primitives import ArgMax
from tfl2hw.ops import constraints, options
from tfl2hw.ops import movement_constraints as accepts
from tfl2hw.ops.movement import axis_steps, box
from tfl2hw.ops.node import Int8, Kind, Node, Numerics, called, constant
from tfl2hw.ops.shapes import map_shape
from tfl2hw.ops.temporaries import Temporaries

Int64 = npt.NDArray[np.int64]

MAX_DEPTH = (1 << 16) - 1
ELEMENT_BYTES = {"int32": 4, "int64": 8}


def parse(table: Any) -> Mapping[str, Any]:
    """The type of the indices, in numpy's name."""
    return {"output_type": options.enum_name(tflite.TensorType, table.OutputType()).lower()}


def int8_map(node: Node) -> str | None:
    """IFM is an int8 activation."""
    ifm = node.input(0)
    if ifm.is_constant:
        return f"{called(ifm)} is a constant"
    return None if ifm.dtype == "int8" else f"{called(ifm)} is {ifm.dtype}"


def indices(node: Node) -> str | None:
    """OFM is int32 or int64, as the options say (TFLite Micro has int32 alone)."""
    found, ordered = node.output.dtype, node.option("output_type")
    if found not in ELEMENT_BYTES or found != ordered:
        return f"{called(node.output)} is {found}, the output type {ordered}"
    return None


def one_axis(node: Node) -> str | None:
    """The axis is one constant int32 or int64 and names an axis of the IFM."""
    axis, rank = node.input(1), len(node.input(0).shape)
    if axis.data is None:
        return f"{called(axis)} is no constant"
    values = constant(axis).reshape(-1)
    if axis.dtype not in ELEMENT_BYTES or values.size != 1:
        return f"{called(axis)} is {axis.dtype} of shape {axis.shape}"
    return None if -rank <= int(values[0]) < rank else f"axis {int(values[0])} of rank {rank}"


def depth(node: Node) -> str | None:
    """The axis has 1 to 65535 elements, and OFM has the other axes of the IFM."""
    last = _last_axis(node)[-1]
    shape = node.input(0).shape
    if shape[last] > MAX_DEPTH:
        return f"{called(node.input(0))} has shape {shape}"
    return constraints.shape_mismatch(node, infer(node)[0])


def infer(node: Node) -> tuple[tuple[int, ...], ...]:
    """OFM's shape."""
    shape, (*others, _) = node.input(0).shape, _last_axis(node)
    return (tuple(shape[axis] for axis in others),)


def arg_max_rows(rows: Int64, minimum: bool) -> Int64:
    """Indices (rows,) of ``rows`` (rows, depth) of input bytes."""
    return np.asarray(rows.argmin(axis=1) if minimum else rows.argmax(axis=1), np.int64)


def compute(primitive: ArgMax, rows: Int64) -> Int64:
    """Output bytes (rows, element_bytes), int8 values, of an ArgMax from its input bytes (rows, depth)."""
    index = arg_max_rows(rows, primitive.minimum)[:, np.newaxis]
    raw = (index >> (8 * np.arange(primitive.element_bytes, dtype=np.int64))) & 255
    return (raw ^ 128) - 128


def reference(node: Node, inputs: Sequence[Int8], numerics: Numerics) -> npt.NDArray[Any]:
    """The indices, int32 or int64."""
    moved = inputs[0].transpose(_last_axis(node))
    rows = moved.reshape(-1, moved.shape[-1]).astype(np.int64)
    return arg_max_rows(rows, _minimum(node)).astype(node.output.dtype).reshape(moved.shape[:-1])


def lower(node: Node, numerics: Numerics, temporaries: Temporaries) -> tuple[Copy | ArgMax, ...]:
    """An ArgMax, of a Copy in which the axis is the last one."""
    ifm, order = node.input(0), _last_axis(node)
    shape = tuple(ifm.shape[axis] for axis in order)
    source: int = ifm.index
    copies: tuple[Copy, ...] = ()
    if order != sorted(order):
        source, steps = temporaries.map(map_shape(shape)), axis_steps(ifm.shape)
        moves = ([steps[axis] for axis in order], axis_steps(shape))
        copies = box(node, ifm.index, source, shape, moves=moves)
    found = ArgMax(
        op_index=node.operator.index,
        op=node.operator.op,
        input=source,
        output=node.output.index,
        rows=prod(shape[:-1]),
        depth=shape[-1],
        minimum=_minimum(node),
        element_bytes=ELEMENT_BYTES[node.output.dtype],
    )
    return (*copies, found)


def _last_axis(node: Node) -> list[int]:
    """The axes of the IFM, the operator's one last."""
    rank = len(node.input(0).shape)
    last = int(constant(node.input(1)).reshape(-1)[0]) % rank
    return [*(axis for axis in range(rank) if axis != last), last]


def _minimum(node: Node) -> bool:
    return node.operator.op == "ARG_MIN"


def _kind(name: str, table: str) -> Kind:
    return Kind(
        name=name,
        options=table,
        parse=parse,
        constraints=(
            constraints.arity(2, 2, "one IFM, the axis and one OFM"),
            int8_map,
            indices,
            accepts.rank(1, 6),
            one_axis,
            depth,
        ),
        reference=reference,
        lower=lower,
        infer=infer,
    )


ARG_MAX = _kind("ARG_MAX", "ArgMaxOptions")
ARG_MIN = _kind("ARG_MIN", "ArgMinOptions")
