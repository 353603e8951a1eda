"""Few loops for many moves: which bytes go where along one axis, as arithmetic runs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tfl2hw.ir.primitives import Axis

Places = npt.NDArray[np.int64]
"""Moves along an axis, (n, 4): pixel and channel in the source, pixel and channel in the target."""

LONGEST_PERIOD = 16
"""How many interleaved sequences are tried."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """Moves that a nest of ``axes`` (outermost first) makes from ``start``, a row of Places."""

    start: tuple[int, ...]
    axes: tuple[Axis, ...] = ()


def runs(places: Places) -> list[Run]:
    """``places`` as few nests of loops: taken in order, or as interleaved sequences, whichever is fewer."""
    best = _nested(places)
    for period in range(2, min(len(places) // 2, LONGEST_PERIOD) + 1):
        if len(best) <= period:
            break
        found = [run for phase in range(period) for run in _nested(places[phase::period])]
        best = min(best, found, key=len)
    return best


def _nested(places: Places) -> list[Run]:
    """Neighbours grouped into loops, those into loops of loops, until nothing can be grouped."""
    if len(places) > 1 and not np.diff(places, n=2, axis=0).any():
        step = [int(number) for number in places[1] - places[0]]
        axis = Axis(count=len(places), source=(step[0], step[1]), target=(step[2], step[3]))
        return [Run(start=_row(places[0]), axes=(axis,))]
    found = [Run(start=_row(place)) for place in places]
    while True:
        grouped = _grouped(found)
        if len(grouped) == len(found):
            return grouped
        found = grouped


def _row(place: Places) -> tuple[int, ...]:
    return tuple(int(number) for number in place)


def _grouped(found: list[Run]) -> list[Run]:
    """Neighbours of one form whose starts are an arithmetic sequence become one run, longest first."""
    grouped, first = [], 0
    while first < len(found):
        last = first
        while last + 1 < len(found) and _continues(found, first, last + 1):
            last += 1
        head = found[first]
        if last > first:
            step = _difference(head, found[first + 1])
            axis = Axis(count=last - first + 1, source=(step[0], step[1]), target=(step[2], step[3]))
            head = Run(start=head.start, axes=(axis, *head.axes))
        grouped.append(head)
        first = last + 1
    return grouped


def _continues(found: list[Run], first: int, number: int) -> bool:
    """Whether run ``number`` goes on with the sequence from ``first`` to the one before it."""
    if found[number].axes != found[first].axes:
        return False
    step = _difference(found[first], found[first + 1])
    return _difference(found[number - 1], found[number]) == step


def _difference(one: Run, next_one: Run) -> tuple[int, ...]:
    return tuple(after - before for before, after in zip(one.start, next_one.start, strict=True))


def folded(axes: list[Axis]) -> tuple[Axis, ...]:
    """The same moves with no loop of one turn, and with neighbouring loops joined where they may be."""
    joined: list[Axis] = []
    for axis in axes:
        if axis.count == 1:
            continue
        outer = joined[-1] if joined else None
        if outer is not None and _end(axis) == (outer.source, outer.target):
            joined[-1] = Axis(count=outer.count * axis.count, source=axis.source, target=axis.target)
        else:
            joined.append(axis)
    return tuple(joined)


def _end(axis: Axis) -> tuple[tuple[int, int], tuple[int, int]]:
    """Where the turn after the last one would be."""
    (a, b), (c, d) = axis.source, axis.target
    return (a * axis.count, b * axis.count), (c * axis.count, d * axis.count)
