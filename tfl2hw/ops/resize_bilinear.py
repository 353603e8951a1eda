"""RESIZE_BILINEAR: between the four nearest pixels, with fractions of 10 bits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from math import prod

import numpy as np

from tfl2hw.ir.primitives import Copy, Depthwise, Primitive, Region
from tfl2hw.ops import resize
from tfl2hw.ops.activation import INT8_MAX, INT8_MIN
from tfl2hw.ops.movement import axis_steps, moved, placed
from tfl2hw.ops.node import Int8, Kind, Node, Numerics, int8, quantisation
from tfl2hw.ops.rescale import MeanRescale
from tfl2hw.ops.shapes import map_shape
from tfl2hw.ops.temporaries import Temporaries

ONE = 1 << 10
BORDERED_COSTS = 2
"""How many times fewer Depthwise pay for a copy of the IFM with its edges repeated."""


@dataclass(frozen=True, kw_only=True)
class Tap:
    """What an index of the OFM is along one axis: ``weights`` of the IFM's indices ``first`` and on.

    Weights sum up to 1024; there is one where the second index is the first.
    """

    first: int
    weights: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Phase:
    """``count`` indices of the OFM, from ``index`` in ``step``, whose taps move by ``stride``."""

    index: int
    step: int
    count: int
    first: int
    stride: int
    weights: tuple[int, ...]


def taps(node: Node, axis: int, *, edged: bool = False) -> list[Tap]:
    """The taps of each index of the OFM along ``axis``, in TFLite's fixed point.

    With ``edged`` they are those of the IFM with its first index (``before`` times) and its last one
    repeated, of which there are two weights wherever the fraction is not 0.
    """
    size, made = node.input(0).shape[axis], node.output.shape[axis]
    over, under = (size - 1, made - 1) if node.option("align_corners") and made > 1 else (size, made)
    scale = (ONE * over + under // 2) // under
    start = scale // 2 - ONE // 2 if node.option("half_pixels") else 0
    found = []
    for index in range(made):
        low, fraction = divmod(index * scale + start, ONE)
        whole = fraction == 0 or (not edged and not 0 <= low < size - 1)
        weights = (ONE,) if whole else (ONE - fraction, fraction)
        found.append(Tap(first=low + before(node) if edged else max(low, 0), weights=weights))
    return found


def before(node: Node) -> int:
    """How often the first row and column stand before themselves in the IFM with its edges."""
    return 1 if node.option("half_pixels") else 0


def inside(node: Node) -> str | None:
    """No pixel of the OFM lies beyond the IFM by the 10-bit scale (then TFLite reads beyond it too)."""
    for axis in (1, 2):
        last = taps(node, axis)[-1].first
        if last >= node.input(0).shape[axis]:
            return f"index {last} of {node.input(0).shape[axis]} along axis {axis}"
    return None


def phases(found: Sequence[Tap]) -> list[Phase]:
    """The indices of one axis, in few sequences of equal weights and equal distances."""
    by_weights: dict[tuple[int, ...], list[tuple[int, int]]] = {}
    for index, tap in enumerate(found):
        by_weights.setdefault(tap.weights, []).append((index, tap.first))
    made: list[Phase] = []
    for weights, places in by_weights.items():
        while places:
            sequence, places = _sequence(places)
            (index, first), (next_index, next_first) = sequence[0], sequence[min(1, len(sequence) - 1)]
            steps = (next_index - index, next_first - first) if len(sequence) > 1 else (1, 1)
            made.append(
                Phase(
                    index=index,
                    step=steps[0],
                    count=len(sequence),
                    first=first,
                    stride=steps[1],
                    weights=weights,
                )
            )
    return made


def _sequence(places: list[tuple[int, int]]) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """The longest arithmetic beginning of ``places`` whose taps advance, and the rest."""
    end = 1
    while end < len(places):
        step = (places[1][0] - places[0][0], places[1][1] - places[0][1])
        if step[1] < 1 or (places[end][0] - places[end - 1][0], places[end][1] - places[end - 1][1]) != step:
            break
        end += 1
    return places[:end], places[end:]


def reference(node: Node, inputs: Sequence[Int8], numerics: Numerics) -> Int8:
    """The weighted sum of four bytes, rounded half away from zero."""
    values = inputs[0].astype(np.int64)
    for axis in (1, 2):
        found = taps(node, axis)
        first = np.array([tap.first for tap in found])
        second = np.minimum(first + 1, values.shape[axis] - 1)
        weight = np.array([ONE - tap.weights[0] for tap in found]).reshape([-1] + [1] * (3 - axis))
        low, high = np.take(values, first, axis), np.take(values, second, axis)
        values = low * (ONE - weight) + high * weight
    return int8(_rescale(1)(values, np.zeros_like(values)))


def _rescale(divisor: int) -> MeanRescale:
    """A rescale that divides by what the weights sum up to, once they are divided by ``divisor``."""
    return MeanRescale(count=ONE * ONE // divisor, low=INT8_MIN, high=INT8_MAX)


def lower(node: Node, numerics: Numerics, temporaries: Temporaries) -> tuple[Primitive, ...]:
    """A Depthwise for every phase of rows and every phase of columns.

    At the edges there is one pixel instead of two, hence phases of their own. With their edges repeated
    into a temporary map they are like the others, and large factors take far fewer primitives.
    """
    ifm, (batch, rows, columns, channels) = node.input(0), node.input(0).shape
    direct = [phases(taps(node, axis)) for axis in (1, 2)]
    even = [phases(taps(node, axis, edged=True)) for axis in (1, 2)]
    shape = (batch, rows + before(node) + 1, columns + before(node) + 1, channels)
    effort = BORDERED_COSTS * (prod(map(len, even)) + len(_edged(node, -1, shape)))
    if batch * prod(map(len, direct)) <= effort:
        return _weighted(node, ifm.index, ifm.shape, direct)
    edged = temporaries.map(map_shape(shape))
    return (*_edged(node, edged, shape), *_weighted(node, edged, shape, even))


def _edged(node: Node, target: int, shape: tuple[int, ...]) -> tuple[Copy, ...]:
    """Copies of the IFM and of its edges into ``target``."""
    ifm, axes = node.input(0), []
    for axis, (read, write) in enumerate(zip(axis_steps(ifm.shape), axis_steps(shape), strict=True)):
        indices, shift = np.arange(shape[axis]), before(node) if axis in (1, 2) else 0
        axes.append(placed(np.clip(indices - shift, 0, ifm.shape[axis] - 1), read, indices, write))
    return moved(node, ifm.index, target, axes)


def _weighted(
    node: Node, source: int, shape: tuple[int, ...], found: Sequence[Sequence[Phase]]
) -> tuple[Depthwise, ...]:
    """A Depthwise for each image, phase of rows and phase of columns."""
    rows, columns = found
    return tuple(
        _depthwise(node, source, shape, image, (down, across))
        for image in range(shape[0])
        for down, across in product(rows, columns)
    )


def _depthwise(
    node: Node, source: int, shape: tuple[int, ...], image: int, axes: tuple[Phase, Phase]
) -> Depthwise:
    down, across = axes
    _, rows, columns, channels = shape
    products = np.outer(down.weights, across.weights).astype(np.int64)
    common = int(np.gcd.reduce(products.reshape(-1)))
    divisor = common & -common
    weights = np.repeat(products[:, :, np.newaxis] // divisor, channels, axis=2)
    return Depthwise(
        op_index=node.operator.index,
        op=node.operator.op,
        input=source,
        output=node.output.index,
        input_shape=(rows, columns, channels),
        output_shape=(down.count, across.count, channels),
        weights=weights.astype(np.int8) if weights.max() <= INT8_MAX else weights,
        bias=np.zeros(channels, np.int64),
        stride=(down.stride, across.stride),
        dilation=(1, 1),
        padding=(-down.first, -across.first),
        pad_value=quantisation(node.input(0)).zero_point,
        rescale=_rescale(divisor),
        macs_counted=False,
        input_row=image * rows,
        region=Region(
            row=image * node.output.shape[1] + down.index,
            column=across.index,
            row_step=down.step,
            column_step=across.step,
        ),
    )


KIND = Kind(
    name="RESIZE_BILINEAR",
    options="ResizeBilinearOptions",
    parse=resize.parse,
    constraints=(*resize.CONSTRAINTS, resize.one_alignment, inside),
    reference=reference,
    lower=lower,
    infer=resize.infer,
)
