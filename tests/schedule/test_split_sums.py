"""Sums for which no tables exist, in parts for which they do, over all 65,536 pairs of bytes."""

from __future__ import annotations

from itertools import count

import numpy as np
import pytest

from tests.schedule.test_table_fit import BYTES, add, exact, single
from tfl2hw.ir.primitives import MapShape, TableSum
from tfl2hw.passes.evaluate_network import compute
from tfl2hw.schedule.split_sums import fitting_sums
from tfl2hw.schedule.table_fit import fit_tables

SHIFT = 20
# scales of simple ratios, zero points: there are no tables
UNFITTING = [
    ((0.21, 0.2625, 0.21), (15, -99, 72)),
    ((0.16, 0.08, 0.16 * 7 / 3), (-85, 102, -126)),
    ((0.02, 0.03, 0.028), (-80, 4, 25)),
    ((0.27, 0.675, 0.27), (76, 90, -6)),
]


def split(primitive: TableSum) -> tuple[TableSum, ...]:
    temporaries = count(10)

    def new_map(shape: MapShape) -> int:
        assert shape == primitive.shape
        return next(temporaries)

    return fitting_sums(primitive, SHIFT, new_map)


@pytest.mark.parametrize(("scales", "zeros"), UNFITTING)
@pytest.mark.parametrize("clamp", [(-128, 127), (-128, 126)])
def test_every_pair(
    scales: tuple[float, float, float], zeros: tuple[int, int, int], clamp: tuple[int, int]
) -> None:
    primitive = add(single(scales), zeros, clamp)
    assert fit_tables(primitive, SHIFT) is None
    parts = split(primitive)
    assert len(parts) == 3
    maps = {0: np.repeat(BYTES, 256), 1: np.tile(BYTES, 256)}
    for part in parts:
        assert fit_tables(part, SHIFT) is not None
        maps[part.output] = np.zeros(65536, np.int64)
        compute(part, maps)
    np.testing.assert_array_equal(maps[primitive.output].reshape(256, 256), exact(primitive))


def test_what_fits_stays() -> None:
    primitive = add((0.1, 0.1, 0.1), (1, 2, 3))
    assert split(primitive) == (primitive,)
