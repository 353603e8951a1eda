"""Inputs that stand in strips: a whole window is then one run of bytes, whatever the channels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tfl2hw.ir.primitives import Convolution

from .layout import Layout, Strips
from .matrix import Maps


def strip_layout(readers: Sequence[Convolution], packed: Layout) -> Layout | None:
    """The strips that serve all ``readers`` of a map that would stand as ``packed``; None where none do.

    All windows must begin at the same rows, and every row of the map must be in one.
    """
    first = readers[0]
    if len({_vertical(reader) for reader in readers}) > 1:
        return None
    rows, stride, top = first.weights.shape[1], first.stride[0], first.padding[0]
    whole = first.input_row == 0 and first.input_shape[0] == packed.shape[0]
    if not whole or rows < 2 or stride > rows or top < 0 or first.dilation[0] > 1:
        return None
    height = packed.shape[0]
    places = range(top, top + min(stride, height))
    before = max(0, *(earlier(place, rows, stride) - place // stride for place in places))
    windows = first.output_shape[0]
    count = before + max(windows, (height - 1 + top) // stride + 1)
    return replace(
        packed,
        pixel=packed.pixel * rows,
        row=packed.row * rows,
        left=packed.left * rows,
        strips=Strips(rows=rows, stride=stride, top=top, before=before, windows=windows, count=count),
    )


def _vertical(reader: Convolution) -> tuple[int, ...]:
    return (
        reader.weights.shape[1], reader.stride[0], reader.dilation[0], reader.padding[0],
        reader.input_row, reader.input_shape[0], reader.output_shape[0],
    )  # fmt: skip


def earlier(place: int, rows: int, stride: int) -> int:
    """In how many strips a row stands besides its last one, if ``place`` rows are above it."""
    return (rows - 1 - place % stride) // stride


def by_strips(conv: Convolution, layout: Layout, maps: Maps) -> tuple[Convolution, Maps]:
    """``conv`` on a map in strips as one of a single tap, whose channels are the bytes of a window."""
    assert layout.strips is not None, "the map is in strips"
    filters, _, kernel_width, _ = conv.weights.shape
    across, (height, width, _) = conv.stride[1], conv.output_shape
    window = conv.weights.transpose(0, 2, 3, 1).reshape(filters, 1, 1, -1)
    single = replace(
        conv,
        input_shape=(height, (width - 1) * across + 1, window.shape[3]),
        weights=window,
        stride=(1, across),
        dilation=(1, 1),
        padding=(0, 0),
    )
    assert window.shape[3] == kernel_width * layout.pixel
    start = layout.strips.before * layout.row + layout.left - conv.padding[1] * layout.pixel
    return single, replace(maps, source_pixel=layout.pixel, source_row=layout.row, source_start=start)
