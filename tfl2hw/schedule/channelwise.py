"""Depthwise convolutions, pools and per-channel scaling on the systolic array: a column a channel."""

from __future__ import annotations

from math import prod

import numpy as np
import numpy.typing as npt

from tfl2hw.ir.primitives import Depthwise, Int8
from tfl2hw.rtl_templates.isa import DIGIT_BITS, WINDOW

from .matrix import Maps, Matrix, bounds, channel_words, map_output
from .nest import Loop, Nest
from .pairs import by_pairs, fits_pairs
from .shape import Target

WINDOW_STRIDE = 16
"""Largest stride that the address generator's window counter (5 bits) can skip."""


def depthwise(layer: Depthwise, target: Target, maps: Maps) -> Matrix:
    """The cheapest of: a tap at a time, sliding window along rows, along columns, and the same two lines at
    a time.
    """
    digits = _digits(layer.weights)
    if len(digits) > 1:
        return _by_digits(layer, target, maps, digits)
    options = [_by_tap(layer, target, maps)]
    fits_window = layer.weights.shape[:2] == (WINDOW, WINDOW) and layer.dilation == (1, 1)
    fits_window = fits_window and max(layer.stride) <= WINDOW_STRIDE
    if target.window and fits_window and not options[0].hold:
        ways = (False, True)
        options += [_by_window(layer, target, maps, by_column=way) for way in ways]
        options += [
            by_pairs(layer, target, maps, by_column=way)
            for way in ways
            if fits_pairs(layer, target, maps, by_column=way)
        ]
    return min(options, key=lambda option: option.nest.tokens)


def _digits(weights: npt.NDArray[np.int8] | npt.NDArray[np.int64]) -> list[Int8]:
    """``weights`` as digits of DIGIT_BITS, highest first; all but that are in -64..63."""
    rest, base = weights.astype(np.int64), 1 << DIGIT_BITS
    digits: list[Int8] = []
    while rest.min() < -128 or rest.max() > 127:
        digit = (rest + base // 2) % base - base // 2
        digits.append(digit.astype(np.int8))
        rest = (rest - digit) >> DIGIT_BITS
    return [*reversed([*digits, rest.astype(np.int8)])]


def _by_tap(layer: Depthwise, target: Target, maps: Maps) -> Matrix:
    height, width, channels = layer.input_shape
    kernel_height, kernel_width, _ = layer.weights.shape
    row_bytes = width * maps.source_pixel
    (sy, sx), (dy, dx), (top, left) = layer.stride, layer.dilation, layer.padding
    taps = kernel_height * kernel_width
    flat = layer.weights.reshape(taps, channels).astype(np.int8)
    hold = bool((flat == flat[0]).all())
    words = np.zeros((channels, 1 if hold else taps, target.lanes), np.int8)
    words[:, :, 0] = flat[:1].T if hold else flat.T
    low, high = bounds(flat.T)
    if layer.reduction != "sum":
        low, high = np.full_like(low, -128), np.full_like(high, 127)
    return Matrix(
        nest=Nest(
            source=maps.source,
            loops=(
                Loop(),
                Loop(kernel_width, dx * maps.source_pixel, 0, dx),
                Loop(kernel_height, dy * row_bytes, dy, 0),
                Loop(layer.output_shape[1], sx * maps.source_pixel, 0, sx),
                Loop(layer.output_shape[0], sy * row_bytes, sy, 0),
                Loop(target.groups(channels), target.columns),
            ),
            offset=(layer.input_row - top) * row_bytes - left * maps.source_pixel,
            row=-top,
            column=-left,
            height=height,
            width=width,
            gap=max(0, target.chain - taps),
        ),
        output=map_output(maps, layer.output_shape, layer.region, target, by_column=False),
        weights=channel_words(words, target),
        bias=layer.bias,
        accumulator=(low, high),
        rescale=layer.rescale,
        pad_value=layer.pad_value,
        pick=True,
        hold=hold,
        reduction=layer.reduction,
    )


def _by_digits(layer: Depthwise, target: Target, maps: Maps, digits: list[Int8]) -> Matrix:
    """Weights wider than a byte: the taps once for each digit, the accumulator moving up in between."""
    height, width, channels = layer.input_shape
    kernel_height, kernel_width, _ = layer.weights.shape
    (sy, sx), (dy, dx) = layer.stride, layer.dilation
    row_bytes, taps = width * maps.source_pixel, kernel_height * kernel_width
    first = tuple(-cells for cells in layer.padding)
    last = [first[n] + (layer.output_shape[n] - 1) * layer.stride[n]
            + (layer.weights.shape[n] - 1) * layer.dilation[n] for n in (0, 1)]  # fmt: skip
    assert min(first) >= 0, "wide weights do not go with padding"
    assert last[0] < height, "wide weights do not go with padding"
    assert last[1] < width, "wide weights do not go with padding"
    words = np.zeros((channels, len(digits) * taps, target.lanes), np.int8)
    words[:, :, 0] = np.concatenate([digit.reshape(taps, channels) for digit in digits]).T
    return Matrix(
        nest=Nest(
            source=maps.source,
            loops=(
                Loop(kernel_width, dx * maps.source_pixel),
                Loop(kernel_height, dy * row_bytes),
                Loop(len(digits)),
                Loop(layer.output_shape[1], sx * maps.source_pixel),
                Loop(layer.output_shape[0], sy * row_bytes),
                Loop(target.groups(channels), target.columns),
            ),
            offset=(layer.input_row + first[0]) * row_bytes + first[1] * maps.source_pixel,
            gap=max(0, target.chain - len(digits) * taps),
        ),
        output=map_output(maps, layer.output_shape, layer.region, target, by_column=False),
        weights=channel_words(words, target),
        bias=layer.bias,
        accumulator=bounds(layer.weights.reshape(taps, channels).T),
        rescale=layer.rescale,
        pad_value=layer.pad_value,
        pick=True,
        digits=True,
    )


def _by_window(layer: Depthwise, target: Target, maps: Maps, *, by_column: bool) -> Matrix:
    """Words come in strips of three across the scan; the columns' shift registers hold the window."""
    height, width, channels = layer.input_shape
    row_bytes = width * maps.source_pixel
    (sy, sx), (top, left) = layer.stride, layer.padding
    along_row = (maps.source_pixel, 0, 1)
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
            source=maps.source,
            loops=loops,
            offset=(layer.input_row - top) * row_bytes - left * maps.source_pixel,
            row=-top,
            column=-left,
            height=height,
            width=width,
            gap=max(0, -(-target.chain // scan_stride) - WINDOW),
            skip=WINDOW - 1,
            stride=scan_stride,
        ),
        output=map_output(maps, layer.output_shape, layer.region, target, by_column=by_column),
        weights=channel_words(words, target),
        bias=layer.bias,
        accumulator=bounds(layer.weights.reshape(prod(layer.weights.shape[:2]), channels).T),
        rescale=layer.rescale,
        pad_value=layer.pad_value,
        pick=True,
    )
