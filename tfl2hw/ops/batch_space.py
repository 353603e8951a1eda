"""SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND: every n-th pixel as an image of its own, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from tfl2hw.ir.graph import Tensor
from tfl2hw.ir.primitives import Copy
from tfl2hw.ops import movement_constraints as accepts
from tfl2hw.ops.movement import axis_steps, bordered, line, moved
from tfl2hw.ops.node import Array, Int8, Kind, Node, Numerics, called, quantisation
from tfl2hw.ops.runs import Places
from tfl2hw.ops.temporaries import Temporaries

Shapes = tuple[tuple[int, ...], ...]
Pair = tuple[int, int]


def parse(table: Any) -> Mapping[str, Any]:
    """There are no options."""
    return {}


def whole_blocks(node: Node) -> str | None:
    """Block sizes are 1 or more, paddings or crops 0 or more, for each axis between batch and channels."""
    axes, (blocks, pairs) = len(node.input(0).shape) - 2, (node.input(1), node.input(2))
    if blocks.shape != (axes,) or pairs.shape != (axes, 2):
        return f"{called(blocks)} of shape {blocks.shape}, {called(pairs)} of shape {pairs.shape}"
    if min(accepts.integers(node, 1)) < 1 or min(accepts.integers(node, 2)) < 0:
        return f"block sizes {accepts.integers(node, 1)}, paddings or crops {accepts.integers(node, 2)}"
    return None


def sides(node: Node) -> list[Pair]:
    """(before, after) of each axis between batch and channels."""
    numbers = accepts.integers(node, 2)
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def infer_batch(node: Node) -> Shapes:
    """The shape with more images."""
    (batch, *space, channels), blocks = node.input(0).shape, accepts.integers(node, 1)
    made = []
    for size, block, (before, after) in zip(space, blocks, sides(node), strict=True):
        if (size + before + after) % block:
            raise ValueError(f"blocks of {block} of {before} + {size} + {after}")
        made.append((size + before + after) // block)
    return ((batch * prod(blocks), *made, channels),)


def infer_space(node: Node) -> Shapes:
    """The shape with fewer images."""
    (batch, *space, channels), blocks = node.input(0).shape, accepts.integers(node, 1)
    made = [n * b - sum(cut) for n, b, cut in zip(space, blocks, sides(node), strict=True)]
    if batch % prod(blocks) or min(made) < 1:
        raise ValueError(f"block sizes {blocks} and crops {sides(node)} of an IFM {node.input(0).shape}")
    return ((batch // prod(blocks), *made, channels),)


def pad_value(node: Node, numerics: Numerics) -> int:
    """What SPACE_TO_BATCH_ND pads with: the zero point; in TFLite Micro a raw 0."""
    return 0 if numerics == "tflm" else quantisation(node.output).zero_point


def to_batch(node: Node, inputs: Sequence[Int8], numerics: Numerics) -> Int8:
    """Images of every n-th pixel, those of the first row and column in a block first."""
    values, blocks = inputs[0], accepts.integers(node, 1)
    value, count = pad_value(node, numerics), len(blocks)
    padded = np.pad(values, [(0, 0), *sides(node), (0, 0)], constant_values=value)
    cut = padded.reshape(values.shape[0], *_cut(node.output.shape[1:-1], blocks), values.shape[-1])
    within, across = range(2, 2 * count + 1, 2), range(1, 2 * count, 2)
    return cut.transpose(*within, 0, *across, cut.ndim - 1).reshape(node.output.shape)


def to_space(node: Node, inputs: Sequence[Int8], numerics: Numerics) -> Int8:
    """Images whose pixels come from several in turn, cropped."""
    (_, *space, channels), blocks = inputs[0].shape, accepts.integers(node, 1)
    count, batch = len(blocks), node.output.shape[0]
    cut = inputs[0].reshape(*blocks, batch, *space, channels)
    pairs = [axis for number in range(count) for axis in (count + 1 + number, number)]
    whole = cut.transpose(count, *pairs, cut.ndim - 1)
    whole = whole.reshape(batch, *(n * b for n, b in zip(space, blocks, strict=True)), channels)
    ends = [
        slice(cut[0], cut[0] + size) for cut, size in zip(sides(node), node.output.shape[1:-1], strict=True)
    ]
    return whole[(slice(None), *ends)]


def _cut(space: Sequence[int], blocks: Sequence[int]) -> list[int]:
    return [number for pair in zip(space, blocks, strict=True) for number in pair]


def _space_axis(wide: Tensor, deep: Tensor, blocks: Sequence[int], axis: int, cells: Array) -> Places:
    """Pixels ``cells`` of a spatial axis in the map of few images, and where they are in that of many.

    ``cells`` count from the padding's or crop's first one, which is left out of ``wide``'s places here.
    """
    steps, block = axis_steps(deep.shape), blocks[axis]
    images = wide.shape[0] * prod(blocks[axis + 1 :])
    many = (cells // block) * steps[1 + axis][0] + (cells % block) * images * steps[0][0]
    few = cells * axis_steps(wide.shape)[1 + axis][0]
    none = np.zeros_like(cells)
    return np.stack([few, none, many, none], axis=1)


def lower_batch(node: Node, numerics: Numerics, temporaries: Temporaries) -> tuple[Copy, ...]:
    """Copies of a block's pixels to their images, and of the padding."""
    ifm, ofm = node.input(0), node.output
    blocks, value = accepts.integers(node, 1), pad_value(node, numerics)
    reads, writes = axis_steps(ifm.shape), axis_steps(ofm.shape)
    images = line(ifm.shape[0], reads[0], writes[0])
    channels = line(ifm.shape[-1], reads[-1], writes[-1])
    inside, border = [images], [images[:0]]
    for axis, (before, after) in enumerate(sides(node)):
        size = ifm.shape[1 + axis]
        places = _space_axis(ifm, ofm, blocks, axis, np.arange(before + size + after))
        within = places[before : before + size] - np.array([before * reads[1 + axis][0], 0, 0, 0])
        inside.append(within)
        border.append(np.concatenate([places[:before], places[before + size :]]))
    inside, border = [*inside, channels], [*border, channels[:0]]
    return (*bordered(node, ofm.index, inside, border, value), *moved(node, ifm.index, ofm.index, inside))


def lower_space(node: Node, numerics: Numerics, temporaries: Temporaries) -> tuple[Copy, ...]:
    """Copies of the images' pixels to their blocks."""
    ifm, ofm = node.input(0), node.output
    blocks, writes = accepts.integers(node, 1), axis_steps(ofm.shape)
    axes = [line(ofm.shape[0], axis_steps(ifm.shape)[0], writes[0])]
    for axis, (before, _) in enumerate(sides(node)):
        cells = np.arange(before, before + ofm.shape[1 + axis])
        places = _space_axis(ofm, ifm, blocks, axis, cells) - np.array([
            before * writes[1 + axis][0],
            0,
            0,
            0,
        ])
        axes.append(places[:, [2, 3, 0, 1]])
    axes.append(line(ofm.shape[-1], axis_steps(ifm.shape)[-1], writes[-1]))
    return moved(node, ifm.index, ofm.index, axes)


def _kind(name: str, options: str, infer: accepts.Infer, functions: tuple[Any, Any], accepted: str) -> Kind:
    return Kind(
        name=name,
        options=options,
        parse=parse,
        constraints=(
            accepts.operands(3, 3, "inputs are IFM, block sizes and paddings or crops; one OFM"),
            accepts.int8_data(slice(1)),
            accepts.one_quantisation(slice(1)),
            accepts.rank(3, 4),
            accepts.integer_constant(1, "the block sizes"),
            accepts.integer_constant(2, "paddings or crops"),
            whole_blocks,
            accepts.makes(infer, accepted),
        ),
        reference=functions[0],
        lower=functions[1],
        infer=infer,
    )


SPACE_TO_BATCH_ND = _kind(
    "SPACE_TO_BATCH_ND",
    "SpaceToBatchNDOptions",
    infer_batch,
    (to_batch, lower_batch),
    "whole blocks fill the padded IFM",
)
BATCH_TO_SPACE_ND = _kind(
    "BATCH_TO_SPACE_ND",
    "BatchToSpaceNDOptions",
    infer_space,
    (to_space, lower_space),
    "the IFM has images for whole blocks, and the crops leave some of it",
)
