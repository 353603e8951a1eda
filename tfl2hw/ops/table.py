"""The operators, one row each."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from tfl2hw.ops import (
    absolute,
    add,
    average_pool_2d,
    conv_2d,
    depthwise_conv_2d,
    extremum,
    float_functions,
    fully_connected,
    hard_swish,
    leaky_relu,
    logistic,
    mul,
    prelu,
    requantize,
    reshape,
    rsqrt,
    softmax,
    squared_difference,
)
from tfl2hw.ops.node import Kind

OPERATORS: Mapping[str, Kind] = MappingProxyType({
    "CONV_2D": conv_2d.KIND,
    "DEPTHWISE_CONV_2D": depthwise_conv_2d.KIND,
    "FULLY_CONNECTED": fully_connected.KIND,
    "ADD": add.KIND,
    "AVERAGE_POOL_2D": average_pool_2d.KIND,
    "RESHAPE": reshape.KIND,
    "SOFTMAX": softmax.KIND,
    "LOGISTIC": logistic.LOGISTIC,
    "TANH": logistic.TANH,
    "RELU": requantize.RELU,
    "RELU6": requantize.RELU6,
    "RELU_N1_TO_1": requantize.RELU_N1_TO_1,
    "RELU_0_TO_1": requantize.RELU_0_TO_1,
    "QUANTIZE": requantize.QUANTIZE,
    "LEAKY_RELU": leaky_relu.KIND,
    "HARD_SWISH": hard_swish.KIND,
    "ELU": float_functions.ELU,
    "GELU": float_functions.GELU,
    "EXP": float_functions.EXP,
    "LOG": float_functions.LOG,
    "SQRT": float_functions.SQRT,
    "RSQRT": rsqrt.KIND,
    "ABS": absolute.ABS,
    "NEG": absolute.NEG,
    "SUB": add.SUB,
    "MUL": mul.KIND,
    "MAXIMUM": extremum.MAXIMUM,
    "MINIMUM": extremum.MINIMUM,
    "SQUARED_DIFFERENCE": squared_difference.KIND,
    "PRELU": prelu.KIND,
})
