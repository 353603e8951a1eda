"""Copies by address: whole words where they are aligned, else parts of words, or a byte a cycle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from math import gcd, prod

from tfl2hw.ir.primitives import Copy, MapShape

from .matrix import Maps, Move, WordCopy
from .nest import Loop, Nest, Output
from .shape import Target

SOURCE_LOOPS, TARGET_LOOPS = 6, 3
"""How many loops the address generator and the writer have."""


@dataclass(frozen=True)
class _Loop:
    """Turns, and bytes moved in source and target at each."""

    count: int
    source: int
    target: int


def copies(copy: Copy, target: Target, maps: Maps) -> tuple[WordCopy | Move, ...]:
    """The jobs of ``copy``: one, or several where its axes are more than the loops of the hardware."""
    words = _in_words(copy, target, maps.target_shape)
    part = target.lanes if words else _part(copy, target, maps)
    axes = []
    for axis in copy.axes:
        (pixels, channels), (to_pixels, to_channels) = axis.source, axis.target
        read = pixels * maps.source_pixel + channels
        written = to_pixels * maps.target_pixel + to_channels
        if part > 1 and axis.target == (0, 1):
            axes.append(_Loop(-(-axis.count // part), part, part))
        else:
            axes.append(_Loop(axis.count, read, written))
    start = copy.start[0] * maps.source_pixel + copy.start[1]
    target_start = copy.target_start[0] * maps.target_pixel + copy.target_start[1]
    return tuple(
        _job(
            _nest(copy, maps, loops, start + moved.source),
            _output(maps.target, loops, target_start + moved.target),
            copy.value,
            None if words else part,
        )
        for loops, moved in _jobs(axes)
    )


def _job(nest: Nest, output: Output, value: int, part: int | None) -> WordCopy | Move:
    """``part`` bytes a token (None: whole words)."""
    if part == 1:
        return Move(nest=nest, output=output, pad_value=value)
    return WordCopy(nest=nest, output=output, pad_value=value, part=part)


def _in_words(copy: Copy, target: Target, shape: MapShape) -> bool:
    """Whether the copy may write whole words: whole runs of channels, or up to the end of the pixels."""
    lanes = target.lanes
    along = [axis for axis in copy.axes if axis.target[1] and axis.count > 1]
    moves = [(0, 1)] if copy.input is None else [(0, 1), *(axis.source for axis in along)]
    if len(along) > 1 or any(axis.target != (0, 1) for axis in along) or len(set(moves)) > 1:
        return False
    others = [axis for axis in copy.axes if axis.count > 1 and axis not in along]
    if not target.unaligned:
        sources = [0 if copy.input is None else copy.start[1], *(axis.source[1] for axis in others)]
        if any(source % lanes for source in sources):
            return False
    if copy.target_start[1] % lanes:
        return False
    count = prod(axis.count for axis in along)
    return count % lanes == 0 or copy.target_start[1] + count == shape[2]


def _part(copy: Copy, target: Target, maps: Maps) -> int:
    """Bytes that can be copied at a time: a power of two that divides runs of channels and their places."""
    runs = [axis for axis in copy.axes if axis.target == (0, 1) and axis.count > 1]
    if not target.unaligned or len(runs) != 1 or (copy.input is not None and runs[0].source != (0, 1)):
        return 1
    others = [axis.target for axis in copy.axes if axis.count > 1 and axis is not runs[0]]
    steps = [pixels * maps.target_pixel + channels for pixels, channels in (*others, copy.target_start)]
    return gcd(target.lanes // 2, runs[0].count, *steps)


def _jobs(axes: Sequence[_Loop]) -> list[tuple[list[_Loop], _Loop]]:
    """The loops of each job, outermost first, and what the loops outside have moved."""
    loops = sorted((axis for axis in axes if axis.count > 1), key=lambda axis: -abs(axis.target))
    loops = _merged(loops)
    peeled = []
    while len(loops) > SOURCE_LOOPS or len(_target_loops(loops)) > TARGET_LOOPS:
        least = min(loops, key=lambda loop: loop.count)
        loops.remove(least)
        peeled.append(least)
    turns = product(*(range(loop.count) for loop in peeled))
    return [
        (
            loops,
            _Loop(
                1,
                sum(turn * loop.source for turn, loop in zip(numbers, peeled, strict=True)),
                sum(turn * loop.target for turn, loop in zip(numbers, peeled, strict=True)),
            ),
        )
        for numbers in turns
    ]


def _merged(loops: Sequence[_Loop]) -> list[_Loop]:
    """Neighbours that are one loop, in source and target."""
    merged: list[_Loop] = []
    for loop in loops:
        outer = merged[-1] if merged else None
        if outer and (outer.source, outer.target) == (loop.source * loop.count, loop.target * loop.count):
            merged[-1] = _Loop(outer.count * loop.count, loop.source, loop.target)
        else:
            merged.append(loop)
    return merged


def _target_loops(loops: Sequence[_Loop]) -> list[_Loop]:
    """The loops as the writer sees them."""
    return _merged([_Loop(loop.count, 0, loop.target) for loop in loops])


def _nest(copy: Copy, maps: Maps, loops: Sequence[_Loop], start: int) -> Nest:
    """The reading side; without an input every token is padding."""
    if copy.input is None:
        counts = [_Loop(loop.count, 0, 0) for loop in loops]
        source, offset, height = maps.target, 0, 0
    else:
        counts, source, offset, height = list(loops), maps.source, start, 1
    turns = [Loop(loop.count, loop.source) for loop in reversed(counts)]
    turns += [Loop()] * (SOURCE_LOOPS - len(turns))
    return Nest(source=source, loops=tuple(turns), offset=offset, height=height)


def _output(name: str, loops: Sequence[_Loop], start: int) -> Output:
    inner, outer, group = ([*reversed(_target_loops(loops)), *[_Loop(1, 0, 0)] * TARGET_LOOPS])[:TARGET_LOOPS]
    row_end = (inner.count - 1) * inner.target
    return Output(
        target=name,
        inner=inner.count,
        outer=outer.count,
        pixel=inner.target,
        row=outer.target - row_end,
        group=group.target - row_end - (outer.count - 1) * outer.target,
        offset=start,
    )
