"""What the operators with weights and biases share: constraints, multipliers, folded biases."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tfl2hw.ops.activation import INT8_MAX, INT8_MIN, clamp_range
from tfl2hw.ops.constraints import documented
from tfl2hw.ops.node import Constraint, Int8, Node, called, constant, quantisation
from tfl2hw.ops.rescale import FixedPointRescale, Rounding, fixed_point

Int64 = npt.NDArray[np.int64]


def constant_weights(rank: int, axis: int) -> Constraint:
    """A constraint on input 1: int8 constants of ``rank``, symmetric, scaled per tensor or by ``axis``."""

    @documented(
        f"weights are int8 constants of rank {rank} with zero points 0 and one scale, or one a channel "
        f"of axis {axis}"
    )
    def check(node: Node) -> str | None:
        weights = node.input(1)
        if weights.data is None or weights.dtype != "int8":
            return f"{called(weights)} is {weights.dtype}, {'' if weights.is_constant else 'not '}constant"
        if len(weights.shape) != rank:
            return f"{called(weights)} has shape {weights.shape}"
        if weights.quantisation is None:
            return f"{called(weights)} has no quantisation"
        scales = len(weights.quantisation.scales)
        if scales != 1 and (weights.quantisation.axis != axis or scales != weights.shape[axis]):
            return f"{called(weights)} has {scales} scales along axis {weights.quantisation.axis}"
        if any(weights.quantisation.zero_points):
            return f"{called(weights)} has a zero point other than 0"
        return None

    return check


def constant_bias(axis: int) -> Constraint:
    """A constraint on input 2: absent, or one int32 constant an output channel (axis of the weights)."""

    @documented("the bias is absent, or int32 constants, one an output channel")
    def check(node: Node) -> str | None:
        bias, channels = node.get(2), node.input(1).shape[axis]
        if bias is None:
            return None
        if bias.data is None or bias.dtype != "int32":
            return f"{called(bias)} is {bias.dtype}, {'' if bias.is_constant else 'not '}constant"
        return None if bias.shape == (channels,) else f"{called(bias)} has shape {bias.shape}"

    return check


def fitting_accumulators(axis: int) -> Constraint:
    """A constraint that no input can overflow int32, where C would wrap."""

    @documented("accumulators stay in int32, shifted left by the multiplier's exponent too, for every input")
    def check(node: Node) -> str | None:
        low, high = accumulator_range(node, axis)
        wrapping = np.flatnonzero(rescale(node, "double").overflows(low, high))
        if not len(wrapping):
            return None
        channel = int(wrapping[0])
        return f"output channel {channel} accumulates {low[channel]} to {high[channel]}"

    return check


def bias_values(node: Node, channels: int) -> Int64:
    """The bias (channels,), zeros where there is none."""
    bias = node.get(2)
    return np.zeros(channels, np.int64) if bias is None else constant(bias).astype(np.int64)


def rescale(node: Node, rounding: Rounding) -> FixedPointRescale:
    """From accumulator to output byte: ``M = s_in * s_w / s_out`` and the fused activation's clamp."""
    ifm, weights, ofm = (quantisation(t) for t in (node.input(0), node.input(1), node.output))
    reals = ifm.scale * np.array(weights.scales, np.float64) / ofm.scale
    return fixed_point(reals, rounding, ofm.zero_point, clamp_range(node.option("activation"), ofm))


def folded_bias(node: Node, axis: int) -> Int64:
    """The bias with the input's zero point in it: ``bias - zero_point * sum(weights)``, a channel each.

    With it ``sum((x - zero_point) * w) + bias == sum(x * w) + folded``.
    """
    weights = _by_channel(node, axis)
    sums: Int64 = weights.sum(axis=1)
    return bias_values(node, len(weights)) - quantisation(node.input(0)).zero_point * sums


def accumulator_range(node: Node, axis: int) -> tuple[Int64, Int64]:
    """Least and greatest accumulator of each output channel over every int8 input."""
    weights = _by_channel(node, axis)
    bias, zero_point = bias_values(node, len(weights)), quantisation(node.input(0)).zero_point
    positive, negative = np.maximum(weights, 0).sum(axis=1), np.minimum(weights, 0).sum(axis=1)
    lowest, highest = INT8_MIN - zero_point, INT8_MAX - zero_point
    return bias + positive * lowest + negative * highest, bias + positive * highest + negative * lowest


def _by_channel(node: Node, axis: int) -> Int64:
    """The weights as (output channels, taps)."""
    weights: Int8 = np.moveaxis(constant(node.input(1)), axis, 0)
    flat: Int8 = weights.reshape(len(weights), -1)
    return flat.astype(np.int64)
