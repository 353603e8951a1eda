"""Fits the requantizer's short multiply-add-shift to an exact rescale function, and proves it.

A rescale is a monotone step function from accumulator to output byte. It is equal to the hardware's
``clamp((((v >> f) - kink >> s) + 1 >> 1) + zero_point)`` with ``v = a * m + R`` as soon as every step
falls between the same two neighbouring accumulators; so 255 comparisons a channel prove all 2**32
inputs. The mantissa m can then be far shorter than TFLite's 31 bits, and so can the multiplier.
Where a channel's output moves by more than one an accumulator, m is longer than ``f + 1`` bits.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from tfl2hw.ir.primitives import Rescale

Int64 = npt.NDArray[np.int64]
Integers = npt.NDArray[Any]
"""int64, or Python's integers where those could overflow."""

FRACTIONS = range(10, 33)
"""Mantissa fractions tried, shortest first; at 30 the formula is TFLite's own."""


NEIGHBOURS = 3
"""Mantissas tried on either side of the nearest: a short one need not be the nearest to be exact."""

STEEPEST = 256.0
"""A slope with which one accumulator more or less leads past any clamp: a greater one changes nothing."""

MANTISSA_BITS = 36
"""The longest mantissa that a requantizer's multiplier takes."""

SAMPLES = 17
"""Accumulators of each channel at which a function is compared with its steps."""

ROUND = 8
"""Zeros with which offsets end wherever that can be: bits that no entry has to hold."""

SAFE_BITS = 60
"""Products and thresholds of fewer bits are compared in int64, others in Python's integers."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Steps:
    """Where a layer's rescale functions step, for accumulators (bias left out) in [low, high].

    ``position[c, n]`` is the least accumulator of channel c whose output reaches ``level[n]``
    (``high[c] + 1`` where none does, ``low[c]`` where all do). ``bias`` is added to the accumulator
    before the function.
    """

    position: Int64
    level: Int64  # output step minus zero point
    low: Int64
    high: Int64
    slope: npt.NDArray[np.float64]
    half_away: bool  # whether the kink is worth trying


@dataclass(frozen=True, kw_only=True, eq=False)
class Parameters:
    """Requantizer parameters of a layer, one entry a channel.

    ``half_away``: the channel has the kink of TFLite's double rounding.
    """

    mantissa: Int64
    offset: Int64
    shift: Int64
    half_away: npt.NDArray[np.bool_]


def find_steps(rescale: Rescale, bias: Int64, low: Int64, high: Int64) -> Steps:
    """Bisect for every step of every channel. ``low`` and ``high`` bound the bare accumulator."""
    channels = np.arange(len(bias), dtype=np.int64)[:, None]
    targets = np.arange(rescale.low + 1, rescale.high + 1, dtype=np.int64)[None, :]
    which = channels if rescale.channels > 1 else np.zeros_like(channels)
    below = np.broadcast_to(low[:, None] - 1, (len(bias), targets.size)).copy()
    reached = np.broadcast_to(high[:, None] + 1, below.shape).copy()
    for _ in range(int((high - low + 2).max()).bit_length()):
        middle = (below + reached) >> 1
        inside = (middle > below) & (middle < reached)
        hit = rescale(middle + bias[:, None], np.broadcast_to(which, middle.shape)) >= targets
        reached = np.where(inside & hit, middle, reached)
        below = np.where(inside & ~hit, middle, below)
    _check_monotone(rescale, bias, which, (low, high), reached)
    slope = np.broadcast_to(np.asarray(rescale.slope, dtype=np.float64), (len(bias),))
    return Steps(
        position=reached,
        level=targets[0] - rescale.zero_point,
        low=low,
        high=high,
        slope=slope,
        half_away=rescale.half_away,
    )


def _check_monotone(
    rescale: Rescale, bias: Int64, which: Int64, ends: tuple[Int64, Int64], reached: Int64
) -> None:
    """The steps found are the function's, at some accumulators of each channel: bisection needs that."""
    low, high = ends
    places = low[:, None] + (high - low)[:, None] * np.arange(SAMPLES, dtype=np.int64) // (SAMPLES - 1)
    exact = rescale(places + bias[:, None], np.broadcast_to(which, places.shape))
    found = rescale.low + (reached[:, None, :] <= places[:, :, None]).sum(axis=2)
    assert np.array_equal(found, exact), "a rescale is not monotone"


def fit(steps: Steps, fraction: int) -> Parameters | None:
    """Parameters with ``fraction`` fractional mantissa bits, or None where some channel has none.

    Offsets that end in ROUND zeros are tried first: what all offsets of a model end in is not stored.
    With a fraction of 30 all of TFLite's fixed-point functions with multipliers below 32 have some,
    steeper ones (whose mantissas get too long) with a shorter fraction. The kink is tried first where
    the function rounds twice; but TFLite rounds multipliers from one half on only once. MEAN's multipliers
    may lack their topmost bit: then the shift is one less than the slope tells.
    """
    inside = (steps.position > steps.low[:, None]) & (steps.position <= steps.high[:, None])
    # a constant channel needs no mantissa
    slope = np.where(inside.any(axis=1), np.minimum(steps.slope, STEEPEST), 0.0)
    shift = np.maximum(-np.frexp(slope)[1], 0).astype(np.int64)
    nearest = np.rint(np.ldexp(slope, shift + fraction + 1)).astype(np.int64)
    mantissa, offset = np.zeros_like(nearest), np.zeros_like(nearest)
    half_away = np.zeros(nearest.shape, np.bool_)
    left = np.arange(len(nearest))
    kinks = (True, False) if steps.half_away else (False,)
    neighbours = sorted(range(-NEIGHBOURS, NEIGHBOURS + 1), key=abs)
    for zeros, fewer, kink, away in product((ROUND, 0), (0, 1), kinks, neighbours):
        less = np.maximum(shift[left] - fewer, 0)
        tried = np.where(nearest[left] > 0, np.maximum((nearest[left] >> (shift[left] - less)) + away, 0), 0)
        fits, roundest = _offsets(steps, left, tried, less, fraction, kink)
        fits &= roundest & (1 << zeros) - 1 == 0
        found = left[fits]
        mantissa[found], offset[found], half_away[found] = tried[fits], roundest[fits], kink
        shift[found] = less[fits]
        left = left[~fits]
        if not left.size:
            return Parameters(mantissa=mantissa, offset=offset, shift=shift, half_away=half_away)
    return None


def _offsets(
    steps: Steps, channels: Int64, mantissa: Int64, shift: Int64, fraction: int, kink: bool
) -> tuple[npt.NDArray[np.bool_], Int64]:
    """Whether each of ``channels`` has an offset that proves it exact, and the one with the most zeros at
    its end; also of int64.
    """
    furthest = np.maximum(np.abs(steps.low[channels]), np.abs(steps.high[channels])) + 2
    product_bits = np.log2(np.maximum(mantissa, 1)) + np.log2(furthest)
    # a level is at most 255 from the zero point, so an edge has less than 10 bits above the shift
    wide = (product_bits >= SAFE_BITS - 1) | (shift + fraction + 10 >= SAFE_BITS - 1)
    fits, roundest = np.zeros(wide.shape, np.bool_), np.zeros(wide.shape, np.int64)
    short = mantissa < 1 << MANTISSA_BITS
    for which, kind in ((np.flatnonzero(~wide), np.int64), (np.flatnonzero(wide), object)):
        if not which.size:
            continue
        lower, upper = _offset_range(
            steps, channels[which], mantissa[which].astype(kind), shift[which].astype(kind), fraction, kink
        )
        chosen = _roundest(lower, upper)
        good = np.asarray((lower <= upper) & (abs(chosen) < 1 << 62), np.bool_)
        fits[which], roundest[which] = good, np.where(good, chosen, 0).astype(np.int64)
    return fits & short, roundest


def _roundest(lower: Integers, upper: Integers) -> Integers:
    """The number in [lower, upper] that ends in the most zeros; any one where that is empty."""
    chosen = upper
    for zeros in range(1, SAFE_BITS):
        rounder = upper >> zeros << zeros
        chosen = np.where(rounder >= lower, rounder, chosen)
    return chosen


def _offset_range(
    steps: Steps, channels: Int64, mantissa: Integers, shift: Integers, fraction: int, kink: bool
) -> tuple[Integers, Integers]:
    """Offsets with which the steps of ``channels`` fall where they must: [lower, upper]."""
    position = steps.position[channels]
    threshold = _threshold(steps.level.astype(mantissa.dtype), shift, fraction, kink)
    product = position * mantissa[:, None]
    before = product - mantissa[:, None]
    reached = position <= steps.high[channels, None]
    starts = position > steps.low[channels, None]
    far = 1 << (SAFE_BITS + 1 if mantissa.dtype == np.int64 else 2 * SAFE_BITS)
    lower = np.where(reached, threshold - product, -far).max(axis=1, initial=-far)
    upper = np.where(starts, threshold - before - 1, far).min(axis=1, initial=far)
    # where every step is out of reach on one side, any offset near the bound does; without steps, any
    free = (lower == -far) & (upper == far)
    lower, upper = np.where(free, 0, lower), np.where(free, 0, upper)
    lower = np.where(lower == -far, upper - (1 << ROUND), lower)
    upper = np.where(upper == far, lower + (1 << ROUND), upper)
    return lower, upper


def _threshold(level: Integers, shift: Integers, fraction: int, kink: bool) -> Integers:
    """The least ``v`` whose output reaches each level: (channels, levels)."""
    edge = (2 * level[None, :] - 1) << shift[:, None]
    negative = np.minimum(0, (edge + (2 if kink else 0)) << fraction)
    return np.asarray(np.where(edge > 0, edge << fraction, negative))
