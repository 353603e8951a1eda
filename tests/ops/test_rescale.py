"""The rescale functions: against exact fractions, and monotone over the whole int32 range."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from tfl2hw.ops.arithmetic import mean_round, quantize_multiplier
from tfl2hw.ops.rescale import FixedPointRescale, MeanRescale, RealRescale, fixed_point


def once(value: int, multiplier: int, shift: int) -> int:
    """Nearest to the exact product, ties upwards."""
    return int((Fraction(value * multiplier) * Fraction(2) ** (shift - 31) + Fraction(1, 2)).__floor__())


def twice(value: int, multiplier: int, shift: int) -> int:
    """First ties upwards at 2**31, then ties away from zero."""
    first = once(value << max(shift, 0), multiplier, 0)
    exact = Fraction(first, 1 << max(-shift, 0))
    away = (abs(exact) + Fraction(1, 2)).__floor__()
    return int(away if exact >= 0 else -away)


@pytest.mark.parametrize(("rounding", "model"), [("single", once), ("double", twice)])
def test_against_fractions(rounding: str, model: object) -> None:
    random = np.random.default_rng(1)
    for _ in range(40):
        multiplier, shift = int(random.integers(1 << 30, 1 << 31)), int(random.integers(-31, 3))
        limit = (1 << 31 >> max(shift, 0)) - 1
        values = np.concatenate([random.integers(-limit, limit, 40), np.arange(-9, 10), [limit, -limit]])
        rescale = FixedPointRescale(
            multiplier=np.array([multiplier]),
            shift=np.array([shift]),
            rounding=rounding,
            zero_point=0,
            low=-(1 << 40),
            high=1 << 40,
        )
        expected = [model(int(value), multiplier, shift) for value in values]
        assert rescale(values, np.zeros_like(values)).tolist() == expected


@pytest.mark.parametrize("rounding", ["single", "double"])
def test_monotone_over_int32(rounding: str) -> None:
    values = np.unique(np.linspace(-(2**31), 2**31 - 1, 4001).astype(np.int64))
    for real in (1e-9, 0.003, 0.5, 0.99, 1.7, 300.0):
        rescale = fixed_point(np.array([real]), rounding, 5, (-128, 127))
        results = rescale(values, np.zeros_like(values))
        assert (np.diff(results) >= 0).all()
        assert (results[0], results[-1]) == (max(-128, 5 + results[0] - 5), results[-1])


def test_channels_broadcast_and_slopes() -> None:
    rescale = fixed_point(np.array([0.5, 0.001]), "double", -3, (-100, 100))
    assert rescale.channels == 2
    np.testing.assert_allclose(rescale.slope, [0.5, 0.001], rtol=1e-9)
    accumulators = np.full((2, 3, 2), 60, np.int64)
    assert rescale(accumulators, np.arange(2)).tolist() == [[[27, -3]] * 3] * 2


def test_quantize_multiplier_edges() -> None:
    assert quantize_multiplier(1.0) == (1 << 30, 1)
    assert quantize_multiplier(1 - 2**-40) == (1 << 30, 1)
    assert quantize_multiplier(0.0) == (0, 0)
    assert quantize_multiplier(2.0**-31) == (1 << 30, -30)
    assert quantize_multiplier(2.0**-33) == (0, 0)
    with pytest.raises(ValueError, match="finite and not negative"):
        quantize_multiplier(float("nan"))


@pytest.mark.parametrize("count", [1, 2, 3, 4, 9, 125])
def test_mean_is_c_division(count: int) -> None:
    totals = np.arange(-700, 701)
    expected = [int((t + count // 2) / count) if t > 0 else int((t - count // 2) / count) for t in totals]
    assert mean_round(totals, count).tolist() == expected
    clamped = MeanRescale(count=count, low=-5, high=6)(totals, np.zeros_like(totals))
    assert clamped.tolist() == np.clip(expected, -5, 6).tolist()


def test_overflow_is_seen() -> None:
    rescale = fixed_point(np.array([1.5, 0.5]), "double", 0, (-128, 127))
    low, high = np.array([-(2**30) - 1, -(2**31)]), np.array([0, 2**31 - 1])
    assert rescale.overflows(low, high).tolist() == [True, False]
    assert rescale.overflows(low + 1, high + 1).tolist() == [False, True]


def test_real_rescale_rounds_ties_away_from_zero() -> None:
    reals = np.array([0.125, 0.1, 3.0])
    rescale = RealRescale(real=reals, zero_point=4, low=-90, high=100)
    assert (rescale.channels, rescale.half_away) == (3, False)
    np.testing.assert_array_equal(rescale.slope, reals)
    values = np.arange(-1300, 1301, dtype=np.int64)
    for channel, real in enumerate(reals):
        exact = [Fraction(float(value) * float(real)) for value in values]
        away = [int(abs(x) + Fraction(1, 2)) * (1 if x >= 0 else -1) + 4 for x in exact]
        results = rescale(values, np.full_like(values, channel))
        assert results.tolist() == np.clip(away, -90, 100).tolist()
        assert (np.diff(results) >= 0).all()
