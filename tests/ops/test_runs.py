"""Index vectors become few loops that make exactly their moves."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from tfl2hw.ir.primitives import Axis
from tfl2hw.ops.movement import line, placed
from tfl2hw.ops.runs import Places, Run, folded, runs

# indices, how many runs
VECTORS = [
    (range(9), 1),
    ([0, 0, 1, 1, 2, 2], 1),
    ([4, 3, 2, 1, 0], 1),
    ([7], 1),
    ([0, 0, 1, 2, 2, 3, 4, 4, 5, 6, 6, 7], 3),
    ([0, 4, 8, 1, 5, 9, 2, 6, 10], 1),
    ([3, 1, 4, 1, 5, 9, 2, 6], 3),
    ([], 0),
]


def unrolled(found: list[Run]) -> list[tuple[int, ...]]:
    """Every place that the runs move."""
    places = []
    for run in found:
        for turn in product(*(range(axis.count) for axis in run.axes)):
            steps = [
                np.array((*axis.source, *axis.target)) * n for axis, n in zip(run.axes, turn, strict=True)
            ]
            places.append(tuple(int(number) for number in sum(steps, np.array(run.start))))
    return places


def every(places: Places) -> list[tuple[int, ...]]:
    return sorted(tuple(int(number) for number in place) for place in places)


@pytest.mark.parametrize(("indices", "count"), VECTORS)
def test_runs_are_few_and_make_the_moves(indices: list[int], count: int) -> None:
    places = placed(np.array(indices), (3, 0), np.arange(len(indices)), (0, 2))
    found = runs(places)
    assert len(found) == count
    assert sorted(unrolled(found)) == every(places)


@pytest.mark.parametrize("seed", range(20))
def test_random_vectors(seed: int) -> None:
    random = np.random.default_rng(seed)
    count = int(random.integers(1, 40))
    step = random.uniform(0.2, 3)
    indices = np.floor(np.arange(count) * step).astype(int) if seed % 2 else random.integers(0, 9, count)
    places = placed(indices, (1, 0), np.arange(count), (2, 0))
    assert sorted(unrolled(runs(places))) == every(places)


def test_neighbouring_loops_are_joined() -> None:
    rows = Axis(count=4, source=(6, 0), target=(6, 0))
    columns = Axis(count=6, source=(1, 0), target=(1, 0))
    other = Axis(count=6, source=(1, 0), target=(2, 0))
    once = Axis(count=1, source=(9, 0), target=(9, 0))
    channels = Axis(count=5, source=(0, 1), target=(0, 1))
    whole = Axis(count=24, source=(1, 0), target=(1, 0))
    assert folded([once, rows, columns, channels]) == (whole, channels)
    assert folded([rows, other, channels]) == (rows, other, channels)
    assert runs(line(24, (1, 0), (1, 0)))[0].axes == (whole,)
