"""Convolutions, fully connected layers and pools on the systolic array."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tfl2hw.ir.primitives import Convolution, Depthwise, Int8, Int64, Rescale

from .nest import Loop, Nest, Output, byte_rows
from .shape import Target

WINDOW = 3
"""Size of the columns' sliding window."""

WINDOW_STRIDE = 16
"""Largest stride that the address generator's window counter (5 bits) can skip."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Matrix:
    """A matrix job, before its addresses are known.

    ``weights`` is (groups, columns, words, lanes): what each column's bank holds for each group.
    ``accumulator`` bounds the bare sums of each filter: (low, high).
    """

    nest: Nest
    output: Output
    weights: Int8
    bias: Int64
    accumulator: tuple[Int64, Int64]
    rescale: Rescale
    pad_value: int
    pick: bool = False
    hold: bool = False

    @property
    def groups(self) -> int:
        """Groups of K filters."""
        return int(self.weights.shape[0])


@dataclass(frozen=True, kw_only=True, eq=False)
class Move:
    """A byte-copying job: im2col, or repacking."""

    nest: Nest
    output: Output
    pad_value: int


def bounds(weights: Int8) -> tuple[Int64, Int64]:
    """Least and greatest sum of products with any int8 inputs, for each row of ``weights``."""
    w = weights.astype(np.int64)
    low = np.minimum(w * -128, w * 127).sum(axis=1)
    high = np.maximum(w * -128, w * 127).sum(axis=1)
    return low, high


def _dense_weights(weights: Int8, target: Target) -> Int8:
    """(filters, taps, channels) to bank words: channels padded to lanes, filters to columns."""
    filters, taps, channels = weights.shape
    words = target.words(channels)
    full = np.zeros((target.groups(filters) * target.columns, taps, words * target.lanes), np.int8)
    full[:filters, :, :channels] = weights
    return full.reshape(-1, target.columns, taps * words, target.lanes)


def _map_output(name: str, shape: tuple[int, int, int], target: Target, *, by_column: bool = False) -> Output:
    height, width, channels = shape
    pixel, row = target.padded(channels), target.padded(channels) * width
    inner, outer = (width, height), (pixel, row)
    counts, steps = (inner, outer) if not by_column else (inner[::-1], outer[::-1])
    travelled = (counts[0] - 1) * steps[0]
    return Output(
        target=name,
        inner=counts[0],
        outer=counts[1],
        pixel=steps[0],
        row=steps[1] - travelled,
        group=target.columns - travelled - (counts[1] - 1) * steps[1],
    )


def direct(conv: Convolution, target: Target, source: str, pixel_bytes: int, name: str) -> Matrix:
    """A convolution that reads whole pixels of its input, ``pixel_bytes`` apart."""
    height, width, channels = conv.input_shape
    filters, kernel_height, kernel_width, _ = conv.weights.shape
    row_bytes = width * pixel_bytes
    (sy, sx), (dy, dx), (top, left) = conv.stride, conv.dilation, conv.padding
    words = target.words(channels)
    steps = kernel_height * kernel_width * words
    nest = Nest(
        source=source,
        loops=(
            Loop(words, target.lanes),
            Loop(kernel_width, dx * pixel_bytes, 0, dx),
            Loop(kernel_height, dy * row_bytes, dy, 0),
            Loop(conv.output_shape[1], sx * pixel_bytes, 0, sx),
            Loop(conv.output_shape[0], sy * row_bytes, sy, 0),
            Loop(target.groups(filters)),
        ),
        offset=-top * row_bytes - left * pixel_bytes,
        row=-top,
        column=-left,
        height=height,
        width=width,
        gap=max(0, target.chain - steps),
    )
    flat = conv.weights.reshape(filters, kernel_height * kernel_width, channels)
    return Matrix(
        nest=nest,
        output=_map_output(name, conv.output_shape, target),
        weights=_dense_weights(flat, target),
        bias=conv.bias,
        accumulator=bounds(flat.reshape(filters, -1)),
        rescale=conv.rescale,
        pad_value=conv.pad_value,
    )


def unfolded(
    conv: Convolution, target: Target, source: str, pixel_bytes: int, buffer: str, name: str
) -> tuple[Move, Matrix]:
    """im2col: the mover lays each pixel's whole window out in words, the array sees a 1x1 kernel."""
    height, width, channels = conv.input_shape
    filters, kernel_height, kernel_width, _ = conv.weights.shape
    out_height, out_width, _ = conv.output_shape
    row_bytes = width * pixel_bytes
    (sy, sx), (dy, dx), (top, left) = conv.stride, conv.dilation, conv.padding
    taps = kernel_height * kernel_width * channels
    move = Move(
        nest=Nest(
            source=source,
            loops=(
                Loop(channels, 1),
                Loop(kernel_width, dx * pixel_bytes, 0, dx),
                Loop(kernel_height, dy * row_bytes, dy, 0),
                Loop(out_width, sx * pixel_bytes, 0, sx),
                Loop(out_height, sy * row_bytes, sy, 0),
                Loop(),
            ),
            offset=-top * row_bytes - left * pixel_bytes,
            row=-top,
            column=-left,
            height=height,
            width=width,
        ),
        output=byte_rows(buffer, taps, out_height * out_width, target.padded(taps)),
        pad_value=conv.pad_value,
    )
    flat = Convolution(
        op_index=conv.op_index,
        op=conv.op,
        input=conv.input,
        output=conv.output,
        input_shape=(out_height, out_width, taps),
        output_shape=conv.output_shape,
        weights=conv.weights.reshape(filters, 1, 1, taps),
        bias=conv.bias,
        stride=(1, 1),
        dilation=(1, 1),
        padding=(0, 0),
        pad_value=conv.pad_value,
        rescale=conv.rescale,
    )
    return move, direct(flat, target, buffer, target.padded(taps), name)


def depthwise(layer: Depthwise, target: Target, source: str, pixel_bytes: int, name: str) -> Matrix:
    """The cheapest of: sliding window along rows, along columns, a tap at a time."""
    options = [_by_tap(layer, target, source, pixel_bytes, name)]
    fits_window = layer.weights.shape[:2] == (WINDOW, WINDOW) and layer.dilation == (1, 1)
    fits_window = fits_window and max(layer.stride) <= WINDOW_STRIDE
    if target.window and fits_window and not options[0].hold:
        for by_column in (False, True):
            options.append(_by_window(layer, target, source, pixel_bytes, name, by_column=by_column))
    return min(options, key=lambda option: option.nest.tokens)


def _by_tap(layer: Depthwise, target: Target, source: str, pixel_bytes: int, name: str) -> Matrix:
    height, width, channels = layer.input_shape
    kernel_height, kernel_width, _ = layer.weights.shape
    row_bytes = width * pixel_bytes
    (sy, sx), (dy, dx), (top, left) = layer.stride, layer.dilation, layer.padding
    taps = kernel_height * kernel_width
    flat = layer.weights.reshape(taps, channels)
    hold = bool((flat == flat[0]).all())
    words = np.zeros((channels, 1 if hold else taps, target.lanes), np.int8)
    words[:, :, 0] = flat[:1].T if hold else flat.T
    return Matrix(
        nest=Nest(
            source=source,
            loops=(
                Loop(),
                Loop(kernel_width, dx * pixel_bytes, 0, dx),
                Loop(kernel_height, dy * row_bytes, dy, 0),
                Loop(layer.output_shape[1], sx * pixel_bytes, 0, sx),
                Loop(layer.output_shape[0], sy * row_bytes, sy, 0),
                Loop(target.groups(channels), target.columns),
            ),
            offset=-top * row_bytes - left * pixel_bytes,
            row=-top,
            column=-left,
            height=height,
            width=width,
            gap=max(0, target.chain - taps),
        ),
        output=_map_output(name, layer.output_shape, target),
        weights=_channel_words(words, target),
        bias=layer.bias,
        accumulator=bounds(flat.T),
        rescale=layer.rescale,
        pad_value=layer.pad_value,
        pick=True,
        hold=hold,
    )


def _by_window(
    layer: Depthwise, target: Target, source: str, pixel_bytes: int, name: str, *, by_column: bool
) -> Matrix:
    """Words come in strips of three across the scan; the columns' shift registers hold the window."""
    height, width, channels = layer.input_shape
    row_bytes = width * pixel_bytes
    (sy, sx), (top, left) = layer.stride, layer.padding
    along_row = (pixel_bytes, 0, 1)
    along_column = (row_bytes, 1, 0)
    scan, across = (along_column, along_row) if by_column else (along_row, along_column)
    scan_stride, across_stride = (sy, sx) if by_column else (sx, sy)
    out_height, out_width, _ = layer.output_shape
    scanned, lines = (out_height, out_width) if by_column else (out_width, out_height)
    # (phase across the scan, position along it): the newest strip stands in lane 0
    taps = layer.weights.transpose(1, 0, 2) if by_column else layer.weights
    words = np.zeros((channels, WINDOW, target.lanes), np.int8)
    for lane in range(WINDOW):
        words[:, :, lane] = taps[:, WINDOW - 1 - lane, :].T
    loops = (
        Loop(),
        Loop(),
        Loop(WINDOW, *across),
        Loop(WINDOW + (scanned - 1) * scan_stride, *scan),
        Loop(lines, *(across_stride * each for each in across)),
        Loop(target.groups(channels), target.columns),
    )
    return Matrix(
        nest=Nest(
            source=source,
            loops=loops,
            offset=-top * row_bytes - left * pixel_bytes,
            row=-top,
            column=-left,
            height=height,
            width=width,
            gap=max(0, -(-target.chain // scan_stride) - WINDOW),
            skip=WINDOW - 1,
            stride=scan_stride,
        ),
        output=_map_output(name, layer.output_shape, target, by_column=by_column),
        weights=_channel_words(words, target),
        bias=layer.bias,
        accumulator=bounds(layer.weights.reshape(-1, channels).T),
        rescale=layer.rescale,
        pad_value=layer.pad_value,
        pick=True,
    )


def _channel_words(words: Int8, target: Target) -> npt.NDArray[np.int8]:
    """(channels, words, lanes) to (groups, columns, words, lanes), padded with zero filters."""
    channels, count, lanes = words.shape
    full = np.zeros((target.groups(channels) * target.columns, count, lanes), np.int8)
    full[:channels] = words
    return full.reshape(-1, target.columns, count, lanes)
