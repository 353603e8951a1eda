"""The operators that random models are made of, one row each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from tests.fuzz import bytewise, matrices, moving
from tests.fuzz.maker import Maker

LITERT, TFLM = ("litert-ref",), ("tflm",)
BOTH = LITERT + TFLM


@dataclass(frozen=True)
class Row:
    """How an operator is added to a model, and which interpreters run it.

    ``weight`` says how often it is chosen.
    """

    place: Callable[[Maker], None]
    numerics: tuple[str, ...] = BOTH
    weight: int = 2


ROWS: Mapping[str, Row] = MappingProxyType({
    "CONV_2D": Row(matrices.conv_2d, weight=8),
    "DEPTHWISE_CONV_2D": Row(matrices.depthwise_conv_2d, weight=6),
    "FULLY_CONNECTED": Row(matrices.fully_connected, weight=5),
    "TRANSPOSE_CONV": Row(matrices.transpose_conv, weight=3),
    "BATCH_MATMUL": Row(matrices.batch_matmul, weight=3),
    "AVERAGE_POOL_2D": Row(matrices.pool("AVERAGE_POOL_2D"), weight=3),
    "MAX_POOL_2D": Row(matrices.pool("MAX_POOL_2D"), weight=3),
    "MEAN": Row(matrices.reduction("MEAN"), weight=3),
    "SUM": Row(matrices.reduction("SUM")),
    "REDUCE_MAX": Row(matrices.reduction("REDUCE_MAX")),
    "REDUCE_MIN": Row(matrices.reduction("REDUCE_MIN")),
    "ADD": Row(bytewise.binary("ADD"), weight=5),
    "SUB": Row(bytewise.binary("SUB")),
    "MUL": Row(bytewise.binary("MUL"), weight=3),
    "MAXIMUM": Row(bytewise.binary("MAXIMUM")),
    "MINIMUM": Row(bytewise.binary("MINIMUM")),
    "SQUARED_DIFFERENCE": Row(bytewise.squared_difference),
    "PRELU": Row(bytewise.prelu),
    "DIV": Row(bytewise.divided),
    "LOGISTIC": Row(bytewise.unary("LOGISTIC")),
    "TANH": Row(bytewise.unary("TANH")),
    "QUANTIZE": Row(bytewise.unary("QUANTIZE")),
    "RELU": Row(bytewise.unary("RELU")),
    "RELU6": Row(bytewise.unary("RELU6")),
    "RELU_N1_TO_1": Row(bytewise.unary("RELU_N1_TO_1"), LITERT),
    "RELU_0_TO_1": Row(bytewise.unary("RELU_0_TO_1"), LITERT),
    "LEAKY_RELU": Row(bytewise.unary("LEAKY_RELU")),
    "HARD_SWISH": Row(bytewise.unary("HARD_SWISH")),
    "ELU": Row(bytewise.unary("ELU"), TFLM),
    "GELU": Row(bytewise.unary("GELU"), LITERT),
    "EXP": Row(bytewise.unary("EXP"), LITERT),
    "LOG": Row(bytewise.unary("LOG"), LITERT),
    "SQRT": Row(bytewise.root("SQRT"), LITERT),
    "RSQRT": Row(bytewise.root("RSQRT")),
    "ABS": Row(bytewise.unary("ABS")),
    "NEG": Row(bytewise.unary("NEG"), LITERT),
    "SOFTMAX": Row(bytewise.rows("SOFTMAX")),
    "RESHAPE": Row(moving.reshape, weight=3),
    "SQUEEZE": Row(moving.squeeze),
    "EXPAND_DIMS": Row(moving.expand_dims),
    "TRANSPOSE": Row(moving.transpose),
    "PAD": Row(moving.pad("PAD"), weight=3),
    "PADV2": Row(moving.pad("PADV2")),
    "MIRROR_PAD": Row(moving.mirror_pad),
    "CONCATENATION": Row(moving.concatenation, weight=4),
    "SPLIT": Row(moving.split),
    "SPLIT_V": Row(moving.split_v),
    "SLICE": Row(moving.slice_box),
    "STRIDED_SLICE": Row(moving.strided_slice),
    "PACK": Row(moving.pack),
    "UNPACK": Row(moving.unpack),
    "GATHER": Row(moving.gather_or_embedding),
    "SPACE_TO_DEPTH": Row(moving.space_to_depth),
    "DEPTH_TO_SPACE": Row(moving.depth_to_space),
    "SPACE_TO_BATCH_ND": Row(moving.space_to_batch),
    "BATCH_TO_SPACE_ND": Row(moving.batch_to_space),
    "RESIZE_NEAREST_NEIGHBOR": Row(moving.resize("RESIZE_NEAREST_NEIGHBOR")),
    "RESIZE_BILINEAR": Row(moving.resize("RESIZE_BILINEAR")),
    "TILE": Row(moving.tile, LITERT),
    "BROADCAST_TO": Row(moving.broadcast_to),
    "REVERSE_V2": Row(moving.reverse),
    "LOG_SOFTMAX": Row(bytewise.rows("LOG_SOFTMAX")),
    "L2_NORMALIZATION": Row(bytewise.rows("L2_NORMALIZATION")),
    "ARG_MAX": Row(bytewise.arg("ARG_MAX")),
    "ARG_MIN": Row(bytewise.arg("ARG_MIN")),
})


def rows_for(numerics: tuple[str, ...]) -> dict[str, Row]:
    """The rows that every interpreter of ``numerics`` runs."""
    return {name: row for name, row in ROWS.items() if set(numerics) <= set(row.numerics)}
