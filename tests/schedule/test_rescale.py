"""Short requantizer parameters against the exact functions, at every accumulator that can occur."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from tfl2hw.ops.rescale import FixedPointRescale, MeanRescale, fixed_point
from tfl2hw.schedule.rescale import FRACTIONS, ROUND, Parameters, find_steps, fit

Int64 = npt.NDArray[np.int64]


def hardware(
    accumulator: Int64, parameters: Parameters, channel: int, rescale: object, fraction: int
) -> Int64:
    """The requantizer's docstring in Python's integers; knows nothing of the schedule."""
    v = accumulator.astype(object) * int(parameters.mantissa[channel]) + int(parameters.offset[channel])
    w = (v >> fraction) - np.where((v < 0) & parameters.half_away[channel], 2, 0)
    rounded = ((w >> int(parameters.shift[channel])) + 1) >> 1
    return np.clip(rounded + rescale.zero_point, rescale.low, rescale.high).astype(np.int64)


def mismatches(
    rescale: object,
    bias: Int64,
    low: Int64,
    high: Int64,
    parameters: Parameters,
    fraction: int,
    step: int = 1,
) -> int:
    """Accumulators in [low, high], of all channels, whose byte is wrong. Exhaustive where ``step`` is 1."""
    assert rescale.half_away or not parameters.half_away.any()
    wrong = 0
    for channel in range(len(bias)):
        accumulator = np.arange(low[channel], high[channel] + 1, step)
        accumulator = np.union1d(accumulator, [low[channel], high[channel]])
        exact = rescale(accumulator + bias[channel], np.full_like(accumulator, channel))
        wrong += int((hardware(accumulator, parameters, channel, rescale, fraction) != exact).sum())
    return wrong


def shortest(rescale: object, bias: Int64, low: Int64, high: Int64) -> tuple[int, Parameters]:
    steps = find_steps(rescale, bias, low, high)
    for fraction in FRACTIONS:
        found = fit(steps, fraction)
        if found is not None:
            return fraction, found
    raise AssertionError("no fraction fits")


def random_layer(
    generator: np.random.Generator, rounding: str, channels: int, reach: int
) -> tuple[FixedPointRescale, Int64, Int64, Int64]:
    """Scales that use the byte's range more or less, biases, and bounds of about ``reach``."""
    greatest = 2000 / reach
    slopes = np.exp(generator.uniform(np.log(20 / reach), np.log(greatest), channels))
    clamp = sorted(generator.choice(np.arange(-128, 128), 2, replace=False))
    clamp = [(-128, 127), tuple(int(each) for each in clamp)][int(generator.integers(2))]
    rescale = fixed_point(slopes, rounding, int(generator.integers(-128, 128)), clamp)
    low = -generator.integers(reach // 2, reach, channels)
    high = generator.integers(reach // 2, reach, channels)
    return rescale, generator.integers(-reach, reach, channels), low, high


@pytest.mark.parametrize("rounding", ["double", "single"])
@pytest.mark.parametrize("seed", range(12))
def test_every_accumulator(rounding: str, seed: int) -> None:
    generator = np.random.default_rng(seed)
    reach = int(generator.choice((400, 5000, 60000)))
    layer = random_layer(generator, rounding, channels=8, reach=reach)
    fraction, found = shortest(*layer)
    assert fraction <= 22, "a short mantissa would have done"
    assert mismatches(*layer, found, fraction) == 0


@pytest.mark.parametrize("rounding", ["double", "single"])
@pytest.mark.parametrize("real", [0.25, 2.0**-9, 3 * 2.0**-7, 0.5 - 2.0**-30, 2.0**-20])
def test_ties_and_powers_of_two(rounding: str, real: float) -> None:
    """Ratios whose steps fall on ties."""
    rescale = fixed_point(np.array([real]), rounding, -3, (-128, 127))
    layer = (rescale, np.array([7, -40]), np.array([-70000, -300]), np.array([70000, 300]))
    fraction, found = shortest(*layer)
    assert mismatches(*layer, found, fraction) == 0


def test_a_multiplier_above_one() -> None:
    """Outputs that jump by more than one: some levels are never produced."""
    rescale = fixed_point(np.array([1.0, 1.9, 3.7, 40.0]), "single", 5, (-128, 127))
    bounds = np.full(4, 300)
    layer = (rescale, np.array([0, 1, -9, 2]), -bounds, bounds)
    fraction, found = shortest(*layer)
    assert mismatches(*layer, found, fraction) == 0


@pytest.mark.parametrize("clamp", [(-128, 127), (-100, 127), (-128, 3)])
@pytest.mark.parametrize("rounding", ["double", "single"])
def test_constant_and_saturated_channels(rounding: str, clamp: tuple[int, int]) -> None:
    """Dead channels (one accumulator), and channels that never leave a clamp, whatever their bias."""
    rescale = fixed_point(np.full(7, 0.013), rounding, -20, clamp)
    bias = np.array([0, 500, -500, 2**30, -(2**30), 90000, -90000])
    reach = np.array([0, 0, 0, 0, 0, 400, 400])
    layer = (rescale, bias, -reach, reach)
    fraction, found = shortest(*layer)
    assert mismatches(*layer, found, fraction) == 0
    assert (found.mantissa == 0).all(), "a constant needs no product"
    assert abs(found.offset).max() < 2**40


@pytest.mark.parametrize("level", [-128, 0, 127])
def test_a_clamp_to_one_value(level: int) -> None:
    """RELU at the top zero point: everything is one byte."""
    rescale = fixed_point(np.array([0.01]), "double", level, (level, level))
    layer = (rescale, np.array([5, -5]), np.array([-1000, 0]), np.array([1000, 0]))
    fraction, found = shortest(*layer)
    assert mismatches(*layer, found, fraction) == 0
    assert abs(found.offset).max() < 2**40


@pytest.mark.parametrize("count", range(1, 201))
def test_mean_of_every_count(count: int) -> None:
    rescale = MeanRescale(count=count, low=-128, high=127)
    layer = (rescale, np.zeros(1, np.int64), np.array([-128 * count]), np.array([127 * count]))
    fraction, found = shortest(*layer)
    assert mismatches(*layer, found, fraction) == 0


@pytest.mark.parametrize("more", [1, 4, 10])
def test_a_longer_mantissa_is_exact_too(more: int) -> None:
    """The layers share the longest fraction, so each must be exact with more than it needs."""
    for seed in range(4):
        layer = random_layer(np.random.default_rng(seed), "double", channels=4, reach=3000)
        fraction = shortest(*layer)[0] + more
        found = fit(find_steps(*layer), fraction)
        assert found is not None
        assert mismatches(*layer, found, fraction) == 0


def test_offsets_end_in_as_many_zeros_as_can_be() -> None:
    """The offsets beside one that end in more zeros are wrong; with a long mantissa most end in many."""
    layer = random_layer(np.random.default_rng(5), "double", channels=6, reach=3000)
    fraction = shortest(*layer)[0] + 8
    found = fit(find_steps(*layer), fraction)
    assert found is not None
    last = found.offset & -found.offset
    assert (last >= 1 << ROUND).all()
    assert np.count_nonzero(found.mantissa) > 3
    for beside in (found.offset - last, found.offset + last):
        for channel in np.flatnonzero(found.mantissa):  # a constant one has more than one such
            bounds = (part[channel : channel + 1] for part in layer[1:])
            single = replace(
                layer[0], multiplier=layer[0].multiplier[[channel]], shift=layer[0].shift[[channel]]
            )
            alone = Parameters(
                mantissa=found.mantissa[[channel]], offset=beside[[channel]], shift=found.shift[[channel]],
                half_away=found.half_away[[channel]],
            )  # fmt: skip
            assert mismatches(single, *bounds, alone, fraction) > 0


def test_wide_accumulators() -> None:
    """24 bits, as large layers have; every 97th accumulator, and all those around every step."""
    generator = np.random.default_rng(9)
    layer = random_layer(generator, "double", channels=4, reach=1 << 23)
    fraction, found = shortest(*layer)
    assert mismatches(*layer, found, fraction, step=97) == 0
    rescale, bias, low, high = layer
    positions = find_steps(*layer).position
    for channel in range(4):
        inside = positions[channel][
            (positions[channel] > low[channel]) & (positions[channel] <= high[channel])
        ]
        around = np.unique(np.concatenate([inside - 1, inside]))
        exact = rescale(around + bias[channel], np.full_like(around, channel))
        np.testing.assert_array_equal(hardware(around, found, channel, rescale, fraction), exact)


@pytest.mark.parametrize("real", [0.5, 0.75, 1.0, 1.5, 3.7, 63.9, 1000.0, 2.0**28])
def test_double_rounding_from_one_half_on(real: float) -> None:
    """TFLite rounds these once, ties upwards: no kink, unless no accumulator is near a tie. A channel
    with a kink stands beside them.
    """
    rescale = fixed_point(np.array([real, 0.375]), "double", 5, (-128, 127))
    layer = (rescale, np.array([1, 0]), np.array([-400, -400]), np.array([400, 400]))
    fraction, found = shortest(*layer)
    assert mismatches(*layer, found, fraction) == 0
    assert found.half_away[1]
    assert real in (1.0, 63.9, 1000.0, 2.0**28) or not found.half_away[0]
    assert int(found.mantissa.max()).bit_length() <= 36


@pytest.mark.parametrize("rounding", ["double", "single"])
@pytest.mark.parametrize("fraction", [30, 31, 32])
def test_numbers_longer_than_64_bits(rounding: str, fraction: int) -> None:
    """Tiny multipliers, whose thresholds, and wide accumulators, whose products would overflow."""
    rescale = fixed_point(2.0 ** -np.array([30.9, 29, 28.2, 23, 22.4]), rounding, 1, (-128, 127))
    bound = np.full(5, 1 << 30)
    layer = (rescale, np.array([0, 5, -70, 1 << 29, -(1 << 29)]), -bound, bound)
    found = fit(find_steps(*layer), fraction)
    assert found is not None
    assert found.mantissa.all()
    assert mismatches(*layer, found, fraction, step=1 << 20) == 0
    steps = find_steps(*layer)
    for channel in range(5):
        around = np.concatenate([steps.position[channel] - 1, steps.position[channel]])
        around = around.clip(-bound[0], bound[0])
        exact = rescale(around + layer[1][channel], np.full_like(around, channel))
        assert (hardware(around, found, channel, rescale, fraction) == exact).all()


def broad_layer(generator: np.random.Generator, kind: str) -> tuple[object, Int64, Int64, Int64]:
    """Multipliers from 2**-20 to 2**6, powers of two among them, any bias, and any bounds whose product
    with the multiplier stays in int32, from a single accumulator to 30 bits.
    """
    channels = int(generator.integers(1, 9))
    clamp = sorted(int(each) for each in generator.choice(np.arange(-128, 128), 2))
    low, high = clamp if generator.integers(2) else (-128, 127)
    rescale: object
    if kind == "mean":
        rescale = MeanRescale(count=int(2 ** generator.uniform(0, 16)), low=low, high=high)
        limit = np.full(channels, 128 * rescale.count)
    else:
        exponents = generator.uniform(-20, 6, channels)
        exponents = np.rint(exponents) if generator.random() < 0.2 else exponents
        rescale = fixed_point(2.0**exponents, kind, int(generator.integers(-128, 128)), (low, high))
        limit = (2.0**29 / np.maximum(rescale.slope, 1)).astype(np.int64)
    reach = np.maximum(limit.astype(np.float64) ** generator.uniform(0, 1, channels), 1).astype(np.int64)
    if generator.random() < 0.3:  # as far as the output takes any byte
        reach = np.minimum(limit, (300 / rescale.slope).astype(np.int64) + 1)
    far = limit if generator.random() < 0.3 else reach
    bias = generator.integers(-far, far + 1) if kind != "mean" else np.zeros(channels, np.int64)
    return rescale, bias, -generator.integers(0, reach + 1), generator.integers(0, reach + 1)


@pytest.mark.parametrize("kind", ["double", "single", "mean"])
def test_every_rescale_has_parameters(kind: str) -> None:
    """At fractions of 30 and 31, or a shorter one where the mantissa would be too long; around every
    step, at both bounds and at random accumulators the byte is right, and so it is with any fraction.
    """
    kinks = 0
    for seed in range(150):
        generator = np.random.default_rng(seed)
        layer = broad_layer(generator, kind)
        rescale, bias, low, high = layer
        steps = find_steps(*layer)
        fitted = {fraction: fit(steps, fraction) for fraction in (12, 17, 22, 26, 29, 30, 31)}
        if rescale.slope.max() < 16:
            assert None not in (fitted[30], fitted[31]), seed
        assert any(fitted.values()), seed
        for fraction, found in fitted.items():
            if found is None:
                continue
            kinks += int(found.half_away.sum())
            for channel in range(len(bias)):
                accumulators = np.concatenate([
                    steps.position[channel] - 1, steps.position[channel], [low[channel], high[channel]],
                    generator.integers(low[channel], high[channel] + 1, 20),
                ])  # fmt: skip
                accumulators = accumulators.clip(low[channel], high[channel])
                exact = rescale(accumulators + bias[channel], np.full_like(accumulators, channel))
                assert (hardware(accumulators, found, channel, rescale, fraction) == exact).all(), seed
    assert (kinks > 100) == (kind == "double")


def test_too_short_a_mantissa_is_refused() -> None:
    """What ``fit`` refuses is really not exact with the nearest mantissa."""
    layer = random_layer(np.random.default_rng(2), "double", channels=8, reach=1 << 20)
    assert fit(find_steps(*layer), 10) is None


def test_a_wrong_parameter_is_noticed() -> None:
    """The comparison of these tests sees each field."""
    layer = random_layer(np.random.default_rng(4), "double", channels=4, reach=5000)
    fraction, found = shortest(*layer)
    for change in (
        {"mantissa": found.mantissa + np.array([0, 0, found.mantissa[2] >> 6, 0])},
        {"offset": found.offset + np.array([0, 1 << fraction + int(found.shift[1]), 0, 0])},
        {"shift": found.shift + np.array([0, 0, 0, 1])},
        {"half_away": found.half_away ^ np.array([True, False, False, False])},
    ):
        assert mismatches(*layer, replace(found, **change), fraction) > 0


@pytest.mark.parametrize("zero_point", [-256, -223, -129, 0])
def test_zero_points_beyond_a_byte(zero_point: int) -> None:
    rescale = fixed_point(np.array([0.37]), "double", zero_point, (-128, 127))
    bias, low, high = (np.array([value]) for value in (4, -2000, 2000))
    parameters = fit(find_steps(rescale, bias, low, high), 30)
    assert parameters is not None
    assert mismatches(rescale, bias, low, high, parameters, 30) == 0


@pytest.mark.parametrize("count", [3, 24, 42, 90])
def test_multipliers_that_lack_their_first_bit(count: int) -> None:
    """MEAN divides its multiplier by the number of elements: the kink is then at another height."""
    whole = fixed_point(np.array([1.0]), "double", 57, (-128, 127))
    more = count.bit_length() - 1
    rescale = replace(whole, multiplier=(whole.multiplier << more) // count, shift=whole.shift - more)
    bias, low, high = (np.array([value]) for value in (-57 * count, -128 * count, 127 * count))
    parameters = fit(find_steps(rescale, bias, low, high), 30)
    assert parameters is not None
    assert mismatches(rescale, bias, low, high, parameters, 30) == 0
