"""ELU, GELU, EXP, LOG and SQRT: tables that the interpreters compute in float32.

ELU runs in TFLite Micro alone, the others in LiteRT alone: both numerics are the one that runs.

The C library's float functions are taken as the double ones rounded to float32, which they are but for the
last place in rare cases.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from tfl2hw.ops.activation import INT8_MAX, INT8_MIN
from tfl2hw.ops.node import Node, Numerics, quantisation
from tfl2hw.ops.requantize import near_scales
from tfl2hw.ops.table_operator import Int64, every_byte, table_kind

Float32 = npt.NDArray[np.float32]
Function = Callable[[Node, Float32], Float32]
"""The real function of reals, both float32."""

_LARGEST = 1 << 24
_SQRT_2_OVER_PI = np.float32(math.sqrt(2 / math.pi))
_MINUS_SQRT_HALF = np.float32(-math.sqrt(0.5))


def lowest_zero_point(node: Node) -> str | None:
    """IFM's zero point is -128 (the interpreters stop at a negative operand)."""
    zero = quantisation(node.input(0)).zero_point
    return None if zero == INT8_MIN else f"a zero point of {zero}"


def fitting_roots(node: Node) -> str | None:
    """Square roots are below 2**31 steps of the OFM."""
    largest = _root_steps(node).max()
    return None if largest < 1 << 31 else f"a square root of {largest:g} steps"


def reals(node: Node) -> Float32:
    """What each byte of the IFM stands for."""
    ifm = quantisation(node.input(0))
    return np.asarray(np.float32(ifm.scale) * (every_byte() - ifm.zero_point).astype(np.float32), np.float32)


def rounded(values: Float32) -> Int64:
    """The nearest integers, ties away from zero, saturated far beyond a byte."""
    near = np.clip(values.astype(np.float64), -_LARGEST, _LARGEST)
    return np.asarray(np.copysign(np.floor(np.abs(near) + 0.5), near), np.int64)


def tabulated(function: Function) -> Callable[[Node, Numerics], Int64]:
    """The table of ``round(function(x) * (1 / scale)) + zero point``."""

    def table(node: Node, numerics: Numerics) -> Int64:
        ofm = quantisation(node.output)
        with np.errstate(over="ignore"):
            steps = function(node, reals(node)) * (np.float32(1) / np.float32(ofm.scale))
        return np.clip(rounded(steps) + ofm.zero_point, INT8_MIN, INT8_MAX)

    return table


def each(function: Callable[[float], float], values: Float32) -> Float32:
    """``function`` in double of each value, rounded to float32."""
    return np.array([function(float(value)) for value in values], np.float32)


def exponential(values: Float32) -> Float32:
    """``exp`` in float32, infinite where that is too narrow."""
    return each(lambda value: math.exp(value) if value < 100 else math.inf, values)


def _elu(node: Node, values: Float32) -> Float32:
    return np.where(values < 0, exponential(np.minimum(values, np.float32(0))) - np.float32(1), values)


def _gelu(node: Node, values: Float32) -> Float32:
    half = np.float32(0.5) * values
    if not node.option("approximate"):
        return half * each(math.erfc, values * _MINUS_SQRT_HALF)
    inner = values + np.float32(0.044715) * values * values * values
    return half * (np.float32(1) + each(math.tanh, _SQRT_2_OVER_PI * inner))


def _log(node: Node, values: Float32) -> Float32:
    """Of what has no logarithm, the least that the OFM can hold."""
    ofm = quantisation(node.output)
    least = float(np.float32(INT8_MIN - ofm.zero_point) * np.float32(ofm.scale))
    return each(lambda value: math.log(value) if value > 0 else least, values)


def _sqrt(node: Node, numerics: Numerics) -> Int64:
    """``floor(sqrt(x) / scale) + zero point``."""
    whole = np.minimum(_root_steps(node), np.float32(_LARGEST)).astype(np.int64)
    return np.clip(whole + quantisation(node.output).zero_point, INT8_MIN, INT8_MAX)


def _root_steps(node: Node) -> Float32:
    with np.errstate(over="ignore"):
        return np.asarray(np.sqrt(reals(node)) / np.float32(quantisation(node.output).scale), np.float32)


def _parse_gelu(table: Any) -> Mapping[str, Any]:
    """Whether the hyperbolic tangent stands for the error function."""
    return {"approximate": bool(table.Approximate())}


ELU = table_kind("ELU", tabulated(_elu), (near_scales,))
GELU = table_kind("GELU", tabulated(_gelu), options="GeluOptions", parse=_parse_gelu)
EXP = table_kind("EXP", tabulated(lambda node, values: exponential(values)))
LOG = table_kind("LOG", tabulated(_log))
SQRT = table_kind("SQRT", _sqrt, (lowest_zero_point, fitting_roots))
