"""Tensors of the file: shape, type, quantisation and constant data."""

from __future__ import annotations

import math
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt
import tflite

from tfl2hw.frontend.file import ModelFile
from tfl2hw.ir.graph import Operator, Quantisation, Tensor
from tfl2hw.ops.options import enum_name

DTYPES = {
    "FLOAT32": "float32",
    "FLOAT16": "float16",
    "FLOAT64": "float64",
    "BOOL": "bool",
    "INT8": "int8",
    "INT16": "int16",
    "INT32": "int32",
    "INT64": "int64",
    "UINT8": "uint8",
    "UINT16": "uint16",
    "UINT32": "uint32",
    "UINT64": "uint64",
}
MAX_RANK = 8
MAX_ELEMENTS = 1 << 26


def read_tensors(file: ModelFile, subgraph: Any) -> dict[int, Tensor]:
    """Every tensor of ``subgraph`` by its index."""
    raw = file.tables(subgraph.TensorsLength(), subgraph.Tensors, "tensors")
    buffers = file.tables(file.root.BuffersLength(), file.root.Buffers, "buffers")
    return {index: _tensor(file, index, table, buffers) for index, table in enumerate(raw)}


def _tensor(file: ModelFile, index: int, table: Any, buffers: list[Any]) -> Tensor:
    name = file.text(table.Name())
    where = f"tensor {index} '{name}'"
    kind = enum_name(tflite.TensorType, table.Type())
    if kind not in DTYPES:
        file.object_to(kind, f"{where} is of type {kind}; accepted: {', '.join(DTYPES)}")
    if table.Sparsity() is not None:
        file.object_to("sparse", f"{where} is sparse; accepted: dense tensors (convert without sparsity)")
    if table.IsVariable():
        file.object_to("variable", f"{where} is a variable; accepted: models without state between runs")
    shape, signature = _shape(file, table, where)
    plain = DTYPES.get(kind) if table.Sparsity() is None else None
    return Tensor(
        index=index,
        name=name,
        shape=shape,
        dtype=plain or (f"sparse {DTYPES[kind]}" if kind in DTYPES else kind.lower()),
        quantisation=_quantisation(file, table.Quantization(), shape, where),
        data=_data(file, table.Buffer(), buffers, shape, plain, where),
        signature=signature if -1 in signature else None,
        is_variable=bool(table.IsVariable()),
    )


def _shape(file: ModelFile, table: Any, where: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The recorded shape, 0 for what only the run would tell, and the shape signature."""
    shape = tuple(int(size) for size in file.numbers(table.ShapeAsNumpy(), "shapes"))
    signature = tuple(int(size) for size in file.numbers(table.ShapeSignatureAsNumpy(), "shapes"))
    if signature and len(signature) != len(shape):
        raise file.refuse(f"{where} has shape {shape} but shape signature {signature}, of another rank")
    if len(shape) > MAX_RANK or prod(shape) > MAX_ELEMENTS or min((*shape, *signature, 0)) < -1:
        raise file.refuse(
            f"{where} has shape {_abridged(shape)}; accepted: rank up to {MAX_RANK} and 1 to {MAX_ELEMENTS} "
            "elements"
        )
    if -1 in shape:
        signature, shape = signature or shape, tuple(max(size, 0) for size in shape)
    return shape, signature


def with_empty_constants(
    tensors: dict[int, Tensor], operators: tuple[Operator, ...], inputs: tuple[int, ...]
) -> dict[int, Tensor]:
    """``tensors``, with those that hold no elements and that nobody writes as constants.

    The new shape of a RESHAPE to a scalar is such a one; its buffer is as empty as an activation's.
    """
    written = {*inputs, *(index for operator in operators for index in operator.outputs)}
    return {
        index: replace(tensor, data=np.zeros(tensor.shape, tensor.dtype))
        if 0 in tensor.shape and not tensor.is_constant and index not in written and _is_whole(tensor)
        else tensor
        for index, tensor in tensors.items()
    }


def _is_whole(tensor: Tensor) -> bool:
    return tensor.signature is None and tensor.dtype in ("int32", "int64")


def _quantisation(file: ModelFile, table: Any, shape: tuple[int, ...], where: str) -> Quantisation | None:
    if table is None or table.ScaleLength() == 0:
        return None
    if table.DetailsType() != 0:
        raise file.refuse(f"{where} has custom quantisation; accepted: scales and zero points")
    scales = tuple(float(scale) for scale in file.numbers(table.ScaleAsNumpy(), "scales"))
    zeros = tuple(int(zero) for zero in file.numbers(table.ZeroPointAsNumpy(), "zero points"))
    if not all(math.isfinite(scale) and scale >= 0 for scale in scales):
        raise file.refuse(f"{where} has a scale that is negative or not finite")
    if len(zeros) not in (0, 1, len(scales)):
        raise file.refuse(f"{where} has {len(scales)} scales but {len(zeros)} zero points")
    axis = int(table.QuantizedDimension())
    if len(scales) > 1:
        axis = 0 if len(shape) == 1 else axis  # old converters write the weights' axis on the bias
        if not 0 <= axis < len(shape) or len(scales) != shape[axis]:
            raise file.refuse(
                f"{where} of shape {shape} has {len(scales)} scales along axis {axis}; accepted: one scale, "
                "or one for each index of an axis"
            )
    if len(zeros) != len(scales):
        zeros = (zeros[0] if zeros else 0,) * len(scales)
    return Quantisation(scales=scales, zero_points=zeros, axis=axis)


def _data(
    file: ModelFile, buffer: int, buffers: list[Any], shape: tuple[int, ...], dtype: str | None, where: str
) -> npt.NDArray[Any] | None:
    """The constant values, or None for an activation; the bytes where ``dtype`` is None."""
    if buffer >= len(buffers):
        raise file.refuse(f"{where} names buffer {buffer}, the file has {len(buffers)}")
    table = buffers[buffer]
    if table.Offset() > 1 or table.Size() > 1:
        raise file.refuse(f"{where} keeps its values outside the flatbuffer; accepted: models below 2 GB")
    if table.DataLength() == 0:
        return None
    data = file.numbers(table.DataAsNumpy(), "constants")
    if dtype is None:
        return np.frombuffer(data.tobytes(), np.uint8)
    needed = prod(shape) * np.dtype(dtype).itemsize
    if data.nbytes != needed:
        raise file.refuse(
            f"{where}, {dtype} {shape}, needs {needed} bytes; its buffer {buffer} has {data.nbytes}"
        )
    values = np.frombuffer(data.tobytes(), np.dtype(dtype).newbyteorder("<")).reshape(shape)
    return values.astype(dtype, copy=False)


def _abridged(shape: tuple[int, ...]) -> str:
    return str(shape) if len(shape) <= MAX_RANK else f"{shape[:MAX_RANK]} ... (rank {len(shape)})"
