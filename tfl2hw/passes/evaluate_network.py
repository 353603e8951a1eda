"""What the primitives compute, by their definition: the reference of the hardware."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tfl2hw.ir.primitives import Convolution, Depthwise, Network, Primitive, Reshape, Softmax, TableSum
from tfl2hw.ir.row_primitives import ArgMax, L2Normalize, LogSoftmax
from tfl2hw.ops import arg_max, l2_normalization, log_softmax
from tfl2hw.ops.shapes import Window, accumulate_dense, accumulate_depthwise, placed_window
from tfl2hw.ops.softmax import softmax_rows

Int8 = npt.NDArray[np.int8]
Int64 = npt.NDArray[np.int64]
Maps = dict[int, Int64]


def evaluate_network(network: Network, inputs: Sequence[npt.NDArray[Any]]) -> dict[int, Int8]:
    """Every map of ``network`` by its tensor's index, int8 (height, width, channels).

    ``inputs`` are one int8 array a model input, of the map's size.
    """
    maps: Maps = {
        index: np.asarray(array, np.int64).reshape(network.shapes[index])
        for index, array in zip(network.inputs, inputs, strict=True)
    }
    for primitive in network.primitives:
        maps[primitive.output] = _compute(primitive, maps).reshape(network.shapes[primitive.output])
    return {index: values.astype(np.int8) for index, values in maps.items()}


def _compute(primitive: Primitive, maps: Maps) -> Int64:
    if isinstance(primitive, Reshape):
        return maps[primitive.input]
    if isinstance(primitive, Softmax):
        rows = maps[primitive.input].reshape(primitive.rows, primitive.depth)
        return softmax_rows(rows, primitive.exponentials)
    if isinstance(primitive, LogSoftmax | L2Normalize | ArgMax):
        return _row_by_row(primitive, maps[primitive.input].reshape(primitive.rows, primitive.depth))
    if isinstance(primitive, TableSum):
        first, second = (maps[index] + 128 for index in primitive.inputs)
        total = primitive.tables[0][first] + primitive.tables[1][second]
        return primitive.rescale(total, np.zeros_like(total))
    return _sliding(primitive, maps[primitive.input])


def _row_by_row(primitive: LogSoftmax | L2Normalize | ArgMax, rows: Int64) -> Int64:
    if isinstance(primitive, LogSoftmax):
        return log_softmax.compute(primitive, rows)
    if isinstance(primitive, L2Normalize):
        return l2_normalization.compute(primitive, rows)
    return arg_max.compute(primitive, rows)


def _sliding(primitive: Convolution | Depthwise, values: Int64) -> Int64:
    if isinstance(primitive, Convolution):
        win = _window(primitive, (primitive.weights.shape[1], primitive.weights.shape[2]))
        total = accumulate_dense(values, primitive.weights, win, primitive.pad_value)
    else:
        win = _window(primitive, (primitive.weights.shape[0], primitive.weights.shape[1]))
        total = accumulate_depthwise(values, primitive.weights, win, primitive.pad_value)
    return primitive.rescale(total + primitive.bias, np.arange(len(primitive.bias)))


def _window(primitive: Convolution | Depthwise, kernel: tuple[int, int]) -> Window:
    (height, width, _), (rows, columns, _) = primitive.input_shape, primitive.output_shape
    return placed_window(
        (height, width), kernel, primitive.stride, primitive.dilation, primitive.padding, (rows, columns)
    )
