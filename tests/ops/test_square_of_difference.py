"""SQUARED_DIFFERENCE of operands at two scales, against the interpreters."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.ops.agree import RandomModel, assert_exact
from tfl2hw.ops.square_of_difference import SEGMENTS, segments


@pytest.mark.parametrize("seed", [1, 2])
def test_exact(seed: int, tmp_path: Path) -> None:
    """Scales far and near, squares that fill the OFM, hardly move it and saturate early; a row's mean."""
    model = RandomModel(seed)
    for ratio, fill in ((0.9, 1.0), (0.3, 0.2), (0.02, 1.5), (1.0, 40.0), (0.5, 0.01)):
        scale = model.scale()
        first = model.input((1, 3, 16, 16), scale=scale)
        second = model.input((1, 3, 16, 1), scale=float(np.float32(scale * ratio)))
        ofm = model.activation((1, 3, 16, 16), scale=float(np.float32((scale * 255) ** 2 / 255 * fill)))
        pair = [first, second] if model.random.integers(2) else [second, first]
        model.operator("SQUARED_DIFFERENCE", pair, [ofm])
        model.sink(ofm)
    assert_exact(model, tmp_path)


@pytest.mark.parametrize("furthest", [300, 5000, 32640])
@pytest.mark.parametrize("last", [0, 3, 255, 4000])
def test_segments_are_the_function(furthest: int, last: int) -> None:
    """Put together again they are it, for every difference."""

    def square(steps: np.ndarray) -> np.ndarray:
        return np.clip(steps * steps * last // furthest**2 - 128, -128, 127)

    found = segments(square, furthest)
    assert found is not None
    every = np.arange(furthest + 1)
    high, low = np.minimum(every // found.width, SEGMENTS - 1), every % found.width
    again = found.first[high] + (low >= found.thresholds[:, high]).sum(axis=0)
    np.testing.assert_array_equal(again, square(every))


def test_too_steep() -> None:
    assert segments(lambda steps: np.clip(steps * 100 - 128, -128, 127), 300) is None
