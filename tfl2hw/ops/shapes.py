"""Shapes: windows over feature maps, and how a tensor's shape becomes a map's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from tfl2hw.ir.primitives import MapShape, Reduction


def map_shape(shape: tuple[int, ...], element_bytes: int = 1) -> MapShape:
    """The (height, width, channels) map of a tensor; a vector is (1, 1, channels).

    Axes before the last two are rows, one after the other (a batch too). The bytes of elements wider than
    one are one more axis behind the last.
    """
    if element_bytes > 1:
        shape = (*shape, element_bytes)
    if len(shape) < 2:
        return (1, 1, shape[0] if shape else 1)
    return (prod(shape[:-2]), shape[-2], shape[-1])


@dataclass(frozen=True, kw_only=True)
class Window:
    """A kernel sliding over a map; every pair is (vertical, horizontal).

    ``before`` and ``after`` are padding cells at the top/left and bottom/right. Below 0, ``before`` are
    cells of the map at which no window starts.
    """

    kernel: tuple[int, int]
    stride: tuple[int, int]
    dilation: tuple[int, int]
    before: tuple[int, int]
    after: tuple[int, int]
    output: tuple[int, int]


def window(
    size: tuple[int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    dilation: tuple[int, int],
    padding: str | tuple[tuple[int, int], tuple[int, int]],
) -> Window:
    """The window that TFLite slides over a map of ``size``; an output size below 1 does not fit.

    ``padding`` is "SAME", "VALID", or explicit cells ((top, bottom), (left, right)).
    """
    axes = []
    for axis in (0, 1):
        cells = padding if isinstance(padding, str) else padding[axis]
        axes.append(_axis(size[axis], dilated(kernel[axis], dilation[axis]), stride[axis], cells))
    before, output = (axes[0][0], axes[1][0]), (axes[0][1], axes[1][1])
    return placed_window(size, kernel, stride, dilation, before, output)


def placed_window(
    size: tuple[int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    dilation: tuple[int, int],
    before: tuple[int, int],
    output: tuple[int, int],
) -> Window:
    """The window of known ``before`` and ``output``, with as much padding after as it reaches."""
    reach = [(output[axis] - 1) * stride[axis] + dilated(kernel[axis], dilation[axis]) for axis in (0, 1)]
    after = [max(reach[axis] - size[axis] - before[axis], 0) for axis in (0, 1)]
    return Window(
        kernel=kernel,
        stride=stride,
        dilation=dilation,
        before=before,
        after=(after[0], after[1]),
        output=output,
    )


def dilated(kernel: int, dilation: int) -> int:
    """Cells from a kernel's first tap to its last, along one axis."""
    return (kernel - 1) * dilation + 1


def _axis(size: int, reach: int, stride: int, padding: str | tuple[int, int]) -> tuple[int, int]:
    """Cells before, and output size, along one axis; ``reach`` is the dilated kernel's size."""
    if padding == "SAME":
        output = -(-size // stride)
        return max((output - 1) * stride + reach - size, 0) // 2, output
    before, after = (0, 0) if isinstance(padding, str) else padding
    return before, (size + before + after - reach) // stride + 1


def taps(
    values: npt.NDArray[np.int64], win: Window, pad_value: int
) -> Iterator[tuple[int, int, npt.NDArray[np.int64]]]:
    """Each tap (ky, kx) of the kernel with the (rows, columns, channels) cells that it meets."""
    (top, left), (bottom, right) = win.before, win.after
    inside = values[max(-top, 0) :, max(-left, 0) :]
    cells = ((max(top, 0), bottom), (max(left, 0), right), (0, 0))
    padded = np.pad(inside, cells, constant_values=pad_value)
    for ky in range(win.kernel[0]):
        for kx in range(win.kernel[1]):
            y, x = ky * win.dilation[0], kx * win.dilation[1]
            y_end = y + (win.output[0] - 1) * win.stride[0] + 1
            x_end = x + (win.output[1] - 1) * win.stride[1] + 1
            yield ky, kx, padded[y : y_end : win.stride[0], x : x_end : win.stride[1]]


def accumulate_dense(
    values: npt.NDArray[np.int64], weights: npt.NDArray[np.int8], win: Window, pad_value: int
) -> npt.NDArray[np.int64]:
    """Dense sums (rows, columns, output channels); ``weights`` is (outputs, kh, kw, inputs).

    The products are summed in float64, exact while sums stay under 2**53.
    """
    total = np.zeros((*win.output, weights.shape[0]), np.float64)
    real = weights.astype(np.float64)
    for ky, kx, cells in taps(values, win, pad_value):
        total += cells.astype(np.float64) @ real[:, ky, kx].T
    return total.astype(np.int64)


def accumulate_depthwise(
    values: npt.NDArray[np.int64], weights: npt.NDArray[Any], win: Window, pad_value: int
) -> npt.NDArray[np.int64]:
    """Sums of each channel on its own (rows, columns, channels); ``weights`` is (kh, kw, channels)."""
    total = np.zeros((*win.output, weights.shape[2]), np.int64)
    for ky, kx, cells in taps(values, win, pad_value):
        total += cells * weights[ky, kx].astype(np.int64)
    return total


def extreme_of_windows(
    values: npt.NDArray[np.int64], win: Window, pad_value: int, reduction: Reduction
) -> npt.NDArray[np.int64]:
    """The greatest or least value in each window of each channel (rows, columns, channels)."""
    choose = np.maximum if reduction == "maximum" else np.minimum
    result: npt.NDArray[np.int64] | None = None
    for _, _, cells in taps(values, win, pad_value):
        result = cells if result is None else choose(result, cells)
    assert result is not None
    return result
