"""ARG_MAX and ARG_MIN along the last axis: the index of the greatest or least, the first of equals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt
import tflite

from tfl2hw.ir.row_primitives import ArgMax
from tfl2hw.ops import constraints, options
from tfl2hw.ops.node import Int8, Kind, Node, Numerics, Temporaries, called, constant

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


def last_axis(node: Node) -> str | None:
    """The axis is one constant int32 or int64 and names the last axis of the IFM."""
    axis, rank = node.input(1), len(node.input(0).shape)
    if axis.data is None:
        return f"{called(axis)} is no constant"
    values = constant(axis).reshape(-1)
    if axis.dtype not in ELEMENT_BYTES or values.size != 1:
        return f"{called(axis)} is {axis.dtype} of shape {axis.shape}"
    return None if rank and int(values[0]) in (-1, rank - 1) else f"axis {int(values[0])} of rank {rank}"


def depth(node: Node) -> str | None:
    """The last axis has 1 to 65535 elements, and OFM has the other axes of the IFM."""
    shape = node.input(0).shape
    if shape[-1] > MAX_DEPTH:
        return f"{called(node.input(0))} has shape {shape}"
    return constraints.shape_mismatch(node, shape[:-1])


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
    shape = node.input(0).shape
    rows = inputs[0].reshape(-1, shape[-1]).astype(np.int64)
    return arg_max_rows(rows, _minimum(node)).astype(node.output.dtype).reshape(shape[:-1])


def lower(node: Node, numerics: Numerics, temporaries: Temporaries) -> tuple[ArgMax]:
    """An ArgMax."""
    shape = node.input(0).shape
    return (
        ArgMax(
            op_index=node.operator.index,
            op=node.operator.op,
            input=node.input(0).index,
            output=node.output.index,
            rows=prod(shape[:-1]),
            depth=shape[-1],
            minimum=_minimum(node),
            element_bytes=ELEMENT_BYTES[node.output.dtype],
        ),
    )


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
            last_axis,
            depth,
        ),
        reference=reference,
        lower=lower,
    )


ARG_MAX = _kind("ARG_MAX", "ArgMaxOptions")
ARG_MIN = _kind("ARG_MIN", "ArgMinOptions")
