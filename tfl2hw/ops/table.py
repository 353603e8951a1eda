"""The operators, one row each."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from tfl2hw.ops import (
    add,
    average_pool_2d,
    conv_2d,
    depthwise_conv_2d,
    fully_connected,
    reshape,
    softmax,
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
})
