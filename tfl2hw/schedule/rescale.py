"""Fits the requantizer's short multiply-add-shift to an exact rescale function, and proves it.

A rescale is a monotone step function from accumulator to output byte. It is equal to the hardware's
``clamp((((v >> f) - kink >> s) + 1 >> 1) + zero_point)`` with ``v = a * m + R`` as soon as every step
falls between the same two neighbouring accumulators; so 255 comparisons a channel prove all 2**32
inputs. The mantissa m can then be far shorter than TFLite's 31 bits, and so can the multiplier.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tfl2hw.ir.primitives import Rescale

Int64 = npt.NDArray[np.int64]

FRACTIONS = range(10, 33)
"""Mantissa fractions tried, shortest first; at 30 the formula is TFLite's own."""


NEIGHBOURS = 3
"""Mantissas tried on either side of the nearest: a short one need not be the nearest to be exact."""


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
    half_away: bool


@dataclass(frozen=True, kw_only=True, eq=False)
class Parameters:
    """Requantizer parameters of a layer, one entry a channel."""

    mantissa: Int64
    offset: Int64
    shift: Int64
    half_away: bool


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
    slope = np.broadcast_to(np.asarray(rescale.slope, dtype=np.float64), (len(bias),))
    return Steps(
        position=reached,
        level=targets[0] - rescale.zero_point,
        low=low,
        high=high,
        slope=slope,
        half_away=rescale.half_away,
    )


def fit(steps: Steps, fraction: int) -> Parameters | None:
    """Parameters with ``fraction`` fractional mantissa bits, or None where some channel has none."""
    inside = (steps.position > steps.low[:, None]) & (steps.position <= steps.high[:, None])
    slope = np.where(inside.any(axis=1), steps.slope, 0.0)  # a constant channel needs no mantissa
    _, exponent = np.frexp(slope)
    shift = np.maximum(-exponent, 0).astype(np.int64)
    if int(shift.max(initial=0)) + fraction > 52:
        return None
    ideal = np.ldexp(slope, shift + fraction + 1)
    best_mantissa = np.zeros_like(shift)
    best_offset = np.zeros_like(shift)
    done = np.zeros(shift.shape, dtype=bool)
    for away in sorted(range(-NEIGHBOURS, NEIGHBOURS + 1), key=abs):
        mantissa = np.maximum(np.rint(ideal).astype(np.int64) + np.where(slope > 0, away, 0), 0)
        lower, upper = _offset_range(steps, mantissa, shift, fraction)
        good = (lower <= upper) & ~done
        middle = lower + (upper - lower) // 2
        best_mantissa = np.where(good, mantissa, best_mantissa)
        best_offset = np.where(good, middle, best_offset)
        done |= good
    if not done.all():
        return None
    return Parameters(mantissa=best_mantissa, offset=best_offset, shift=shift, half_away=steps.half_away)


def _offset_range(steps: Steps, mantissa: Int64, shift: Int64, fraction: int) -> tuple[Int64, Int64]:
    """Offsets with which the steps of each channel fall where they must: [lower, upper]."""
    threshold = _threshold(steps, shift, fraction)
    product = steps.position * mantissa[:, None]
    before = product - mantissa[:, None]
    reached = steps.position <= steps.high[:, None]
    starts = steps.position > steps.low[:, None]
    far = np.int64(2) ** 61
    lower = np.where(reached, threshold - product, -far).max(axis=1, initial=-far)
    upper = np.where(starts, threshold - before - 1, far).min(axis=1, initial=far)
    # where every step is out of reach on one side, any offset near the bound does; without steps, any
    free = (lower == -far) & (upper == far)
    lower, upper = np.where(free, 0, lower), np.where(free, 0, upper)
    lower = np.where(lower == -far, upper - 1, lower)
    upper = np.where(upper == far, lower + 1, upper)
    return lower, upper


def _threshold(steps: Steps, shift: Int64, fraction: int) -> Int64:
    """The least ``v`` whose output reaches each level: (channels, levels)."""
    edge = (2 * steps.level[None, :] - 1) << shift[:, None]
    kink = 2 if steps.half_away else 0
    negative = np.minimum(0, (edge + kink) << fraction)
    return np.where(edge > 0, edge << fraction, negative)
