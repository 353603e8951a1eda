"""The operators, one row each."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from tfl2hw.ops import (
    add,
    average_pool_2d,
    batch_matmul,
    conv_2d,
    depthwise_conv_2d,
    fully_connected,
    max_pool_2d,
    reduce,
    reshape,
    softmax,
    transpose_conv,
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
    "TRANSPOSE_CONV": transpose_conv.KIND,
    "BATCH_MATMUL": batch_matmul.KIND,
    "MAX_POOL_2D": max_pool_2d.KIND,
    "MEAN": reduce.MEAN,
    "SUM": reduce.SUM,
    "REDUCE_MAX": reduce.REDUCE_MAX,
    "REDUCE_MIN": reduce.REDUCE_MIN,
})
