"""DIV: the elementwise quotient, where one operand is a single constant."""

from __future__ import annotations

from math import prod

import numpy as np

from tfl2hw.ops import constraints
from tfl2hw.ops.activation import clamp_range
from tfl2hw.ops.arithmetic import doubling_high_multiply, quantize_multiplier, rounding_shift_right
from tfl2hw.ops.elementwise import Int64, elementwise_kind, lowering, parse_activation
from tfl2hw.ops.exponential import one_over_one_plus
from tfl2hw.ops.node import NUMERICS, Node, Numerics, called, constant, quantisation
from tfl2hw.ops.table_operator import every_byte


def one_single_constant(node: Node) -> str | None:
    """One operand is one constant, and the divisor not 0 (write a / b as a * tf.math.reciprocal(b))."""
    singles = [node.input(n).is_constant and prod(node.input(n).shape) == 1 for n in (0, 1)]
    if not any(singles):
        return f"{called(node.input(0))} is divided by {called(node.input(1))}"
    if singles[1] and constant(node.input(1)).item() == quantisation(node.input(1)).zero_point:
        return f"{called(node.input(1))} is 0"
    return None


def plain_shifts(node: Node) -> str | None:
    """No quotient of bytes is shifted to the left, or by more than 31 (the interpreters stop there)."""
    if node.input(0).is_constant:
        pair = constant(node.input(0)).reshape(-1).astype(np.int64), every_byte()
    else:
        pair = every_byte(), constant(node.input(1)).reshape(-1).astype(np.int64)
    for numerics in NUMERICS:
        try:
            _, shift = _unscaled(node, numerics, *pair)
        except (ValueError, ZeroDivisionError):
            return "scales whose quotient is no number"
        if shift.min() < -31 or shift.max() > 0:
            return f"shifts of {shift.min()} to {shift.max()}"
    return None


def exact(node: Node, numerics: Numerics, first: Int64, second: Int64) -> Int64:
    """``clamp(rq((x1 - z1) / (x2 - z2)) + zo)``; of a divisor 0, at which interpreters stop, as of 1."""
    ofm = quantisation(node.output)
    quotient, shift = _unscaled(node, numerics, first, second)
    multiplier, _ = quantize_multiplier(_multiplier(node, numerics))
    scaled = rounding_shift_right(doubling_high_multiply(quotient, multiplier), -shift)
    return np.clip(scaled + ofm.zero_point, *clamp_range(node.option("activation"), ofm))


def _unscaled(node: Node, numerics: Numerics, first: Int64, second: Int64) -> tuple[Int64, Int64]:
    """Quotients as mantissas that fill an int32, and the shifts (to the left) that they still need."""
    above, below = (
        first - quantisation(node.input(0)).zero_point,
        second - quantisation(node.input(1)).zero_point,
    )
    above, below = np.broadcast_arrays(
        np.where(below < 0, -above, above), np.where(below == 0, 1, np.abs(below))
    )
    zeros = 32 - np.frexp(below.astype(np.float64))[1].astype(np.int64)
    reciprocal = one_over_one_plus((below << zeros) - (1 << 31))
    magnitude = np.where(above < 0, 2 * -above - 1, above)
    headroom = np.where(above < 0, 32, 31) - np.frexp(magnitude.astype(np.float64))[1].astype(np.int64)
    quotient = doubling_high_multiply(above << headroom, reciprocal)
    _, shift = quantize_multiplier(_multiplier(node, numerics))
    return quotient, np.where(above == 0, 0, shift - (31 - zeros) - headroom)


def _multiplier(node: Node, numerics: Numerics) -> float:
    """``s1 / (s2 * so)``: in float32 in LiteRT, in double in TFLite Micro."""
    first, second, ofm = (quantisation(t).scale for t in (node.input(0), node.input(1), node.output))
    if numerics == "tflm":
        return first / (second * ofm)
    with np.errstate(over="ignore", under="ignore", divide="ignore", invalid="ignore"):
        return float(np.float32(first) / (np.float32(second) * np.float32(ofm)))


KIND = elementwise_kind(
    "DIV",
    exact,
    lowering(exact, lambda *_: ()),
    (constraints.known_activation, one_single_constant, plain_shifts),
    "DivOptions",
    parse_activation,
)
