"""Tables of the vector unit against the exact ADD, for all 65,536 pairs of bytes."""

from __future__ import annotations

import numpy as np
import pytest

from tfl2hw.ir.graph import Quantisation
from tfl2hw.ir.primitives import TableSum
from tfl2hw.ops.add import LEFT_SHIFT, operand
from tfl2hw.ops.rescale import fixed_point
from tfl2hw.schedule.table_fit import SHIFTS, TablePair, fit_tables

BYTES = np.arange(-128, 128, dtype=np.int64)


def add(
    scales: tuple[float, float, float], zeros: tuple[int, int, int], clamp: tuple[int, int] = (-128, 127)
) -> TableSum:
    """An ADD of two operands at these scales and zero points (the last ones are the output's)."""
    largest = max(scales[:2])
    quantisations = [
        Quantisation(scales=(scale,), zero_points=(zero,), axis=0)
        for scale, zero in zip(scales[:2], zeros, strict=False)
    ]
    real = 2.0 * largest / ((1 << LEFT_SHIFT) * scales[2])
    return TableSum(
        op_index=0,
        op="ADD",
        inputs=(0, 1),
        output=2,
        shape=(1, 1, 8),
        tables=np.stack([operand(BYTES, each, largest) for each in quantisations]),
        rescale=fixed_point(np.array([real]), "double", zeros[2], clamp),
    )


def shortest(primitive: TableSum) -> TablePair:
    for shift in SHIFTS:
        found = fit_tables(primitive, shift)
        if found is not None:
            return found
    raise AssertionError("no shift fits")


def hardware(primitive: TableSum, pair: TablePair) -> np.ndarray:
    """The table-sum unit's docstring, for every pair; its registers' widths are checked on the way."""
    rescale = primitive.rescale
    v = pair.tables[0][:, None] + pair.tables[1][None, :]
    bits = int(abs(pair.tables).max()).bit_length() + 1
    assert v.min() >= -(1 << bits), "the unit's sum would wrap"
    assert v.max() < 1 << bits
    return np.clip((v >> pair.shift) + rescale.zero_point, rescale.low, rescale.high)


def exact(primitive: TableSum) -> np.ndarray:
    sums = primitive.tables[0][:, None] + primitive.tables[1][None, :]
    return primitive.rescale(sums, np.zeros_like(sums))


def scale(generator: np.random.Generator, low: float, high: float) -> float:
    return float(np.float32(np.exp(generator.uniform(np.log(low), np.log(high)))))


@pytest.mark.parametrize("seed", range(40))
def test_every_pair(seed: int) -> None:
    generator = np.random.default_rng(seed)
    scales = (scale(generator, 0.002, 0.2), scale(generator, 0.002, 0.2), scale(generator, 0.002, 0.4))
    zeros = tuple(int(each) for each in generator.integers(-128, 128, 3))
    low = int(generator.integers(-128, 100)) if seed % 2 else -128
    primitive = add(scales, zeros, (low, 127 if seed % 3 else int(generator.integers(low, 128))))
    pair = shortest(primitive)
    np.testing.assert_array_equal(hardware(primitive, pair), exact(primitive))


@pytest.mark.parametrize(
    "scales",
    [
        (0.1, 0.1, 0.1),
        (0.05, 0.08, 0.1),
        (0.5, 0.25, 0.5),
        (0.5, 0.5, 1.0),
        (0.25, 1.0, 2.0),
        (1.0, 1.0, 4.0),
    ],
)
def test_ties(scales: tuple[float, float, float]) -> None:
    """Scales whose sums fall on ties, on both sides of zero: x + x at twice the scale is one of them."""
    for zeros in ((0, 0, 0), (3, -128, 100), (-128, -128, -128)):
        primitive = add(scales, zeros)
        pair = shortest(primitive)
        assert pair.shift <= 16
        np.testing.assert_array_equal(hardware(primitive, pair), exact(primitive))


@pytest.mark.parametrize(
    ("scales", "zeros"),
    [
        ((0.001, 0.3, 0.2), (3, -128, -128)),
        ((0.3, 0.0001, 0.3), (-128, 127, 5)),
        ((0.001, 0.001, 1.0), (0, 0, 17)),
        ((1.0, 1.0, 0.001), (127, 127, -128)),
        ((1.0, 1.0, 0.001), (-128, -128, 127)),
    ],
)
def test_extremes(scales: tuple[float, float, float], zeros: tuple[int, int, int]) -> None:
    """One operand that hardly counts, a sum that is constant, a sum that saturates almost everywhere."""
    primitive = add(scales, zeros)
    pair = shortest(primitive)
    np.testing.assert_array_equal(hardware(primitive, pair), exact(primitive))


@pytest.mark.parametrize(("zeros", "level"), [((127, 127, -128), -128), ((-128, -128, 127), 127)])
def test_a_sum_that_never_leaves_a_clamp(zeros: tuple[int, int, int], level: int) -> None:
    primitive = add((0.1, 0.2, 0.1), zeros)
    assert (exact(primitive) == level).all()
    pair = shortest(primitive)
    assert (hardware(primitive, pair) == level).all()
    assert abs(pair.tables).max() < 1 << 24


@pytest.mark.parametrize("shift", [14, 20, 28])
def test_more_bits_are_exact_too(shift: int) -> None:
    """The operators share the longest shift, so each must be exact with more than it needs."""
    for primitive in (add((0.5, 0.5, 1.0), (0, 0, 0)), add((0.1, 0.1, 0.1), (4, 5, 6))):
        pair = fit_tables(primitive, shift)
        assert pair is not None
        np.testing.assert_array_equal(hardware(primitive, pair), exact(primitive))


@pytest.mark.parametrize("level", [-128, 127])
def test_a_clamp_to_one_value(level: int) -> None:
    primitive = add((0.1, 0.2, 0.1), (1, 2, level), (level, level))
    pair = shortest(primitive)
    assert (hardware(primitive, pair) == level).all()
    assert pair.shift < int(abs(pair.tables).max()).bit_length() + 2, (
        "the unit's sum has no bit above the shift"
    )


def test_a_wrong_table_is_noticed() -> None:
    primitive = add((0.05, 0.08, 0.1), (4, -9, 3))
    pair = shortest(primitive)
    pair.tables[1, 100] += 1 << pair.shift
    assert (hardware(primitive, pair) != exact(primitive)).any()
