"""Fused activations: which there are, and the byte range that each leaves."""

from __future__ import annotations

import numpy as np

from tfl2hw.ir.graph import Quantisation
from tfl2hw.ops.arithmetic import round_half_away

INT8_MIN, INT8_MAX = -128, 127

_BOUNDS: dict[str, tuple[float | None, float | None]] = {
    "NONE": (None, None),
    "RELU": (0.0, None),
    "RELU_N1_TO_1": (-1.0, 1.0),
    "RELU_0_TO_1": (0.0, 1.0),
    "RELU6": (0.0, 6.0),
}
ACTIVATIONS = tuple(_BOUNDS)


def clamp_range(activation: str, output: Quantisation) -> tuple[int, int]:
    """Lowest and highest output byte under ``activation`` (one of ACTIVATIONS).

    The bounds are divided by the scale in float32, as CalculateActivationRangeQuantized does.
    """
    lower, upper = _BOUNDS[activation]
    low = INT8_MIN if lower is None else max(INT8_MIN, _quantise(lower, output))
    high = INT8_MAX if upper is None else min(INT8_MAX, _quantise(upper, output))
    return low, high


def _quantise(bound: float, output: Quantisation) -> int:
    with np.errstate(over="ignore"):
        steps = float(np.float32(bound) / np.float32(output.scale))
    return output.zero_point + round_half_away(max(min(steps, 2.0**31), -(2.0**31)))
