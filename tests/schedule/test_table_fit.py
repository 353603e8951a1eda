"""Tables of the vector unit against the exact ADD, for all 65,536 pairs of bytes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tfl2hw.ir.graph import Quantisation
from tfl2hw.ir.primitives import TableSum
from tfl2hw.ops.add import LEFT_SHIFT, operand
from tfl2hw.ops.rescale import IdentityRescale, fixed_point
from tfl2hw.schedule import table_fit
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


def single(scales: tuple[float, float, float]) -> tuple[float, float, float]:
    """As float32 has them."""
    return tuple(float(np.float32(each)) for each in scales)  # type: ignore[return-value]


@pytest.mark.parametrize("seed", range(20))
def test_random_scales_have_tables_at_a_given_shift(seed: int) -> None:
    """A sum and a difference, at the shifts of ready-made cores."""
    generator = np.random.default_rng(1000 + seed)
    scales = (scale(generator, 0.0005, 1), scale(generator, 0.0005, 1), scale(generator, 0.0005, 2))
    zeros = tuple(int(each) for each in generator.integers(-128, 128, 3))
    total = add(scales, zeros)
    difference = replace(total, tables=total.tables * np.array([[1], [-1]]))
    for primitive in (total, difference):
        for shift in (16, 20):
            pair = fit_tables(primitive, shift)
            assert pair is not None
            np.testing.assert_array_equal(hardware(primitive, pair), exact(primitive))


# scales of simple ratios, zero points: rounding and stretching finds no tables
SOLVED = [
    ((0.03, 0.012, 0.08), (-18, -67, -91)),
    ((0.27, 0.2025, 1.89), (59, 78, 120)),
    ((0.11, 0.0825, 0.055), (-79, -89, 49)),
    ((0.29, 1.45, 1.16), (-75, -36, 81)),
]


@pytest.mark.parametrize(("scales", "zeros"), SOLVED)
def test_tables_that_rounding_does_not_find(
    scales: tuple[float, float, float], zeros: tuple[int, int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    primitive = add(single(scales), zeros)
    pair = fit_tables(primitive, 20)
    assert pair is not None
    np.testing.assert_array_equal(hardware(primitive, pair), exact(primitive))
    monkeypatch.setattr(table_fit, "_solved", lambda *_: None)
    assert fit_tables(primitive, 20) is None


def test_where_there_are_none() -> None:
    primitive = add(single((0.21, 0.2625, 0.21)), (15, -99, 72))
    assert all(fit_tables(primitive, shift) is None for shift in (12, 20, 28))


@pytest.mark.parametrize("seed", range(5))
def test_one_operand(seed: int) -> None:
    """Any function of a byte, also not monotone, within a clamp."""
    values = np.random.default_rng(seed).integers(-128, 128, (1, 256))
    rescale = IdentityRescale(zero_point=seed, low=-100, high=90)
    primitive = replace(add((0.1, 0.1, 0.1), (0, 0, 0)), inputs=(0,), tables=values, rescale=rescale)
    pair = fit_tables(primitive, 16)
    assert pair is not None
    assert not pair.tables[1].any()
    expected = np.broadcast_to(np.clip(values[0] + seed, -100, 90)[:, None], (256, 256))
    np.testing.assert_array_equal(hardware(primitive, pair), expected)


def test_a_wrong_table_is_noticed() -> None:
    primitive = add((0.05, 0.08, 0.1), (4, -9, 3))
    pair = shortest(primitive)
    pair.tables[1, 100] += 1 << pair.shift
    assert (hardware(primitive, pair) != exact(primitive)).any()
