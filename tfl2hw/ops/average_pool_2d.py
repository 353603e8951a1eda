"""AVERAGE_POOL_2D: the mean over a sliding window, on raw bytes, of the cells inside the map."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np
import numpy.typing as npt

from tfl2hw.ir.primitives import Depthwise, Region
from tfl2hw.ops import pooling
from tfl2hw.ops.activation import clamp_range
from tfl2hw.ops.arithmetic import mean_round
from tfl2hw.ops.batches import each_map, map_by_map
from tfl2hw.ops.node import Int8, Kind, Node, Numerics, quantisation
from tfl2hw.ops.rescale import MeanRescale
from tfl2hw.ops.shapes import Window, accumulate_depthwise
from tfl2hw.ops.temporaries import Temporaries

MAX_CELLS = 1 << 23
MAX_REGIONS = 256


@dataclass(frozen=True, kw_only=True)
class Run:
    """Neighbouring outputs along one axis (``first`` and ``length``) whose windows meet ``cells`` cells."""

    first: int
    length: int
    cells: int


def few_divisors(node: Node) -> str | None:
    """Windows have at most 2**23 cells, and OFM at most 256 rectangles where they have the same number."""
    rows, columns = runs(node)
    most = max(run.cells for run in rows) * max(run.cells for run in columns)
    if most > MAX_CELLS or len(rows) * len(columns) > MAX_REGIONS:
        return f"windows of up to {most} cells, {len(rows)} x {len(columns)} rectangles"
    return None


def runs(node: Node) -> tuple[list[Run], list[Run]]:
    """The runs of equal windows from top to bottom and from left to right."""
    win, (_, height, width, _) = pooling.sliding(node), node.input(0).shape
    down, across = (_runs(cells_met(win, axis, size)) for axis, size in enumerate((height, width)))
    return down, across


def cells_met(win: Window, axis: int, size: int) -> npt.NDArray[np.int64]:
    """For each output along ``axis``: how many of its window's cells are inside the map of ``size``."""
    start = np.arange(win.output[axis], dtype=np.int64) * win.stride[axis] - win.before[axis]
    return np.minimum(start + win.kernel[axis], size) - np.maximum(start, 0)


def _runs(cells: npt.NDArray[np.int64]) -> list[Run]:
    found: list[Run] = []
    for count, group in groupby(cells.tolist()):
        first = found[-1].first + found[-1].length if found else 0
        found.append(Run(first=first, length=len(list(group)), cells=count))
    return found


def reference(node: Node, inputs: Sequence[Int8], numerics: Numerics) -> Int8:
    """``clamp((S > 0 ? S + n/2 : S - n/2) / n)``, S the sum of n raw bytes, C's truncation."""
    win, (_, height, width, channels) = pooling.sliding(node), node.input(0).shape
    ones, (low, high) = np.ones((*win.kernel, channels), np.int8), _clamp(node)
    counts = cells_met(win, 0, height)[:, None, None] * cells_met(win, 1, width)[None, :, None]
    return map_by_map(
        inputs[0].astype(np.int64),
        lambda values: np.clip(mean_round(accumulate_depthwise(values, ones, win, 0), counts), low, high),
    )


def lower(node: Node, numerics: Numerics, temporaries: Temporaries) -> tuple[Depthwise, ...]:
    """A Depthwise for each rectangle of outputs with one number of cells; padding adds 0."""
    low, high = _clamp(node)
    whole = pooling.pool(node, MeanRescale(count=1, low=low, high=high), "sum", 0)
    down, across = runs(node)
    (top, left), (sy, sx) = whole.padding, whole.stride
    rectangles = [
        replace(
            whole,
            output_shape=(rows.length, columns.length, whole.output_shape[2]),
            padding=(top - rows.first * sy, left - columns.first * sx),
            rescale=MeanRescale(count=rows.cells * columns.cells, low=low, high=high),
            region=Region(row=rows.first, column=columns.first),
        )
        for rows in down
        for columns in across
    ]
    batch = node.input(0).shape[0]
    return tuple(part for one in rectangles for part in each_map(one, batch, whole.output_shape[0]))


def _clamp(node: Node) -> tuple[int, int]:
    return clamp_range(node.option("activation"), quantisation(node.output))


KIND = Kind(
    name="AVERAGE_POOL_2D",
    options="Pool2DOptions",
    parse=pooling.parse,
    constraints=(*pooling.CONSTRAINTS, few_divisors),
    reference=reference,
    lower=lower,
    infer=pooling.infer,
)
