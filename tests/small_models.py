"""Small random models that together use everything the hardware can do."""

from __future__ import annotations

from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tflite

from tests.ops.agree import NONE, RELU, RELU6, SAME, VALID, RandomModel, full_range
from tfl2hw.frontend import load
from tfl2hw.ops.shapes import window
from tfl2hw.passes.uses import index_bound

Pair = tuple[int, int]
Array = npt.NDArray[Any]


class SmallModel(RandomModel):
    """Operators that take a tensor's index and return their output's."""

    def conv(
        self,
        ifm: int,
        filters: int,
        kernel: Pair,
        stride: Pair = (1, 1),
        padding: int = SAME,
        dilation: Pair = (1, 1),
        activation: int = NONE,
        *,
        depthwise: bool = False,
    ) -> int:
        """CONV_2D, or DEPTHWISE_CONV_2D with ``filters`` a multiple of the input's channels."""
        _, height, width, channels = self.tensors[ifm].shape
        shape = (1, *kernel, filters) if depthwise else (filters, *kernel, channels)
        weights = self.weights(shape, 3 if depthwise else 0)
        scheme = "SAME" if padding == SAME else "VALID"
        rows, columns = window((height, width), kernel, stride, dilation, scheme).output
        taps = prod(kernel) * (1 if depthwise else channels)
        ofm = self.activation((1, rows, columns, filters), scale=self.output_scale(ifm, weights, taps))
        fields = {"DepthMultiplier": filters // channels} if depthwise else {}
        self.operator(
            "DEPTHWISE_CONV_2D" if depthwise else "CONV_2D",
            [ifm, weights, self.bias(ifm, weights, filters)],
            [ofm],
            Padding=padding,
            StrideH=stride[0],
            StrideW=stride[1],
            DilationHFactor=dilation[0],
            DilationWFactor=dilation[1],
            FusedActivationFunction=activation,
            **fields,
        )
        return ofm

    def depthwise(
        self, ifm: int, kernel: Pair, stride: Pair = (1, 1), padding: int = SAME, **options: int
    ) -> int:
        """DEPTHWISE_CONV_2D with multiplier 1."""
        channels = self.tensors[ifm].shape[3]
        return self.conv(ifm, channels, kernel, stride, padding, depthwise=True, **options)

    def dense(self, ifm: int, outputs: int, activation: int = NONE) -> int:
        """FULLY_CONNECTED over the last axis."""
        shape = self.tensors[ifm].shape
        weights = self.weights((outputs, shape[-1]), None)
        ofm = self.activation((*shape[:-1], outputs), scale=self.output_scale(ifm, weights, shape[-1]))
        inputs = [ifm, weights, self.bias(ifm, weights, outputs)]
        keep = len(shape) > 2
        self.operator("FULLY_CONNECTED", inputs, [ofm], FusedActivationFunction=activation, KeepNumDims=keep)
        return ofm

    def add(self, first: int, second: int, activation: int = NONE) -> int:
        """ADD of two tensors of one shape."""
        scales = [self.tensors[each].scales[0] for each in (first, second)]
        scale = float(np.float32(max(scales) * self.random.uniform(0.7, 2)))
        ofm = self.activation(self.tensors[first].shape, scale=scale)
        self.operator("ADD", [first, second], [ofm], FusedActivationFunction=activation)
        return ofm

    def pool(self, ifm: int, kernel: Pair, stride: Pair, activation: int = NONE) -> int:
        """AVERAGE_POOL_2D without padding."""
        _, height, width, channels = self.tensors[ifm].shape
        rows, columns = ((s - k) // d + 1 for s, k, d in zip((height, width), kernel, stride, strict=True))
        ofm = self._alike(ifm, (1, rows, columns, channels))
        self.operator(
            "AVERAGE_POOL_2D",
            [ifm],
            [ofm],
            Padding=VALID,
            FilterHeight=kernel[0],
            FilterWidth=kernel[1],
            StrideH=stride[0],
            StrideW=stride[1],
            FusedActivationFunction=activation,
        )
        return ofm

    def flatten(self, ifm: int) -> int:
        """RESHAPE to a vector."""
        return self.reshape(ifm, (1, prod(self.tensors[ifm].shape)))

    def reshape(self, ifm: int, shape: tuple[int, ...]) -> int:
        """RESHAPE."""
        ofm = self._alike(ifm, shape)
        constant = self.tensor((len(shape),), data=np.array(shape, np.int32))
        self.operator("RESHAPE", [ifm, constant], [ofm], NewShape=shape)
        return ofm

    def softmax(self, ifm: int) -> int:
        """SOFTMAX over the last axis."""
        ofm = self.tensor(self.tensors[ifm].shape, scale=1 / 256, zero_point=-128)
        self.operator("SOFTMAX", [ifm], [ofm])
        return ofm

    def log_softmax(self, ifm: int) -> int:
        """LOG_SOFTMAX over the last axis."""
        ofm = self.tensor(self.tensors[ifm].shape, scale=1 / 16, zero_point=127)
        self.operator("LOG_SOFTMAX", [ifm], [ofm])
        return ofm

    def l2_normalize(self, ifm: int) -> int:
        """L2_NORMALIZATION over the last axis."""
        ofm = self.tensor(self.tensors[ifm].shape, scale=1 / 128)
        self.operator("L2_NORMALIZATION", [ifm], [ofm])
        return ofm

    def arg(self, operator: str, ifm: int, axis: int, dtype: str = "int32") -> int:
        """ARG_MAX or ARG_MIN."""
        shape = list(self.tensors[ifm].shape)
        del shape[axis]
        constant = self.tensor((1,), data=np.array([axis], np.int32))
        ofm = self.tensor(tuple(shape), dtype=dtype)
        self.operator(operator, [ifm, constant], [ofm], OutputType=getattr(tflite.TensorType, dtype.upper()))
        return ofm

    def gather(self, indices: int, rows: int, columns: int) -> int:
        """GATHER of rows of a constant table."""
        values = self.random.integers(-128, 128, (rows, columns)).astype(np.int8)
        table = self.tensor((rows, columns), scale=0.1, data=values)
        ofm = self.tensor((*self.tensors[indices].shape, columns), scale=0.1)
        self.operator("GATHER", [table, indices], [ofm], Axis=0)
        return ofm

    def write(self, folder: Path, name: str) -> Path:
        """The file."""
        path = folder / f"{name}.tflite"
        path.write_bytes(self.finish(self.inputs, self.outputs))
        return path

    def _alike(self, ifm: int, shape: tuple[int, ...]) -> int:
        tensor = self.tensors[ifm]
        return self.tensor(shape, scale=tensor.scales[0], zero_point=tensor.zero_points[0])


def network(seed: int, *, residual: bool = True) -> SmallModel:
    """A small MobileNet: every operator once at least, one after the other."""
    model = SmallModel(seed)
    model.sink(model.softmax(add_network(model, residual=residual)))
    return model


def convolutions(seed: int) -> SmallModel:
    """Strides, paddings, dilations and kernels of every kind, each with an input of its own."""
    model = SmallModel(seed)
    add_convolutions(model)
    return model


def everything(seed: int) -> SmallModel:
    """A small network and, beside it, every operator with sizes that fill no word."""
    model = SmallModel(seed)
    model.sink(add_network(model, residual=True))
    add_convolutions(model)
    add_vectors(model)
    return model


def add_network(model: SmallModel, *, residual: bool) -> int:
    """The logits of a small MobileNet."""
    x = model.input((1, 11, 9, 3))
    x = model.conv(x, 10, (3, 3), (2, 2), activation=RELU)
    x = model.depthwise(x, (3, 3), activation=RELU6)
    x = model.conv(x, 12, (1, 1))
    if residual:
        y = model.depthwise(model.conv(x, 12, (1, 1), activation=RELU), (3, 3))
        x = model.add(x, y, RELU)
    x = model.depthwise(x, (3, 3), (2, 2))
    x = model.conv(x, 17, (1, 1), activation=RELU)
    x = model.flatten(model.pool(x, (3, 3), (3, 3)))
    return model.dense(model.dense(x, 20, RELU), 6)


def add_convolutions(model: SmallModel) -> None:
    """Every way to walk an IFM."""
    model.sink(
        model.conv(model.input((1, 6, 7, 5)), 6, (3, 3)),
        model.conv(model.input((1, 9, 4, 3)), 9, (1, 1), padding=VALID, activation=RELU),
        model.conv(model.input((1, 9, 8, 2)), 4, (3, 2), (2, 1), VALID),
        model.conv(model.input((1, 12, 5, 1)), 7, (10, 4), (2, 2)),
        model.conv(model.input((1, 9, 9, 8)), 4, (3, 3), dilation=(2, 2)),
        model.conv(model.input((1, 3, 3, 2)), 2, (5, 5)),
        model.conv(model.input((1, 5, 5, 18)), 19, (1, 1), (2, 2)),
        model.depthwise(model.input((1, 6, 7, 5)), (3, 3)),
        model.depthwise(model.input((1, 7, 6, 9)), (3, 3), (2, 2), activation=RELU6),
        model.depthwise(model.input((1, 7, 5, 20)), (3, 3), (1, 2), VALID),
        model.depthwise(model.input((1, 9, 7, 6)), (5, 5)),
        model.depthwise(model.input((1, 9, 9, 3)), (3, 3), dilation=(2, 2)),
        model.conv(model.input((1, 8, 6, 1)), 8, (3, 3), (2, 2), depthwise=True),
    )


def add_vectors(model: SmallModel) -> None:
    """Sums, pools, vectors, rows, reshapes, and a softmax over several rows."""
    same = model.input((1, 4, 4, 6))
    twice = model.activation((1, 4, 4, 6), scale=2 * model.tensors[same].scales[0], zero_point=3)
    model.operator("ADD", [same, same], [twice])
    model.sink(
        twice,
        model.add(model.input((1, 5, 6, 7)), model.input((1, 5, 6, 7)), RELU),
        model.add(model.input((1, 21)), model.input((1, 21))),
        model.pool(model.input((1, 6, 4, 5)), (2, 2), (2, 2)),
        model.pool(model.input((1, 7, 7, 18)), (7, 7), (7, 7)),
        model.pool(model.input((1, 7, 7, 3)), (3, 2), (2, 1), RELU),
        model.dense(model.input((1, 37)), 5),
        model.dense(model.input((1, 130)), 21, RELU6),
        model.dense(model.input((1, 5, 13)), 4),
        model.flatten(model.input((1, 3, 4, 5))),
        model.flatten(model.input((1, 2, 2, 16))),
        model.reshape(model.input((1, 60)), (1, 4, 5, 3)),
        model.reshape(model.input((1, 3, 4, 5)), (1, 2, 3, 10)),
        model.softmax(model.input((1, 3, 5), scale=0.3)),
        model.softmax(model.input((1, 4, 11), scale=0.12)),
    )


def narrow_inputs(seed: int) -> SmallModel:
    """Inputs of few channels, whose kernels' rows are runs of bytes; reshaped, read twice, not packed."""
    model = SmallModel(seed)
    for channels in (1, 2, 3, 5):
        for kernel, stride in (((3, 3), (1, 1)), ((4, 5), (2, 2)), ((2, 7), (1, 3)), ((1, 4), (2, 1))):
            for padding in (SAME, VALID):
                model.sink(model.conv(model.input((1, 6, 9, channels)), 6, kernel, stride, padding))
    twice = model.input((1, 7, 8, 3))
    model.sink(model.conv(twice, 5, (3, 3)), model.conv(twice, 4, (5, 6), (2, 1)))
    vector = model.reshape(model.input((1, 108)), (1, 12, 9, 1))
    model.sink(
        model.conv(vector, 8, (5, 8), (2, 2), depthwise=True),
        model.conv(model.input((1, 9, 6, 3)), 4, (3, 3), dilation=(2, 1)),
        model.conv(model.input((1, 9, 6, 3)), 34, (5, 4), (2, 2)),
    )
    shared = model.input((1, 5, 6, 3))
    model.sink(model.conv(shared, 4, (3, 3)), model.pool(shared, (2, 2), (2, 2)))
    inner = model.conv(model.input((1, 6, 6, 4)), 6, (3, 3))
    model.sink(model.conv(inner, 40, (3, 3), (2, 2)))
    return model


def few_rows(seed: int) -> SmallModel:
    """Operators on rows that together fit the smallest chip."""
    model = SmallModel(seed)
    model.sink(
        model.log_softmax(model.input((1, 4, 7), scale=0.125)),
        model.l2_normalize(model.input((1, 3, 6))),
        model.arg("ARG_MIN", model.input((1, 9, 5)), 2),
        model.arg("ARG_MAX", model.input((1, 9, 5)), 1),
    )
    return model


def rows(seed: int) -> SmallModel:
    """Every operator on rows."""
    model = SmallModel(seed)
    add_rows(model)
    return model


def add_rows(model: SmallModel) -> None:
    """Every operator on rows: several rows, several scales, every axis, both types of indices."""
    model.sink(
        *(model.softmax(model.input((1, 3, depth), scale=0.25 / depth)) for depth in (5, 9)),
        *(model.log_softmax(model.input((1, 4, depth), scale=scale)) for depth, scale in LOGARITHMS),
        model.log_softmax(model.input((1, 70), scale=0.01)),
        model.l2_normalize(model.input((1, 6))),
        model.l2_normalize(model.input((1, 3, 4, 7))),
        model.l2_normalize(model.input((1, 5, 9), zero_point=-128)),
        model.arg("ARG_MAX", model.input((1, 9, 11)), -1),
        model.arg("ARG_MIN", model.input((1, 7, 5, 3)), 3),
        model.arg("ARG_MAX", model.input((1, 4, 6, 3)), 1),
        model.arg("ARG_MIN", model.input((1, 4, 6, 10)), 2),
        model.arg("ARG_MAX", model.input((1, 8, 5)), -2),
        model.arg("ARG_MIN", model.input((1, 12, 2)), 2),
    )
    model.sink(*(model.arg("ARG_MAX", model.input((1, 10, 3)), axis, "int64") for axis in (1, 2)))


def pairs(seed: int) -> SmallModel:
    """3x3 depthwise convolutions with odd and even numbers of lines, scanned either way, some in a row."""
    model = SmallModel(seed)
    x = model.depthwise(model.input((1, 6, 7, 8)), (3, 3))
    x = model.depthwise(model.conv(x, 16, (1, 1)), (3, 3), activation=RELU)
    x = model.depthwise(x, (3, 3), (2, 2))
    model.sink(
        model.depthwise(x, (3, 3)),
        model.depthwise(model.input((1, 5, 9, 16)), (3, 3)),
        model.depthwise(model.input((1, 9, 5, 16)), (3, 3)),
        model.depthwise(model.input((1, 7, 6, 5)), (3, 3), padding=VALID),
        model.depthwise(model.input((1, 12, 7, 16)), (3, 3), (2, 2)),
        model.depthwise(model.input((1, 9, 12, 8)), (3, 3), (2, 2), VALID),
        model.depthwise(model.input((1, 6, 13, 8)), (3, 3), (1, 3)),
        model.depthwise(model.input((1, 13, 5, 16)), (3, 3), (3, 1)),
        model.depthwise(model.input((1, 8, 5, 11)), (3, 3), (2, 1)),
    )
    return model


def windows(seed: int) -> SmallModel:
    """Depthwise kernels of many shapes, long ones over narrow maps among them, and average pools."""
    model = SmallModel(seed)
    x = model.depthwise(model.input((1, 23, 1, 16)), (5, 1), padding=VALID)
    x = model.depthwise(model.conv(x, 20, (1, 1)), (10, 1), padding=VALID, activation=RELU)
    x = model.depthwise(x, (3, 1), padding=VALID)
    model.sink(
        model.depthwise(x, (8, 1), padding=VALID),
        model.depthwise(model.input((1, 1, 19, 24)), (1, 7), (1, 2)),
        model.depthwise(model.input((1, 7, 8, 8)), (5, 5)),
        model.depthwise(model.input((1, 9, 6, 32)), (7, 7), (2, 1)),
        model.depthwise(model.input((1, 6, 9, 9)), (2, 2), (2, 2), VALID),
        model.depthwise(model.input((1, 8, 9, 16)), (3, 3), dilation=(2, 2)),
        model.pool(model.input((1, 8, 7, 24)), (3, 3), (1, 1)),
        model.pool(model.input((1, 5, 6, 20)), (5, 6), (5, 6)),
    )
    return model


def indices(seed: int) -> SmallModel:
    """Indices from outside and from an ARG_MAX take rows of tables."""
    model = SmallModel(seed)
    given = model.tensor((1, 5), dtype="int32")
    model.inputs.append(given)
    found = model.arg("ARG_MAX", model.input((1, 6, 7)), 2)
    model.sink(found, model.gather(given, 9, 12), model.gather(found, 7, 5))
    return model


LOGARITHMS = ((5, 0.25), (13, 0.125), (6, 0.25))
"""Depth and scale; two share a table."""


def samples(path: Path, count: int, seed: int = 0) -> list[list[Array]]:
    """Random inputs for the model at ``path``: bytes, or indices that are valid."""
    generator, graph = np.random.default_rng(seed), load(path)

    def values(index: int) -> Array:
        tensor = graph.tensors[index]
        if tensor.dtype == "int8":
            return full_range(generator, tensor.shape)
        return generator.integers(0, index_bound(graph, index), tensor.shape).astype(tensor.dtype)

    return [[values(index) for index in graph.inputs] for _ in range(count)]
