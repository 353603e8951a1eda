"""From accumulator to output byte: the functions that a lowered primitive carries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from tfl2hw.ir.primitives import Rescale
from tfl2hw.ops.arithmetic import (
    INT32_MAX,
    INT32_MIN,
    mean_round,
    multiply_double_rounding,
    multiply_single_rounding,
    quantize_multiplier,
)

Int64 = npt.NDArray[np.int64]
Rounding = Literal["double", "single"]


@dataclass(frozen=True, kw_only=True, eq=False)
class FixedPointRescale:
    """``clamp(round(accumulator * multiplier * 2**(shift - 31)) + zero_point)``, per channel.

    ``multiplier`` and ``shift`` are int64 arrays of one entry, or one a channel. ``rounding`` says
    whether TFLite rounds twice (the second time half away from zero) or once. Verified range of
    accumulators: int32.
    """

    multiplier: Int64
    shift: Int64
    rounding: Rounding
    zero_point: int
    low: int
    high: int

    @property
    def half_away(self) -> bool:
        """Whether negative values round half away from zero (the kink of the double rounding)."""
        return self.rounding == "double"

    @property
    def channels(self) -> int:
        """How many channels have functions of their own (1: all share one)."""
        return len(self.multiplier)

    @property
    def slope(self) -> npt.NDArray[np.float64]:
        """Real slope of each channel's function (output steps per accumulator step)."""
        return np.ldexp(self.multiplier.astype(np.float64), (self.shift - 31).astype(np.int32))

    def __call__(self, accumulator: Int64, channel: Int64) -> Int64:
        """Exact clamped outputs for ``accumulator`` (any shape), ``channel`` broadcast to it."""
        index = channel if self.channels > 1 else np.zeros_like(channel)
        multiply = multiply_double_rounding if self.half_away else multiply_single_rounding
        value = np.asarray(accumulator, np.int64)
        scaled = multiply(value, self.multiplier[index], self.shift[index])
        return np.clip(scaled + self.zero_point, self.low, self.high)

    def overflows(self, low: Int64, high: Int64) -> npt.NDArray[np.bool_]:
        """Per channel: whether accumulators ``low`` .. ``high`` (int64, a channel each) wrap in C.

        They do when they leave int32, before or after the multiplier's left shift.
        """
        left = np.maximum(self.shift, 0).astype(np.int32)
        smallest, largest = np.ldexp(low.astype(np.float64), left), np.ldexp(high.astype(np.float64), left)
        return np.asarray((smallest < INT32_MIN) | (largest > INT32_MAX), np.bool_)


@dataclass(frozen=True, kw_only=True, eq=False)
class MeanRescale:
    """``clamp(accumulator / count)`` to the nearest, as AVERAGE_POOL_2D rounds; one for all channels.

    The accumulator is the sum of raw bytes, so there is no zero point.
    """

    count: int
    low: int
    high: int
    zero_point: int = 0
    half_away: bool = False

    @property
    def channels(self) -> int:
        """1: all channels share the function."""
        return 1

    @property
    def slope(self) -> npt.NDArray[np.float64]:
        """1 / count, as an array of one."""
        return np.array([1.0 / self.count])

    def __call__(self, accumulator: Int64, channel: Int64) -> Int64:
        """Exact clamped outputs for ``accumulator`` (any shape); ``channel`` only broadcasts."""
        value = np.asarray(accumulator, np.int64) + np.zeros_like(channel)
        return np.clip(mean_round(value, self.count), self.low, self.high)


@dataclass(frozen=True, kw_only=True, eq=False)
class RealRescale:
    """``clamp(round(accumulator * real) + zero_point)``, per channel, in double precision.

    Ties round away from zero. ``real`` is float64, one entry or one a channel. Verified range of
    accumulators: int32, with ``accumulator * real`` in int32 too.
    """

    real: npt.NDArray[np.float64]
    zero_point: int
    low: int
    high: int
    half_away: bool = False

    @property
    def channels(self) -> int:
        """How many channels have functions of their own (1: all share one)."""
        return len(self.real)

    @property
    def slope(self) -> npt.NDArray[np.float64]:
        """Real slope of each channel's function (output steps per accumulator step)."""
        return self.real

    def __call__(self, accumulator: Int64, channel: Int64) -> Int64:
        """Exact clamped outputs for ``accumulator`` (any shape), ``channel`` broadcast to it."""
        index = channel if self.channels > 1 else np.zeros_like(channel)
        scaled = np.asarray(accumulator, np.int64).astype(np.float64) * self.real[index]
        whole = np.trunc(scaled)
        rounded = whole + np.sign(scaled) * (np.abs(scaled - whole) >= 0.5)
        return np.asarray(np.clip(rounded + self.zero_point, self.low, self.high), np.int64)


def fixed_point(
    reals: npt.NDArray[np.float64], rounding: Rounding, zero_point: int, clamp: tuple[int, int]
) -> FixedPointRescale:
    """The rescale by real multipliers (one, or one a channel), quantised as TFLite quantises them."""
    pairs = np.array([quantize_multiplier(float(real)) for real in reals], np.int64).reshape(-1, 2)
    return FixedPointRescale(
        multiplier=pairs[:, 0],
        shift=pairs[:, 1],
        rounding=rounding,
        zero_point=zero_point,
        low=clamp[0],
        high=clamp[1],
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class IdentityRescale:
    """``clamp(accumulator + zero_point)``, one for all channels."""

    zero_point: int = 0
    low: int = -128
    high: int = 127
    half_away: bool = False

    @property
    def channels(self) -> int:
        """1: all channels share the function."""
        return 1

    @property
    def slope(self) -> npt.NDArray[np.float64]:
        """1, as an array of one."""
        return np.array([1.0])

    def __call__(self, accumulator: Int64, channel: Int64) -> Int64:
        """Exact clamped outputs for ``accumulator`` (any shape); ``channel`` only broadcasts."""
        value = np.asarray(accumulator, np.int64) + np.zeros_like(channel)
        return np.asarray(np.clip(value + self.zero_point, self.low, self.high), np.int64)


@dataclass(frozen=True, kw_only=True, eq=False)
class SelectedRescale:
    """The functions of some channels of a rescale: channel n is ``selected[n]`` of ``whole``."""

    whole: Rescale
    selected: Int64

    @property
    def channels(self) -> int:
        """How many channels have functions of their own (1: all share one)."""
        return len(self.selected) if self.whole.channels > 1 else 1

    @property
    def slope(self) -> npt.NDArray[np.float64]:
        """Real slope of each channel's function (output steps per accumulator step)."""
        return self.whole.slope[self.selected] if self.whole.channels > 1 else self.whole.slope

    @property
    def zero_point(self) -> int:
        """The whole's."""
        return self.whole.zero_point

    @property
    def low(self) -> int:
        """The whole's."""
        return self.whole.low

    @property
    def high(self) -> int:
        """The whole's."""
        return self.whole.high

    @property
    def half_away(self) -> bool:
        """The whole's."""
        return self.whole.half_away

    def __call__(self, accumulator: Int64, channel: Int64) -> Int64:
        """Exact clamped outputs for ``accumulator`` (any shape), ``channel`` broadcast to it."""
        return self.whole(accumulator, self.selected[channel] if self.whole.channels > 1 else channel)
