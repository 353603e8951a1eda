"""The operators, one row each."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from tfl2hw.ops import (
    add,
    average_pool_2d,
    batch_space,
    concatenation,
    conv_2d,
    depth_space,
    depthwise_conv_2d,
    fully_connected,
    gather,
    mirror_pad,
    pack,
    pad,
    reshape,
    resize_bilinear,
    resize_nearest_neighbor,
    reverse_v2,
    slice,
    softmax,
    split,
    squeeze,
    strided_slice,
    tile,
    transpose,
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
    "PAD": pad.PAD,
    "PADV2": pad.PADV2,
    "MIRROR_PAD": mirror_pad.KIND,
    "CONCATENATION": concatenation.KIND,
    "SPLIT": split.SPLIT,
    "SPLIT_V": split.SPLIT_V,
    "SLICE": slice.KIND,
    "STRIDED_SLICE": strided_slice.KIND,
    "PACK": pack.PACK,
    "UNPACK": pack.UNPACK,
    "TRANSPOSE": transpose.KIND,
    "SQUEEZE": squeeze.SQUEEZE,
    "EXPAND_DIMS": squeeze.EXPAND_DIMS,
    "GATHER": gather.KIND,
    "SPACE_TO_DEPTH": depth_space.SPACE_TO_DEPTH,
    "DEPTH_TO_SPACE": depth_space.DEPTH_TO_SPACE,
    "SPACE_TO_BATCH_ND": batch_space.SPACE_TO_BATCH_ND,
    "BATCH_TO_SPACE_ND": batch_space.BATCH_TO_SPACE_ND,
    "RESIZE_NEAREST_NEIGHBOR": resize_nearest_neighbor.KIND,
    "RESIZE_BILINEAR": resize_bilinear.KIND,
    "TILE": tile.TILE,
    "BROADCAST_TO": tile.BROADCAST_TO,
    "REVERSE_V2": reverse_v2.KIND,
})
