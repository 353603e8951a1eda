"""Convolutions and fully connected layers on the systolic array."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod

import numpy as np

from tfl2hw.ir.primitives import Convolution, Int8, Int64, MapShape, Reduction, Region, Rescale
from tfl2hw.ops.rescale import SelectedRescale

from .nest import Loop, Nest, Output
from .shape import Target


@dataclass(frozen=True, kw_only=True, eq=False)
class Matrix:
    """A matrix job, before its addresses are known.

    ``weights`` is (groups, columns, words, lanes): what each column's bank holds for each group.
    ``accumulator`` bounds the bare sums of each filter: (low, high). ``pick``, ``hold``, ``product``,
    ``digits``, ``pair``, ``twin`` and ``reduction`` are the job's flags (see ``isa``). ``window`` is how many
    bytes of a place its weights meet. With ``twin`` a group has twice K channels.
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
    product: bool = False
    digits: bool = False
    pair: bool = False
    twin: bool = False
    window: int = 1
    reduction: Reduction = "sum"

    @property
    def groups(self) -> int:
        """Groups of filters that are worked on at once."""
        return int(self.weights.shape[0])

    @property
    def parameter_groups(self) -> int:
        """Groups of K filters, whose parameters stand together."""
        return self.groups * (2 if self.twin else 1)


@dataclass(frozen=True, kw_only=True, eq=False)
class Move:
    """A job that copies a byte a token."""

    nest: Nest
    output: Output
    pad_value: int


@dataclass(frozen=True, kw_only=True, eq=False)
class WordCopy:
    """A job that copies a word a token, or, of each, the first ``part`` bytes (a power of two)."""

    nest: Nest
    output: Output
    pad_value: int
    part: int | None = None


def bounds(weights: Int8 | Int64) -> tuple[Int64, Int64]:
    """Least and greatest sum of products with any int8 inputs, for each row of ``weights``."""
    w = weights.astype(np.int64)
    low = np.minimum(w * -128, w * 127).sum(axis=1)
    high = np.maximum(w * -128, w * 127).sum(axis=1)
    return low, high


def channel_words(words: Int8, target: Target) -> Int8:
    """(channels, words, lanes) to (groups, columns, words, lanes), padded with zero filters."""
    channels, count, lanes = words.shape
    full = np.zeros((target.groups(channels) * target.columns, count, lanes), np.int8)
    full[:channels] = words
    return full.reshape(-1, target.columns, count, lanes)


@dataclass(frozen=True, kw_only=True)
class Maps:
    """Where a layer's maps stand: buffers, bytes from pixel to pixel, and the OFM's shape.

    Rows of the source are ``source_row`` bytes apart (None: as long as their pixels make them), the first of
    them ``source_start`` bytes behind the buffer's beginning.
    """

    source: str
    source_pixel: int
    target: str
    target_pixel: int
    target_shape: MapShape
    source_row: int | None = None
    source_start: int = 0

    def row_bytes(self, width: int) -> int:
        """Bytes from row to row of the source, whose rows have ``width`` pixels."""
        return width * self.source_pixel if self.source_row is None else self.source_row


def map_output(maps: Maps, shape: MapShape, region: Region, target: Target, *, by_column: bool) -> Output:
    """The writer's walk over results of ``shape``, a group of K channels after the other."""
    height, width, _ = shape
    pitch = width if prod(shape) == prod(maps.target_shape) else maps.target_shape[1]
    across, down = region.column_step * maps.target_pixel, region.row_step * pitch * maps.target_pixel
    counts, steps = ((height, width), (down, across)) if by_column else ((width, height), (across, down))
    travelled = (counts[0] - 1) * steps[0]
    return Output(
        target=maps.target,
        inner=counts[0],
        outer=counts[1],
        pixel=steps[0],
        row=steps[1] - travelled,
        group=target.columns - travelled - (counts[1] - 1) * steps[1],
        offset=(region.row * pitch + region.column) * maps.target_pixel,
    )


def direct(conv: Convolution, target: Target, maps: Maps) -> tuple[Matrix, ...]:
    """Jobs that read whole pixels; of a grouped convolution the words alone that a group of filters reads."""
    return tuple(_run(conv, target, maps, run) for run in _runs(_spans(conv, target)))


@dataclass(frozen=True, kw_only=True)
class _Run:
    """``number`` groups of K filters from ``first`` on.

    Each reads ``words`` words of a pixel: the first one from ``word`` on, each other ``step`` words further.
    """

    first: int
    number: int
    word: int
    words: int
    step: int


def _spans(conv: Convolution, target: Target) -> list[tuple[int, int]]:
    """For each group of K filters: the first word of a pixel that it reads, and how many."""
    filters, channels = len(conv.weights), conv.weights.shape[3]
    share = filters // conv.groups
    spans = []
    for group in range(target.groups(filters)):
        first = group * target.columns // share
        last = (min((group + 1) * target.columns, filters) - 1) // share
        start = first * channels // target.lanes
        spans.append((start, target.words((last + 1) * channels) - start))
    return spans


def _runs(spans: list[tuple[int, int]]) -> list[_Run]:
    """The longest runs of spans of one length and even distances."""
    runs, first = [], 0
    while first < len(spans):
        (word, words), end = spans[first], first + 1
        step = spans[end][0] - word if end < len(spans) and spans[end][1] == words else 0
        while end < len(spans) and spans[end] == (spans[end - 1][0] + step, words):
            end += 1
        runs.append(_Run(first=first, number=end - first, word=word, words=words, step=step))
        first = end
    return runs


def _run(conv: Convolution, target: Target, maps: Maps, run: _Run) -> Matrix:
    """The job of one run."""
    height, width, _ = conv.input_shape
    filters, kernel_height, kernel_width, _ = conv.weights.shape
    row_bytes = maps.row_bytes(width)
    (sy, sx), (dy, dx), (top, left) = conv.stride, conv.dilation, conv.padding
    start = maps.source_start + (conv.input_row - top) * row_bytes - left * maps.source_pixel
    nest = Nest(
        source=maps.source,
        loops=(
            Loop(run.words, target.lanes),
            Loop(kernel_width, dx * maps.source_pixel, 0, dx),
            Loop(kernel_height, dy * row_bytes, dy, 0),
            Loop(conv.output_shape[1], sx * maps.source_pixel, 0, sx),
            Loop(conv.output_shape[0], sy * row_bytes, sy, 0),
            Loop(run.number, run.step * target.lanes),
        ),
        offset=start + run.word * target.lanes,
        row=-top,
        column=-left,
        height=height,
        width=width,
        gap=max(0, target.chain - kernel_height * kernel_width * run.words),
    )
    output = map_output(maps, conv.output_shape, conv.region, target, by_column=False)
    chosen = slice(run.first * target.columns, min((run.first + run.number) * target.columns, filters))
    whole = run.number == target.groups(filters)
    return Matrix(
        nest=nest,
        output=replace(output, offset=output.offset + run.first * target.columns),
        weights=_bank_words(conv, target, chosen, run),
        bias=conv.bias[chosen],
        accumulator=bounds(conv.weights[chosen].reshape(chosen.stop - chosen.start, -1)),
        rescale=conv.rescale
        if whole
        else SelectedRescale(whole=conv.rescale, selected=np.arange(filters)[chosen]),
        pad_value=conv.pad_value,
    )


def _bank_words(conv: Convolution, target: Target, chosen: slice, run: _Run) -> Int8:
    """(groups, columns, taps * words, lanes): the weights that ``chosen`` filters have for the words read."""
    filters, channels = len(conv.weights), conv.weights.shape[3]
    share = filters // conv.groups
    taps = conv.weights.reshape(filters, -1, channels)
    full = np.zeros((run.number * target.columns, taps.shape[1], run.words * target.lanes), np.int8)
    for place, index in enumerate(range(chosen.start, chosen.stop)):
        word = run.word + place // target.columns * run.step
        start = index // share * channels - word * target.lanes
        full[place, :, start : start + channels] = taps[index]
    return full.reshape(run.number, target.columns, taps.shape[1] * run.words, target.lanes)
