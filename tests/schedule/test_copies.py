"""Copies, walked: random boxes between random maps, fills, and how many jobs of which kind they take."""

from __future__ import annotations

import numpy as np
import pytest

from tests.schedule.walker import TARGETS, agree, alone, named, target_of
from tfl2hw.ir.primitives import Axis, Copy, MapShape
from tfl2hw.schedule.copies import WordCopy, copies
from tfl2hw.schedule.matrix import Maps, Move
from tfl2hw.schedule.nest import Loop

SOURCE, RESULT = 0, 1


def copy(*axes: Axis, **fields: object) -> Copy:
    return Copy(**{"op_index": 0, "op": "COPY", "input": SOURCE, "output": RESULT, "axes": axes} | fields)


def fill(shape: MapShape, value: int) -> Copy:
    """Every byte of a map."""
    pixels, channels = shape[0] * shape[1], shape[2]
    return copy(Axis(pixels, target=(1, 0)), Axis(channels, target=(0, 1)), input=None, value=value)


def random_axis(
    generator: np.random.Generator, size: int, reach: int, source: int
) -> tuple[int, int, int, int, int]:
    """Turns, first and step in the target (of ``size``, no step beyond ``reach``), and in the source."""
    step = int(generator.integers(1, reach + 1))
    count = int(generator.integers(1, (size - 1) // step + 2))
    start = int(generator.integers(0, size - (count - 1) * step))
    most = (source - 1) // max(count - 1, 1)
    back = int(generator.integers(-most, most + 1))
    room = source - 1 - (count - 1) * abs(back)
    first = int(generator.integers(0, room + 1)) + (count - 1) * max(0, -back)
    return count, start, step, first, back


def random_copy(generator: np.random.Generator) -> tuple[Copy, dict[int, MapShape]]:
    """Some rows, columns and channels of the target, from rows, columns and channels of the source.

    Any of the three may be taken from any axis, backwards and more than once.
    """
    source, target = (tuple(int(n) for n in generator.integers(1, (5, 6, 20))) for _ in range(2))
    places = [(source[1], 0), (1, 0), (0, 1)]
    order = generator.permutation(3) if generator.random() < 0.5 else np.arange(3)
    pitches = [(target[1], 0), (1, 0), (0, 1)]
    axes, start, to = [], np.zeros(2, int), np.zeros(2, int)
    for axis in range(3):
        from_axis = int(order[axis])
        count, first_to, step_to, first, step = random_axis(
            generator, target[axis], 1 if generator.random() < 0.6 else 3, source[from_axis]
        )
        move, move_to = np.array(places[from_axis]), np.array(pitches[axis])
        start, to = start + first * move, to + first_to * move_to
        axes.append(Axis(count, tuple((step * move).tolist()), tuple((step_to * move_to).tolist())))
    made = copy(*axes, start=tuple(start.tolist()), target_start=tuple(to.tolist()))
    return made, {SOURCE: source, RESULT: target}


@pytest.mark.parametrize("target", TARGETS, ids=named)
@pytest.mark.parametrize("seed", range(30))
def test_random_boxes(seed: int, target: object) -> None:
    """Over a filled map, so that bytes between and around them must stay."""
    made, shapes = random_copy(np.random.default_rng(seed))
    agree(alone(fill(shapes[RESULT], -5), made, shapes=shapes), target, seed)


@pytest.mark.parametrize("target", TARGETS, ids=named)
@pytest.mark.parametrize("offset", [0, 8, 16, 3])
@pytest.mark.parametrize("channels", [8, 16, 13])
def test_joined_channels(channels: int, offset: int, target: object) -> None:
    """A run of channels goes to the end of the pixels, or between others."""
    shapes = {SOURCE: (3, 4, channels), 2: (3, 4, offset), RESULT: (3, 4, offset + channels)}
    pixels = Axis(12, (1, 0), (1, 0))
    parts = [copy(pixels, Axis(channels, (0, 1), (0, 1)), target_start=(0, offset))]
    if offset:
        parts.insert(0, copy(pixels, Axis(offset, (0, 1), (0, 1)), input=2))
    else:
        del shapes[2]
    agree(alone(*parts, shapes=shapes), target)


def jobs_of(made: Copy, shapes: dict[int, MapShape]) -> tuple[WordCopy | Move, ...]:
    target = target_of()
    source, result = shapes[SOURCE], shapes[RESULT]
    maps = Maps(
        source="ifm",
        source_pixel=target.padded(source[2]),
        target="ofm",
        target_pixel=target.padded(result[2]),
        target_shape=result,
    )
    return copies(made, target, maps)


WHOLE = (Axis(12, (1, 0), (1, 0)), Axis(16, (0, 1), (0, 1)))
KINDS = {
    "whole pixels": (copy(*WHOLE), 16, 16, WordCopy),
    "words from within": (copy(*WHOLE, start=(0, 8)), 24, 16, WordCopy),
    "words to within": (copy(*WHOLE, target_start=(0, 8)), 16, 32, WordCopy),
    "to the end of the pixel": (copy(WHOLE[0], Axis(5, (0, 1), (0, 1))), 5, 5, WordCopy),
    "a part of a word": (copy(WHOLE[0], Axis(5, (0, 1), (0, 1))), 5, 6, Move),
    "from within a word": (copy(*WHOLE, start=(0, 3)), 24, 16, Move),
    "to within a word": (copy(*WHOLE, target_start=(0, 4)), 16, 20, Move),
    "channels backwards": (copy(WHOLE[0], Axis(16, (0, -1), (0, 1)), start=(0, 15)), 16, 16, Move),
    "one channel, to all": (copy(WHOLE[0], Axis(16, (0, 0), (0, 1))), 16, 16, Move),
    "channels to pixels": (copy(Axis(12, (0, 1), (1, 0)), Axis(8, (1, 0), (0, 1))), 16, 8, Move),
}


@pytest.mark.parametrize("kind", KINDS)
def test_words_where_they_can_be(kind: str) -> None:
    made, channels, to_channels, wanted = KINDS[kind]
    (job,) = jobs_of(made, {SOURCE: (3, 4, channels), RESULT: (3, 4, to_channels)})
    assert type(job) is wanted


def test_neighbouring_loops_are_one() -> None:
    """Whole maps are a single loop of words, whatever axes they come in."""
    axes = (Axis(3, (4, 0), (4, 0)), Axis(4, (1, 0), (1, 0)), Axis(16, (0, 1), (0, 1)))
    (job,) = jobs_of(copy(*axes), {SOURCE: (3, 4, 16), RESULT: (3, 4, 16)})
    assert job.nest.loops == (Loop(24, 8), *[Loop()] * 5)
    assert (job.output.inner, job.output.outer) == (24, 1)


def test_a_fill_reads_nothing() -> None:
    (job,) = jobs_of(fill((3, 4, 5), 9), {SOURCE: (1, 1, 1), RESULT: (3, 4, 5)})
    assert (type(job), job.pad_value, job.nest.source, job.nest.height) == (WordCopy, 9, "ofm", 0)
    assert job.nest.tokens == 12


def transposed(shape: tuple[int, ...], order: tuple[int, ...]) -> tuple[Copy, dict[int, MapShape]]:
    """A transpose of any rank, as a copy between two columns of single bytes."""
    strides = [int(np.prod(shape[n + 1 :])) for n in range(len(shape))]
    made = [shape[n] for n in order]
    axes = [
        Axis(made[n], (strides[order[n]], 0), (int(np.prod(made[n + 1 :])), 0)) for n in range(len(shape))
    ]
    size = int(np.prod(shape))
    return copy(*axes), {SOURCE: (size, 1, 1), RESULT: (size, 1, 1)}


@pytest.mark.parametrize(
    ("shape", "order", "jobs"),
    [
        ((3, 4, 5), (2, 0, 1), 1),  # two of the axes stay neighbours
        ((3, 4, 5), (2, 1, 0), 1),
        ((2, 3, 2, 4), (3, 2, 1, 0), 1),
        ((2, 3, 2, 3, 2, 2), (5, 4, 3, 2, 1, 0), 1),
        ((2, 3, 2, 3, 2, 2, 2), (6, 5, 4, 3, 2, 1, 0), 2),  # seven loops, of which one is peeled off
    ],
)
def test_more_axes_than_loops(shape: tuple[int, ...], order: tuple[int, ...], jobs: int) -> None:
    """Jobs are repeated where the address generator's six loops do not do."""
    made, shapes = transposed(shape, order)
    planned = agree(alone(made, shapes=shapes), target_of(4, 4))
    assert len(planned.layers[0].jobs) == jobs


def test_more_axes_than_the_writer_has() -> None:
    """Four loops in the target that do not merge: the shortest is peeled."""
    axes = [Axis(2, (0, 0), (step, 0)) for step in (27, 9, 3, 1)]
    shapes = {SOURCE: (1, 1, 1), RESULT: (41, 1, 1)}
    planned = agree(alone(fill((41, 1, 1), 1), copy(*axes), shapes=shapes), target_of(4, 4))
    assert len(planned.layers[0].jobs) == 1 + 2
