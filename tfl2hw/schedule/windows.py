"""Depthwise kernels on the columns' windows: along which axis, how many taps, lines, channels at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import prod

import numpy as np

from tfl2hw.ir.primitives import Depthwise, Int8, Region

from .matrix import Maps, Matrix, bounds, map_output
from .nest import Loop, Nest, Output
from .shape import Target

WINDOW_STRIDE = 16
"""Largest stride that the address generator's window counter (5 bits) can skip."""


@dataclass(frozen=True, kw_only=True)
class Form:
    """One way of walking a depthwise layer.

    The *scan* goes along rows, or ``by_column``. Each position of it has a token for every cell across it and
    every one of ``segments`` along it. Its byte and those of the ``depth - 1`` positions before meet as many
    taps; with a depth of 1 a token is a tap, and positions that a stride jumps over are not read. ``lines``
    of the OFM (1 or 2) and ``channels`` a column (1 or 2) are made at a time.
    """

    by_column: bool
    lines: int
    channels: int
    depth: int
    segments: int

    @property
    def parts(self) -> int:
        """Results of a pixel."""
        return self.lines * self.channels


def by_window(layer: Depthwise, target: Target, maps: Maps) -> Matrix:
    """The job with the fewest tokens; among equals, the one with the smallest window and the fewest sums."""
    found = ((form, _nest(layer, target, maps, form)) for form in forms(layer, target, maps))
    form, nest = min(found, key=lambda each: (each[1].tokens, each[0].parts, each[0].depth))
    return build(layer, target, maps, form, nest)


def forms(layer: Depthwise, target: Target, maps: Maps) -> Iterator[Form]:
    """All forms that the layer can have on ``target``; the first one is a tap at a time, along rows."""
    plain = layer.reduction == "sum"
    for lines, channels in target.divisions:
        most = min(target.window, target.lanes // (lines * channels))
        if channels > 1 and (not plain or maps.target_pixel % target.lanes):
            continue
        for by_column in (False, True):
            if lines > 1 and not (plain and _fits_lines(layer, maps, by_column=by_column)):
                continue
            axis = 0 if by_column else 1
            taps, dilation = layer.weights.shape[axis], layer.dilation[axis]
            splits = [(1, taps)]
            if plain and layer.stride[axis] <= WINDOW_STRIDE:
                splits += _splits((taps - 1) * dilation + 1, most)
            for depth, segments in splits:
                form = Form(
                    by_column=by_column, lines=lines, channels=channels, depth=depth, segments=segments
                )
                if depth == 1 or segments * _cells(layer, form) <= target.places:
                    yield form


def _splits(length: int, most: int) -> list[tuple[int, int]]:
    """Depths from 2 to ``most``, each with the least segments that cover ``length`` taps."""
    depths = {-(-length // segments): segments for segments in range(length, 0, -1)}
    return [(depth, segments) for depth, segments in depths.items() if 2 <= depth <= most]


def _fits_lines(layer: Depthwise, maps: Maps, *, by_column: bool) -> bool:
    """Whether two lines at a time can be made: results have to fill the map, line behind line."""
    across = 1 if by_column else 0
    whole = layer.region == Region() and prod(layer.output_shape) == prod(maps.target_shape)
    return whole and layer.dilation[across] == 1


def _cells(layer: Depthwise, form: Form) -> int:
    """Cells across the scan of a position."""
    across = 1 if form.by_column else 0
    return int(layer.weights.shape[across]) + (form.lines - 1) * layer.stride[across]


def _nest(layer: Depthwise, target: Target, maps: Maps, form: Form) -> Nest:
    """Levels 1 and 2 are segments and cells across the scan, level 3 positions, level 4 lines.

    Pairs of lines come from the last to the first. Where the number of lines is odd, the last pair's second
    line is none: what is written for it is overwritten by the pair before, or stands in the room that is kept
    behind the map.
    """
    height, width, channels = layer.input_shape
    row_bytes, (top, left) = width * maps.source_pixel, layer.padding
    along_row, along_column = (maps.source_pixel, 0, 1), (row_bytes, 1, 0)
    scan, across = (along_column, along_row) if form.by_column else (along_row, along_column)
    stride, across_stride = _turned(layer.stride, form)
    dilation, across_dilation = _turned(layer.dilation, form)
    scanned, lines = _turned(layer.output_shape[:2], form)
    windowed, passes, cells = form.depth > 1, -(-lines // form.lines), _cells(layer, form)
    positions = form.depth + (scanned - 1) * stride if windowed else scanned
    backwards = form.lines > 1
    line_step = -form.lines * across_stride if backwards else across_stride
    skipped = form.lines * (passes - 1) * across_stride if backwards else 0
    loops = (
        Loop(),
        Loop(form.segments, *_times(form.depth if windowed else dilation, scan)),
        Loop(cells, *_times(across_dilation, across)),
        Loop(positions, *_times(1 if windowed else stride, scan)),
        Loop(passes, *_times(line_step, across)),
        Loop(-(-target.groups(channels) // form.channels), target.columns * form.channels),
    )
    step, row, column = _times(skipped, across)
    # pixels whose results leave follow each other at least so many positions apart, across lines too
    apart = 1 if not windowed else form.depth if scanned == 1 else min(stride, form.depth)
    return Nest(
        source=maps.source,
        loops=loops,
        offset=(layer.input_row - top) * row_bytes - left * maps.source_pixel + step,
        row=row - top,
        column=column - left,
        height=height,
        width=width,
        gap=max(0, -(-form.parts * target.chain // apart) - cells * form.segments),
        skip=form.depth - 1,
        stride=stride if windowed else 1,
    )


def _times(number: int, step: tuple[int, int, int]) -> tuple[int, int, int]:
    address, row, column = step
    return number * address, number * row, number * column


def _turned(pair: tuple[int, ...], form: Form) -> tuple[int, int]:
    """(rows, columns) as (along the scan, across it)."""
    rows, columns = pair
    return (rows, columns) if form.by_column else (columns, rows)


def build(layer: Depthwise, target: Target, maps: Maps, form: Form, nest: Nest) -> Matrix:
    """The job that walks ``nest``. Tokens that all have the same weights share a word (``hold``)."""
    channels = layer.input_shape[2]
    words = _words(layer, target, form)
    hold = bool((words == words[:, :1]).all())
    low, high = bounds(layer.weights.reshape(-1, channels).T)
    if layer.reduction != "sum":
        low, high = np.full_like(low, -128), np.full_like(high, 127)
    output = map_output(maps, layer.output_shape, layer.region, target, by_column=form.by_column)
    if form.lines > 1:
        output = _paired(maps, _turned(layer.output_shape[:2], form), target, by_column=form.by_column)
    further = (form.channels - 1) * target.columns
    return Matrix(
        nest=nest,
        output=replace(output, group=output.group + further, twin=form.channels > 1),
        weights=_bank(words[:, :1] if hold else words, target, form),
        bias=layer.bias,
        accumulator=(low, high),
        rescale=layer.rescale,
        pad_value=layer.pad_value,
        pick=True,
        hold=hold,
        pair=form.lines > 1,
        twin=form.channels > 1,
        window=form.depth,
        reduction=layer.reduction,
    )


def _words(layer: Depthwise, target: Target, form: Form) -> Int8:
    """(channels, tokens, lanes of a channel): in a line's part the newest byte stands in the first lane."""
    taps = layer.weights.astype(np.int8)
    taps = taps if form.by_column else taps.transpose(1, 0, 2)  # (along the scan, across it, channels)
    _, across_stride = _turned(layer.stride, form)
    dilation, _ = _turned(layer.dilation, form)
    if form.depth > 1:  # cells that a dilation leaves out have weights of zero
        cells = np.zeros((form.segments * form.depth, *taps.shape[1:]), np.int8)
        cells[: (len(taps) - 1) * dilation + 1 : dilation] = taps
        taps = cells
    size = target.lanes // form.parts
    words = np.zeros((taps.shape[2], _cells(layer, form), form.segments, form.lines, size), np.int8)
    for segment in range(form.segments):
        for lane in range(form.depth):
            strip = taps[segment * form.depth + form.depth - 1 - lane].T
            for line in range(form.lines):
                first = line * across_stride
                words[:, first : first + strip.shape[1], segment, line, lane] = strip
    return words.reshape(len(words), -1, form.lines * size)


def _bank(words: Int8, target: Target, form: Form) -> Int8:
    """(groups, columns, tokens, lanes), the second channels' words behind those of the first ones."""
    channels, count, lanes = words.shape
    a_group = target.columns * form.channels
    full = np.zeros((-(-channels // a_group) * a_group, count, lanes), np.int8)
    full[:channels] = words
    sets = full.reshape(-1, form.channels, target.columns, count, lanes).transpose(0, 2, 3, 1, 4)
    return np.ascontiguousarray(sets).reshape(-1, target.columns, count, target.lanes)


def _paired(maps: Maps, counts: tuple[int, int], target: Target, *, by_column: bool) -> Output:
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
