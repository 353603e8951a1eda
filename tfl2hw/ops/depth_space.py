"""SPACE_TO_DEPTH and DEPTH_TO_SPACE: blocks of pixels as channels, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tfl2hw.ir.primitives import Copy
from tfl2hw.ops import movement_constraints as accepts
from tfl2hw.ops.movement import Step, axis_steps, box
from tfl2hw.ops.node import Int8, Kind, Node, Numerics
from tfl2hw.ops.temporaries import Temporaries

Shapes = tuple[tuple[int, ...], ...]


def parse(table: Any) -> Mapping[str, Any]:
    """The block's height and width."""
    return {"block": table.BlockSize()}


def infer_depth(node: Node) -> Shapes:
    """The shape with blocks as channels."""
    (batch, rows, columns, channels), block = node.input(0).shape, node.option("block")
    if block < 1 or rows % block or columns % block:
        raise ValueError(f"blocks of {block} of {rows} x {columns} pixels")
    return ((batch, rows // block, columns // block, channels * block**2),)


def infer_space(node: Node) -> Shapes:
    """The shape with channels as blocks."""
    (batch, rows, columns, channels), block = node.input(0).shape, node.option("block")
    if block < 1 or channels % block**2:
        raise ValueError(f"blocks of {block} of {channels} channels")
    return ((batch, rows * block, columns * block, channels // block**2),)


def to_depth(node: Node, inputs: Sequence[Int8], numerics: Numerics) -> Int8:
    """Blocks of pixels to channels: row in the block, column in it, channel."""
    batch, rows, columns, channels = node.output.shape
    block = node.option("block")
    cut = inputs[0].reshape(batch, rows, block, columns, block, channels // block**2)
    return cut.transpose(0, 1, 3, 2, 4, 5).reshape(node.output.shape)


def to_space(node: Node, inputs: Sequence[Int8], numerics: Numerics) -> Int8:
    """Channels to blocks of pixels."""
    batch, rows, columns, channels = inputs[0].shape
    block = node.option("block")
    cut = inputs[0].reshape(batch, rows, columns, block, block, channels // block**2)
    return cut.transpose(0, 1, 3, 2, 4, 5).reshape(node.output.shape)


def lower(node: Node, numerics: Numerics, temporaries: Temporaries) -> tuple[Copy, ...]:
    """A Copy over blocks, rows and columns in a block, and channels."""
    ifm, ofm, block = node.input(0), node.output, node.option("block")
    deep, wide = (ifm, ofm) if node.operator.op == "DEPTH_TO_SPACE" else (ofm, ifm)
    batch, rows, columns, _ = deep.shape
    channels = wide.shape[3]
    image, row, column, channel = axis_steps(wide.shape)
    of_wide: list[Step] = [image, (row[0] * block, 0), (column[0] * block, 0), row, column, channel]
    of_deep: list[Step] = [*axis_steps(deep.shape)[:3], (0, block * channels), (0, channels), (0, 1)]
    moves = (of_deep, of_wide) if deep is ifm else (of_wide, of_deep)
    counts = (batch, rows, columns, block, block, channels)
    return box(node, ifm.index, ofm.index, counts, moves=moves)


def _kind(name: str, options: str, infer: accepts.Infer, reference: Any, accepted: str) -> Kind:
    return Kind(
        name=name,
        options=options,
        parse=parse,
        constraints=(
            accepts.operands(1, 1, "one IFM and one OFM"),
            accepts.int8_data(slice(1)),
            accepts.one_quantisation(slice(1)),
            accepts.rank(4, 4),
            accepts.makes(infer, accepted),
        ),
        reference=reference,
        lower=lower,
        infer=infer,
    )


SPACE_TO_DEPTH = _kind(
    "SPACE_TO_DEPTH", "SpaceToDepthOptions", infer_depth, to_depth, "whole blocks fill the IFM"
)
DEPTH_TO_SPACE = _kind(
    "DEPTH_TO_SPACE", "DepthToSpaceOptions", infer_space, to_space, "whole blocks fill the IFM's channels"
)
