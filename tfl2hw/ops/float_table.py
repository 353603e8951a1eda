"""An int8 tensor, through float32, to int8: DEQUANTIZE, functions of one value, QUANTIZE, as one table.

Not an operator of TFLite: the float-tables pass makes it of those that the converter leaves in float32
between two int8 tensors (`LayerNormalization` has a NEG there). All in between is a function of one byte.

The C library's float functions are taken as the double ones rounded to float32, which they are but for the
last place in rare cases.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from tfl2hw.ir.conversion import dequantised, quantised
from tfl2hw.ops.node import Node, Numerics, called, quantisation
from tfl2hw.ops.table_operator import Int64, every_byte, table_kind

Float32 = npt.NDArray[np.float32]
Step = tuple[str, "float | None"]
"""A float operator, and the constant that is its second operand."""

NAME = "FLOAT_TABLE"
FURTHEST = 1e6
"""Steps of the OFM, beyond which the interpreters' conversion to an integer could wrap."""


def each(function: Callable[[float], float]) -> Callable[[Float32], Float32]:
    """``function`` in double of each value, rounded to float32; NaN where it has no result."""

    def value(real: float) -> float:
        try:
            return function(real)
        except (ValueError, OverflowError, ZeroDivisionError):
            return math.nan

    return lambda values: np.array([value(float(real)) for real in values], np.float32)


FUNCTIONS: Mapping[str, Callable[[Float32], Float32]] = MappingProxyType({
    "ABS": np.abs,
    "CEIL": np.ceil,
    "COS": each(math.cos),
    "ELU": each(lambda real: real if real >= 0 else math.expm1(real)),
    "EXP": each(math.exp),
    "FLOOR": np.floor,
    "LOG": each(math.log),
    "NEG": np.negative,
    "SIGN": np.sign,
    "SIN": each(math.sin),
    "SQRT": each(math.sqrt),
    "SQUARE": lambda values: values * values,
})
WITH_CONSTANT: Mapping[str, Callable[[Float32, float], Float32]] = MappingProxyType({
    "POW": lambda values, power: each(lambda real: math.pow(real, power))(values),
})


def reals(node: Node) -> Float32:
    """What is quantised for each byte of the IFM."""
    values = dequantised(every_byte(), quantisation(node.input(0)))
    for name, constant in node.option("steps"):
        values = FUNCTIONS[name](values) if constant is None else WITH_CONSTANT[name](values, constant)
    return values


def finite(node: Node) -> str | None:
    """Functions between DEQUANTIZE and QUANTIZE have a result for every byte, below 10**6 steps of OFM."""
    with np.errstate(all="ignore"):
        furthest = np.abs(reals(node).astype(np.float64) / quantisation(node.output).scale).max()
    names = " of ".join(name for name, _ in reversed(node.option("steps")))
    return None if furthest < FURTHEST else f"{names or 'the value'} of {called(node.input(0))}"


def table(node: Node, numerics: Numerics) -> Int64:
    """The output byte of every byte."""
    return quantised(reals(node), quantisation(node.output)).astype(np.int64)


KIND = table_kind(NAME, table, (finite,))
