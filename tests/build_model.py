"""Real .tflite files for tests, written operator by operator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import flatbuffers
import numpy as np
import numpy.typing as npt
import tflite

OPTIONS = {
    "CONV_2D": "Conv2DOptions",
    "DEPTHWISE_CONV_2D": "DepthwiseConv2DOptions",
    "FULLY_CONNECTED": "FullyConnectedOptions",
    "ADD": "AddOptions",
    "AVERAGE_POOL_2D": "Pool2DOptions",
    "RESHAPE": "ReshapeOptions",
    "SOFTMAX": "SoftmaxOptions",
    "PAD": "PadOptions",
    "LEAKY_RELU": "LeakyReluOptions",
    "HARD_SWISH": "HardSwishOptions",
    "GELU": "GeluOptions",
    "EXP": "ExpOptions",
    "ABS": "AbsOptions",
    "NEG": "NegOptions",
    "QUANTIZE": "QuantizeOptions",
    "SUB": "SubOptions",
    "MUL": "MulOptions",
    "DIV": "DivOptions",
    "MAXIMUM": "MaximumMinimumOptions",
    "MINIMUM": "MaximumMinimumOptions",
    "SQUARED_DIFFERENCE": "SquaredDifferenceOptions",
    "PADV2": "PadV2Options",
    "MIRROR_PAD": "MirrorPadOptions",
    "CONCATENATION": "ConcatenationOptions",
    "SPLIT": "SplitOptions",
    "SPLIT_V": "SplitVOptions",
    "SLICE": "SliceOptions",
    "STRIDED_SLICE": "StridedSliceOptions",
    "PACK": "PackOptions",
    "UNPACK": "UnpackOptions",
    "TRANSPOSE": "TransposeOptions",
    "SQUEEZE": "SqueezeOptions",
    "EXPAND_DIMS": "ExpandDimsOptions",
    "GATHER": "GatherOptions",
    "SPACE_TO_DEPTH": "SpaceToDepthOptions",
    "DEPTH_TO_SPACE": "DepthToSpaceOptions",
    "SPACE_TO_BATCH_ND": "SpaceToBatchNDOptions",
    "BATCH_TO_SPACE_ND": "BatchToSpaceNDOptions",
    "RESIZE_NEAREST_NEIGHBOR": "ResizeNearestNeighborOptions",
    "RESIZE_BILINEAR": "ResizeBilinearOptions",
    "TILE": "TileOptions",
    "BROADCAST_TO": "BroadcastToOptions",
    "REVERSE_V2": "ReverseV2Options",
    "LOG_SOFTMAX": "LogSoftmaxOptions",
    "L2_NORMALIZATION": "L2NormOptions",
    "ARG_MAX": "ArgMaxOptions",
    "ARG_MIN": "ArgMinOptions",
    "TRANSPOSE_CONV": "TransposeConvOptions",
    "BATCH_MATMUL": "BatchMatMulOptions",
    "MAX_POOL_2D": "Pool2DOptions",
    "MEAN": "ReducerOptions",
    "SUM": "ReducerOptions",
    "REDUCE_MAX": "ReducerOptions",
    "REDUCE_MIN": "ReducerOptions",
    "REDUCE_PROD": "ReducerOptions",
    "SHAPE": "ShapeOptions",
}
VERSIONS = {"BROADCAST_TO": 2}
"""Of operators that LiteRT does not know in version 1."""
STRIDED = ("CONV_2D", "DEPTHWISE_CONV_2D", "AVERAGE_POOL_2D", "MAX_POOL_2D", "TRANSPOSE_CONV")
CUSTOM = tflite.BuiltinOperator.CUSTOM


@dataclass(frozen=True)
class Tensor:
    name: str
    shape: tuple[int, ...]
    dtype: str
    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    axis: int
    data: bytes | None
    signature: tuple[int, ...] | None
    variable: bool


@dataclass(frozen=True)
class Operator:
    name: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: dict[str, Any] | None


class ModelBuilder:
    """Tensors and operators, then `finish`.

    Options are given by the schema's field names: ``Padding=tflite.Padding.SAME, StrideH=2``. Of
    convolutions and pools the strides default to 1.
    """

    def __init__(self) -> None:
        self.tensors: list[Tensor] = []
        self.operators: list[Operator] = []

    def tensor(
        self,
        shape: Sequence[int],
        *,
        scale: float | Sequence[float] = (),
        zero_point: int | Sequence[int] = (),
        axis: int = 0,
        data: npt.NDArray[Any] | bytes | None = None,
        dtype: str = "int8",
        signature: Sequence[int] | None = None,
        name: str | None = None,
        variable: bool = False,
    ) -> int:
        """A tensor; its index. ``data`` makes it a constant (and gives its type, of an array)."""
        if isinstance(data, np.ndarray):
            dtype, data = data.dtype.name, data.tobytes()
        scales = (scale,) if isinstance(scale, float) else tuple(scale)
        zeros = (zero_point,) if isinstance(zero_point, int) else tuple(zero_point)
        self.tensors.append(
            Tensor(
                name=f"t{len(self.tensors)}" if name is None else name,
                shape=tuple(shape),
                dtype=dtype,
                scales=scales,
                zero_points=zeros or (0,) * len(scales),
                axis=axis,
                data=data,
                signature=None if signature is None else tuple(signature),
                variable=variable,
            )
        )
        return len(self.tensors) - 1

    def operator(
        self, name: str, inputs: Sequence[int], outputs: Sequence[int], options: bool = True, **fields: Any
    ) -> None:
        """An operator by its builtin name ("CUSTOM:x" for a custom one), perhaps without options."""
        if name in STRIDED:
            fields = {"StrideH": 1, "StrideW": 1, **fields}
        if name == "SOFTMAX":
            fields = {"Beta": 1.0, **fields}
        self.operators.append(Operator(name, tuple(inputs), tuple(outputs), fields if options else None))

    def finish(
        self,
        inputs: Sequence[int],
        outputs: Sequence[int],
        *,
        codes: str = "both",
        subgraphs: int = 1,
        sparse: int | None = None,
        buffers: int | None = None,
    ) -> bytes:
        """The file's bytes.

        Parameters
        ----------
        codes : "both" fields of the operator code are set, or the "new" or the "old" one alone.
        subgraphs : how many times the subgraph is listed.
        sparse : a tensor that gets sparsity parameters.
        buffers : how many buffers are listed (all that are used, by default).
        """
        return _Writer(self, codes, sparse).write(inputs, outputs, subgraphs, buffers)


class _Writer:
    def __init__(self, model: ModelBuilder, codes: str, sparse: int | None) -> None:
        self.model, self.codes, self.sparse = model, codes, sparse
        self.fb = flatbuffers.Builder(1024)

    def write(
        self, inputs: Sequence[int], outputs: Sequence[int], subgraphs: int, buffers: int | None
    ) -> bytes:
        fb = self.fb
        names = sorted({operator.name for operator in self.model.operators})
        codes = self.offsets([self.code(name) for name in names])
        graph = self.subgraph(names, inputs, outputs)
        graphs = self.offsets([graph] * subgraphs)
        stored = [self.buffer(None)] + [self.buffer(tensor.data) for tensor in self.model.tensors]
        listed = self.offsets(stored[:buffers])
        description = fb.CreateString("made for a test")
        tflite.ModelStart(fb)
        tflite.ModelAddVersion(fb, 3)
        tflite.ModelAddOperatorCodes(fb, codes)
        tflite.ModelAddSubgraphs(fb, graphs)
        tflite.ModelAddDescription(fb, description)
        tflite.ModelAddBuffers(fb, listed)
        fb.Finish(tflite.ModelEnd(fb), b"TFL3")
        return bytes(fb.Output())

    def offsets(self, items: list[int]) -> int:
        self.fb.StartVector(4, len(items), 4)
        for item in reversed(items):
            self.fb.PrependUOffsetTRelative(item)
        return int(self.fb.EndVector())

    def numbers(self, values: Sequence[Any], dtype: str) -> int:
        return int(self.fb.CreateNumpyVector(np.array(values, dtype)))

    def code(self, name: str) -> int:
        fb, custom = self.fb, name.startswith("CUSTOM:")
        number = CUSTOM if custom else getattr(tflite.BuiltinOperator, name)
        text = fb.CreateString(name[7:]) if custom else None
        tflite.OperatorCodeStart(fb)
        if self.codes != "new":
            tflite.OperatorCodeAddDeprecatedBuiltinCode(fb, min(number, 127))
        if self.codes != "old":
            tflite.OperatorCodeAddBuiltinCode(fb, number)
        if text is not None:
            tflite.OperatorCodeAddCustomCode(fb, text)
        tflite.OperatorCodeAddVersion(fb, VERSIONS.get(name, 1))
        return int(tflite.OperatorCodeEnd(fb))

    def buffer(self, data: bytes | None) -> int:
        fb = self.fb
        vector = self.numbers(np.frombuffer(data, np.uint8), "uint8") if data is not None else None
        tflite.BufferStart(fb)
        if vector is not None:
            tflite.BufferAddData(fb, vector)
        return int(tflite.BufferEnd(fb))

    def subgraph(self, names: list[str], inputs: Sequence[int], outputs: Sequence[int]) -> int:
        fb = self.fb
        tensors = self.offsets([self.tensor(i, tensor) for i, tensor in enumerate(self.model.tensors)])
        operators = self.offsets([self.operator(names, operator) for operator in self.model.operators])
        ins, outs = self.numbers(inputs, "int32"), self.numbers(outputs, "int32")
        tflite.SubGraphStart(fb)
        tflite.SubGraphAddTensors(fb, tensors)
        tflite.SubGraphAddInputs(fb, ins)
        tflite.SubGraphAddOutputs(fb, outs)
        tflite.SubGraphAddOperators(fb, operators)
        return int(tflite.SubGraphEnd(fb))

    def tensor(self, index: int, tensor: Tensor) -> int:
        fb = self.fb
        name, shape = fb.CreateString(tensor.name), self.numbers(tensor.shape, "int32")
        signature = None if tensor.signature is None else self.numbers(tensor.signature, "int32")
        quantisation, sparsity = self.quantisation(tensor), self.sparsity(index)
        tflite.TensorStart(fb)
        tflite.TensorAddShape(fb, shape)
        tflite.TensorAddType(fb, getattr(tflite.TensorType, tensor.dtype.upper()))
        tflite.TensorAddBuffer(fb, 0 if tensor.data is None else index + 1)
        tflite.TensorAddName(fb, name)
        tflite.TensorAddIsVariable(fb, tensor.variable)
        if quantisation is not None:
            tflite.TensorAddQuantization(fb, quantisation)
        if signature is not None:
            tflite.TensorAddShapeSignature(fb, signature)
        if sparsity is not None:
            tflite.TensorAddSparsity(fb, sparsity)
        return int(tflite.TensorEnd(fb))

    def quantisation(self, tensor: Tensor) -> int | None:
        if not tensor.scales:
            return None
        scales, zeros = self.numbers(tensor.scales, "float32"), self.numbers(tensor.zero_points, "int64")
        tflite.QuantizationParametersStart(self.fb)
        tflite.QuantizationParametersAddScale(self.fb, scales)
        tflite.QuantizationParametersAddZeroPoint(self.fb, zeros)
        tflite.QuantizationParametersAddQuantizedDimension(self.fb, tensor.axis)
        return int(tflite.QuantizationParametersEnd(self.fb))

    def sparsity(self, index: int) -> int | None:
        if index != self.sparse:
            return None
        tflite.SparsityParametersStart(self.fb)
        return int(tflite.SparsityParametersEnd(self.fb))

    def operator(self, names: list[str], operator: Operator) -> int:
        fb, options = self.fb, None
        ins, outs = self.numbers(operator.inputs, "int32"), self.numbers(operator.outputs, "int32")
        table = OPTIONS.get(operator.name)
        if table is not None and operator.options is not None:
            options = self.options(table, operator.options)
        tflite.OperatorStart(fb)
        tflite.OperatorAddOpcodeIndex(fb, names.index(operator.name))
        tflite.OperatorAddInputs(fb, ins)
        tflite.OperatorAddOutputs(fb, outs)
        if options is not None:
            tflite.OperatorAddBuiltinOptionsType(fb, getattr(tflite.BuiltinOptions, table))
            tflite.OperatorAddBuiltinOptions(fb, options)
        return int(tflite.OperatorEnd(fb))

    def options(self, table: str, fields: dict[str, Any]) -> int:
        made = {
            name: self.numbers(value, "int32") if isinstance(value, tuple) else value
            for name, value in fields.items()
        }
        getattr(tflite, f"{table}Start")(self.fb)
        for name, value in made.items():
            getattr(tflite, f"{table}Add{name}")(self.fb, value)
        return int(getattr(tflite, f"{table}End")(self.fb))
