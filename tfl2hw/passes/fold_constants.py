"""Folding: operators whose inputs are all known at compile time become constants.

Models with a dynamic batch compute shapes on int32 (SHAPE, STRIDED_SLICE, PACK, ...): with a batch of 1
nothing of it is left to run. Every operator here is exact by nature: it moves values, or works on integers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import prod
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from tfl2hw.frontend.tensors import DTYPES, MAX_RANK
from tfl2hw.ir.conversion import dequantised, quantised
from tfl2hw.ir.graph import Tensor
from tfl2hw.ops import Node

Array = npt.NDArray[Any]
Fold = Callable[[Node, Sequence[Array]], "Array | Sequence[Array]"]

MAX_ELEMENTS = 1 << 20
"""Above it an operator stays as it is: no shape is so long."""

INTEGERS = ("int32", "int64")
_WRONG_OPERANDS = (
    ValueError,
    IndexError,
    KeyError,
    TypeError,
    ArithmeticError,
    MemoryError,
)
"""What numpy raises on operands that fit no operator: the constraints will say so of the operator."""


def folded(node: Node, room: int) -> dict[int, Tensor] | None:
    """The outputs of ``node`` as constants of up to ``room`` elements, or None where it has to run.

    The file's record of their shapes is not used: it may be wrong where the batch is dynamic.
    """
    fold = FOLDS.get(node.operator.op)
    outputs = [node.graph.tensors[index] for index in node.operator.outputs]
    if fold is None or any(tensor.index in node.graph.outputs for tensor in outputs):
        return None
    inputs = _known_inputs(node)
    if inputs is None:
        return None
    try:
        with np.errstate(divide="raise", invalid="raise", over="ignore"):
            made = fold(node, inputs)
    except _WRONG_OPERANDS:
        return None
    if any(tensor.dtype not in DTYPES.values() for tensor in outputs):
        return None
    values = [made] if isinstance(made, np.ndarray) else list(made)
    if len(values) != len(outputs) or any(value.ndim > MAX_RANK for value in values):
        return None
    if sum(value.size for value in values) > min(room, MAX_ELEMENTS):
        return None
    return {tensor.index: _constant(tensor, value) for tensor, value in zip(outputs, values, strict=True)}


def _constant(tensor: Tensor, value: Array) -> Tensor:
    data = np.ascontiguousarray(value).reshape(value.shape).astype(tensor.dtype)
    return replace(tensor, shape=value.shape, data=data, signature=None)


def _known_inputs(node: Node) -> list[Array] | None:
    """The values of every input; for SHAPE and RANK, that of a settled activation is not needed."""
    if node.operator.op in ("SHAPE", "RANK"):
        tensor = node.get(0)
        return [] if tensor is not None and tensor.is_settled and len(node.operator.inputs) == 1 else None
    values = []
    for position in range(len(node.operator.inputs)):
        tensor = node.get(position)
        if tensor is None or tensor.data is None or tensor.data.dtype.name != tensor.dtype:
            return None
        values.append(tensor.data)
    return values if sum(value.size for value in values) <= MAX_ELEMENTS else None


def _integers(function: Callable[..., Any]) -> Fold:
    """Elementwise arithmetic on int32 or int64, without an activation after it."""

    def fold(node: Node, inputs: Sequence[Array]) -> Array:
        _want(all(value.dtype.name in INTEGERS for value in inputs))
        _want(node.operator.options.get("FusedActivationFunction", 0) == 0)
        _bounded(np.broadcast_shapes(*(value.shape for value in inputs)))
        return np.asarray(function(*inputs))

    return fold


def _reduction(function: Callable[..., Any]) -> Fold:
    def fold(node: Node, inputs: Sequence[Array]) -> Array:
        values, axes = inputs
        _want(values.dtype.name in INTEGERS)
        keep = bool(node.option("KeepDims"))
        return np.asarray(
            function(values, axis=tuple(axes.reshape(-1).tolist()), keepdims=keep), values.dtype
        )

    return fold


def _shape(node: Node, inputs: Sequence[Array]) -> Array:
    return np.array(node.input(0).shape, np.int64)


def _rank(node: Node, inputs: Sequence[Array]) -> Array:
    return np.array(len(node.input(0).shape), np.int64)


def _strided_slice(node: Node, inputs: Sequence[Array]) -> Array:
    values, begins, ends, strides = inputs
    _want(node.option("Offset") == 0)
    index: list[Any] = []
    for axis, (begin, end, stride) in enumerate(
        zip(begins.tolist(), ends.tolist(), strides.tolist(), strict=True)
    ):
        begin_open, end_open, ellipsis, new, shrink = (
            node.option(name) >> axis & 1
            for name in ("BeginMask", "EndMask", "EllipsisMask", "NewAxisMask", "ShrinkAxisMask")
        )
        if ellipsis:
            index.append(Ellipsis)
        elif new:
            index.append(None)
        elif shrink:
            index.append(0 if begin_open else begin)
        else:
            index.append(slice(None if begin_open else begin, None if end_open else end, stride))
    return np.asarray(values[tuple(index)])


def _slice(node: Node, inputs: Sequence[Array]) -> Array:
    values, begins, sizes = inputs
    _want(len(begins) == values.ndim and begins.min(initial=0) >= 0)
    return values[
        tuple(
            slice(begin, None if size == -1 else begin + size)
            for begin, size in zip(begins.tolist(), sizes.tolist(), strict=True)
        )
    ]


def _concatenation(node: Node, inputs: Sequence[Array]) -> Array:
    _want(all(value.dtype.name in INTEGERS for value in inputs))
    _want(node.option("FusedActivationFunction") == 0)
    return np.concatenate(inputs, node.option("Axis"))


def _gather(node: Node, inputs: Sequence[Array]) -> Array:
    values, indices = inputs
    axis = node.option("Axis") % values.ndim
    _want(node.option("BatchDims") == 0 and indices.min(initial=0) >= 0)
    _bounded((*values.shape[:axis], *indices.shape, *values.shape[axis + 1 :]))
    return np.take(values, indices, axis)


def _reshape(node: Node, inputs: Sequence[Array]) -> Array:
    new = inputs[1].reshape(-1).tolist() if len(inputs) == 2 else node.option("new_shape")
    return inputs[0].reshape(new)


def _squeeze(node: Node, inputs: Sequence[Array]) -> Array:
    return np.squeeze(inputs[0], node.option("SqueezeDimsAsNumpy") or None)


def _unpack(node: Node, inputs: Sequence[Array]) -> Sequence[Array]:
    return [np.asarray(each) for each in np.moveaxis(inputs[0], node.option("Axis"), 0)]


def _cast(node: Node, inputs: Sequence[Array]) -> Array:
    _want(inputs[0].dtype.name in (*INTEGERS, "bool") and node.output.dtype in (*INTEGERS, "bool"))
    return inputs[0]


def _range(node: Node, inputs: Sequence[Array]) -> Array:
    start, limit, step = (int(value.item()) for value in inputs)
    _want(inputs[0].dtype.name in INTEGERS)
    numbers = range(start, limit, step)
    _bounded((len(numbers),))
    return np.array(numbers, np.int64)


def _fill(node: Node, inputs: Sequence[Array]) -> Array:
    shape = tuple(inputs[0].tolist())
    _bounded(shape)
    return np.full(shape, inputs[1].item(), inputs[1].dtype)


def _broadcast_to(node: Node, inputs: Sequence[Array]) -> Array:
    shape = tuple(inputs[1].tolist())
    _bounded(shape)
    return np.broadcast_to(inputs[0], shape)


def _broadcast_args(node: Node, inputs: Sequence[Array]) -> Array:
    first, second = (tuple(value.tolist()) for value in inputs)
    return np.array(np.broadcast_shapes(first, second), np.int64)


def _tile(node: Node, inputs: Sequence[Array]) -> Array:
    values, times = inputs
    _want(len(times) == values.ndim and times.min(initial=1) >= 0)
    _bounded(tuple(size * count for size, count in zip(values.shape, times.tolist(), strict=True)))
    return np.tile(values, times)


def _quantize(node: Node, inputs: Sequence[Array]) -> Array:
    to = node.output.quantisation
    _want(inputs[0].dtype == np.float32 and node.output.dtype == "int8" and to is not None)
    assert to is not None
    _want(len(to.scales) == 1 and to.scale > 0 and -128 <= to.zero_point <= 127)
    return quantised(inputs[0], to)


def _dequantize(node: Node, inputs: Sequence[Array]) -> Array:
    by = node.input(0).quantisation
    _want(inputs[0].dtype == np.int8 and node.output.dtype == "float32" and by is not None)
    assert by is not None
    _want(len(by.scales) == 1)
    return dequantised(inputs[0], by)


def _truncated_quotient(first: Array, second: Array) -> Array:
    quotient = np.abs(first) // np.abs(second)
    return np.asarray(np.where((first < 0) != (second < 0), -quotient, quotient))


def _want(holds: bool) -> None:
    if not holds:
        raise ValueError


def _bounded(shape: tuple[int, ...]) -> None:
    _want(min(shape, default=0) >= 0 and prod(shape) <= MAX_ELEMENTS)


FOLDS: Mapping[str, Fold] = MappingProxyType({
    "ADD": _integers(np.add),
    "BROADCAST_ARGS": _broadcast_args,
    "BROADCAST_TO": _broadcast_to,
    "CAST": _cast,
    "CONCATENATION": _concatenation,
    "DEQUANTIZE": _dequantize,
    "DIV": _integers(_truncated_quotient),
    "EQUAL": _integers(np.equal),
    "EXPAND_DIMS": lambda node, inputs: np.expand_dims(inputs[0], int(inputs[1].item())),
    "FILL": _fill,
    "FLOOR_DIV": _integers(np.floor_divide),
    "FLOOR_MOD": _integers(np.mod),
    "GATHER": _gather,
    "GREATER": _integers(np.greater),
    "GREATER_EQUAL": _integers(np.greater_equal),
    "LESS": _integers(np.less),
    "LESS_EQUAL": _integers(np.less_equal),
    "MAXIMUM": _integers(np.maximum),
    "MINIMUM": _integers(np.minimum),
    "MUL": _integers(np.multiply),
    "NEG": _integers(np.negative),
    "NOT_EQUAL": _integers(np.not_equal),
    "PACK": lambda node, inputs: np.stack(inputs, node.option("Axis")),
    "QUANTIZE": _quantize,
    "RANGE": _range,
    "RANK": _rank,
    "REDUCE_MAX": _reduction(np.max),
    "REDUCE_MIN": _reduction(np.min),
    "REDUCE_PROD": _reduction(np.prod),
    "RESHAPE": _reshape,
    "SHAPE": _shape,
    "SLICE": _slice,
    "SQUEEZE": _squeeze,
    "STRIDED_SLICE": _strided_slice,
    "SUB": _integers(np.subtract),
    "SUM": _reduction(np.sum),
    "TILE": _tile,
    "TRANSPOSE": lambda node, inputs: np.transpose(inputs[0], inputs[1].tolist()),
    "UNPACK": _unpack,
    "ZEROS_LIKE": _integers(np.zeros_like),
})
