"""What the primitives compute, by their definition: the reference of the hardware."""

from __future__ import annotations

from collections.abc import Sequence
from functools import singledispatch
from typing import Any

import numpy as np
import numpy.typing as npt

from tfl2hw.ir.primitives import (
    Apply,
    Convolution,
    Copy,
    Depthwise,
    Extremum,
    Lookup,
    MapShape,
    MatMul,
    Network,
    Product,
    Reshape,
    Softmax,
    TableSum,
)
from tfl2hw.ir.row_primitives import ArgMax, L2Normalize, LogSoftmax
from tfl2hw.ops import arg_max, l2_normalization, log_softmax
from tfl2hw.ops.shapes import (
    Window,
    accumulate_dense,
    accumulate_depthwise,
    extreme_of_windows,
    placed_window,
)
from tfl2hw.ops.softmax import softmax_rows

Int8 = npt.NDArray[np.int8]
Int64 = npt.NDArray[np.int64]
Maps = dict[int, Int64]


def evaluate_network(network: Network, inputs: Sequence[npt.NDArray[Any]]) -> dict[int, Int8]:
    """Every map of ``network`` by its tensor's index, int8 (height, width, channels).

    ``inputs`` are one array a model input, of the map's bytes.
    """
    maps: Maps = {
        index: np.ascontiguousarray(array).view(np.int8).astype(np.int64).reshape(network.shapes[index])
        for index, array in zip(network.inputs, inputs, strict=True)
    }
    maps |= {index: values.astype(np.int64) for index, values in network.constants.items()}
    for primitive in network.primitives:
        if primitive.output not in maps:
            maps[primitive.output] = np.zeros(network.shapes[primitive.output], np.int64)
        compute(primitive, maps)
    return {index: values.astype(np.int8) for index, values in maps.items()}


@singledispatch
def compute(primitive: Any, maps: Maps) -> None:
    """Write what ``primitive`` makes into its output map."""
    raise TypeError(f"{type(primitive).__name__} is no primitive")


@compute.register
def _(primitive: Reshape, maps: Maps) -> None:
    _fill(maps, primitive.output, maps[primitive.input])


@compute.register
def _(primitive: Softmax, maps: Maps) -> None:
    rows = maps[primitive.input].reshape(primitive.rows, primitive.depth)
    _fill(maps, primitive.output, softmax_rows(rows, primitive.exponentials))


@compute.register(LogSoftmax)
@compute.register(L2Normalize)
@compute.register(ArgMax)
def _(primitive: LogSoftmax | L2Normalize | ArgMax, maps: Maps) -> None:
    rows = maps[primitive.input].reshape(primitive.rows, primitive.depth)
    if isinstance(primitive, LogSoftmax):
        result = log_softmax.compute(primitive, rows)
    elif isinstance(primitive, L2Normalize):
        result = l2_normalization.compute(primitive, rows)
    else:
        result = arg_max.compute(primitive, rows)
    _fill(maps, primitive.output, result)


@compute.register
def _(primitive: TableSum, maps: Maps) -> None:
    operands = zip(primitive.tables, primitive.inputs, strict=True)
    total = np.sum([table[maps[index] + 128] for table, index in operands], axis=0)
    _fill(maps, primitive.output, primitive.rescale(total, np.zeros_like(total)))


@compute.register
def _(primitive: Product, maps: Maps) -> None:
    first, second = (
        maps[index] - zero for index, zero in zip(primitive.inputs, primitive.zero_points, strict=True)
    )
    _fill(maps, primitive.output, primitive.rescale(first * second, np.zeros_like(first)))


@compute.register
def _(primitive: Apply, maps: Maps) -> None:
    operands = [maps[index] for index in primitive.inputs]
    _fill(maps, primitive.output, np.asarray(primitive.reference(operands, primitive.fields), np.int64))


@compute.register
def _(primitive: Extremum, maps: Maps) -> None:
    choose = np.maximum if primitive.reduction == "maximum" else np.minimum
    first, second = (maps[index] for index in primitive.inputs)
    _fill(maps, primitive.output, np.clip(choose(first, second), primitive.low, primitive.high))


@compute.register
def _(primitive: Copy, maps: Maps) -> None:
    target = _pixels(maps[primitive.output])
    counts = [axis.count for axis in primitive.axes]
    grid = np.indices(counts).reshape(len(counts), -1) if counts else np.zeros((0, 1), np.int64)
    to = _places(primitive.target_start, [axis.target for axis in primitive.axes], grid)
    if primitive.input is None:
        target[to] = primitive.value
        return
    source = _pixels(maps[primitive.input])
    target[to] = source[_places(primitive.start, [axis.source for axis in primitive.axes], grid)]


def _places(start: tuple[int, int], steps: Sequence[tuple[int, int]], grid: Int64) -> tuple[Int64, Int64]:
    """Pixel and channel of every turn; none outside the map, to either side."""
    moves = np.array(steps, np.int64).reshape(-1, 2)
    pixel, channel = (start[n] + moves[:, n] @ grid for n in (0, 1))
    assert min(pixel.min(), channel.min()) >= 0, "a copy leaves its map"
    return pixel, channel


@compute.register
def _(primitive: MatMul, maps: Maps) -> None:
    first, second, target = primitive.starts
    left = _pixels(maps[primitive.inputs[0]])[first : first + primitive.rows] - primitive.zero_points[0]
    right = _pixels(maps[primitive.inputs[1]])[second : second + primitive.columns] - primitive.zero_points[1]
    total = left @ right.T
    result = primitive.rescale(total, np.zeros_like(total))
    _pixels(maps[primitive.output])[target : target + primitive.rows] = result


@compute.register
def _(primitive: Lookup, maps: Maps) -> None:
    digits = _pixels(maps[primitive.indices]) & 255
    places = 1 << (8 * np.arange(digits.shape[1], dtype=np.int64))
    _fill(maps, primitive.output, _pixels(maps[primitive.table])[digits @ places])


@compute.register
def _(primitive: Convolution, maps: Maps) -> None:
    kernel = (primitive.weights.shape[1], primitive.weights.shape[2])
    values, win = _read(primitive, maps), _window(primitive, kernel)
    filters, channels = len(primitive.weights) // primitive.groups, primitive.weights.shape[3]
    totals = [
        accumulate_dense(
            values[:, :, group * channels : (group + 1) * channels],
            primitive.weights[group * filters : (group + 1) * filters],
            win,
            primitive.pad_value,
        )
        for group in range(primitive.groups)
    ]
    _store(primitive, maps, np.concatenate(totals, axis=2))


@compute.register
def _(primitive: Depthwise, maps: Maps) -> None:
    kernel = (primitive.weights.shape[0], primitive.weights.shape[1])
    values, win = _read(primitive, maps), _window(primitive, kernel)
    if primitive.reduction == "sum":
        total = accumulate_depthwise(values, primitive.weights, win, primitive.pad_value)
    else:
        total = extreme_of_windows(values, win, primitive.pad_value, primitive.reduction)
    _store(primitive, maps, total)


def _read(primitive: Convolution | Depthwise, maps: Maps) -> Int64:
    """The rows of the input that the primitive reads."""
    height, width, channels = primitive.input_shape
    whole = maps[primitive.input].reshape(-1, width, channels)
    return whole[primitive.input_row : primitive.input_row + height]


def _store(primitive: Convolution | Depthwise, maps: Maps, total: Int64) -> None:
    """Rescale and put the results where the region says."""
    channels = np.arange(len(primitive.bias))
    result = primitive.rescale(total + primitive.bias, channels)
    region, (rows, columns, _) = primitive.region, result.shape
    target = maps[primitive.output]
    if target.size == result.size:
        _fill(maps, primitive.output, result)
        return
    down = slice(region.row, region.row + (rows - 1) * region.row_step + 1, region.row_step)
    across = slice(region.column, region.column + (columns - 1) * region.column_step + 1, region.column_step)
    target[down, across] = result


def _window(primitive: Convolution | Depthwise, kernel: tuple[int, int]) -> Window:
    (height, width, _), (rows, columns, _) = primitive.input_shape, primitive.output_shape
    return placed_window(
        (height, width), kernel, primitive.stride, primitive.dilation, primitive.padding, (rows, columns)
    )


def _fill(maps: Maps, index: int, values: Int64) -> None:
    maps[index] = values.reshape(maps[index].shape)


def _pixels(values: Int64) -> Int64:
    """A view of a map as (pixels, channels)."""
    shape: MapShape = (values.shape[0], values.shape[1], values.shape[2])
    return values.reshape(shape[0] * shape[1], shape[2])
