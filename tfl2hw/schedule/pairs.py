"""3x3 depthwise convolutions, two neighbouring lines of the OFM at a time."""

from __future__ import annotations

from math import prod

import numpy as np

from tfl2hw.ir.primitives import Depthwise, Int8, Region
from tfl2hw.rtl_templates.isa import PLACES, WINDOW

from .matrix import Maps, Matrix, bounds, channel_words
from .nest import Loop, Nest, Output
from .shape import Target


def fits_pairs(layer: Depthwise, target: Target, maps: Maps, *, by_column: bool) -> bool:
    """Whether ``by_pairs`` takes a layer that fits the window: its results fill the map, line behind line."""
    across_stride = layer.stride[1] if by_column else layer.stride[0]
    whole = layer.region == Region() and prod(layer.output_shape) == prod(maps.target_shape)
    return target.pair and whole and WINDOW + across_stride <= PLACES


def by_pairs(layer: Depthwise, target: Target, maps: Maps, *, by_column: bool) -> Matrix:
    """Words come in strips across the scan, as wide as the windows of two lines: the lower half of the
    lanes has the weights of the first line, the upper half those of the second.

    The last pair comes first. Where the number of lines is odd, its second line is none: what is written for
    it is overwritten by the first pair, or stands in the room that is kept behind the map.
    """
    height, width, channels = layer.input_shape
    row_bytes = width * maps.source_pixel
    (sy, sx), (top, left) = layer.stride, layer.padding
    along_row, along_column = (maps.source_pixel, 0, 1), (row_bytes, 1, 0)
    scan, across = (along_column, along_row) if by_column else (along_row, along_column)
    scan_stride, across_stride = (sy, sx) if by_column else (sx, sy)
    scanned, lines = layer.output_shape[:2] if by_column else layer.output_shape[1::-1]
    pairs, phases = -(-lines // 2), WINDOW + across_stride
    skipped = 2 * (pairs - 1) * across_stride  # cells across the scan before the last pair
    loops = (
        Loop(),
        Loop(),
        Loop(phases, *across),
        Loop(WINDOW + (scanned - 1) * scan_stride, *scan),
        Loop(pairs, *(-2 * across_stride * each for each in across)),
        Loop(target.groups(channels), target.columns),
    )
    step, row, column = (skipped * each for each in across)
    # lines and positions whose results leave follow each other at least so many positions apart
    apart = min(scan_stride, WINDOW)
    return Matrix(
        nest=Nest(
            source=maps.source,
            loops=loops,
            offset=(layer.input_row - top) * row_bytes - left * maps.source_pixel + step,
            row=row - top,
            column=column - left,
            height=height,
            width=width,
            gap=max(0, -(-2 * target.chain // apart) - phases),
            skip=WINDOW - 1,
            stride=scan_stride,
        ),
        output=_output(maps, (scanned, lines), target, by_column=by_column),
        weights=channel_words(_words(layer, target, phases, by_column=by_column), target),
        bias=layer.bias,
        accumulator=bounds(layer.weights.reshape(-1, channels).T),
        rescale=layer.rescale,
        pad_value=layer.pad_value,
        pick=True,
        pair=True,
    )


def _words(layer: Depthwise, target: Target, phases: int, *, by_column: bool) -> Int8:
    """(channels, phases, lanes): the newest strip stands in the first lane of each half."""
    taps = layer.weights.transpose(1, 0, 2) if by_column else layer.weights
    words = np.zeros((layer.input_shape[2], phases, target.lanes), np.int8)
    for lane in range(WINDOW):
        strip = taps[:, WINDOW - 1 - lane, :].T
        words[:, :WINDOW, lane] = strip
        words[:, phases - WINDOW :, target.lanes // 2 + lane] = strip
    return words


def _output(maps: Maps, counts: tuple[int, int], target: Target, *, by_column: bool) -> Output:
    """The writer's walk: the two lines, positions along them, pairs from the last to the first, groups."""
    scanned, lines = counts
    pixel, pairs = maps.target_pixel, -(-lines // 2)
    along, line = (lines * pixel, pixel) if by_column else (pixel, scanned * pixel)
    travelled = line + (scanned - 1) * along
    last = 2 * (pairs - 1) * line
    beyond = line if lines % 2 else 0
    return Output(
        target=maps.target,
        inner=2,
        outer=scanned,
        planes=pairs,
        pixel=line,
        row=along - line,
        plane=-travelled - 2 * line,
        group=target.columns - travelled + last,
        offset=last,
        room=scanned * lines * pixel + beyond,
    )
