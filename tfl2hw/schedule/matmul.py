"""Products of two activations: rows of b are loaded into the columns' banks, then rows of a pass."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tfl2hw.ir.primitives import Axis, Copy, MatMul

from .copies import copies
from .matrix import Maps, Matrix, Move, WordCopy
from .nest import Loop, Nest, Output
from .shape import Target


@dataclass(frozen=True, kw_only=True)
class Block:
    """K columns of the product: where their rows of b stand (bytes), how many, and where results go."""

    source: int
    columns: int
    offset: int


@dataclass(frozen=True, kw_only=True, eq=False)
class LoadedMatrix:
    """A matrix job that runs once a block, behind loads of the block's weights from ``source``.

    Each load takes ``words`` words a column; it is repeated ``copies`` times, to consecutive words of the
    banks, as the tokens of a pixel read the weights so often.
    """

    matrix: Matrix
    source: str
    words: int
    copies: int
    blocks: tuple[Block, ...]


def matmul(
    primitive: MatMul, target: Target, maps: tuple[Maps, Maps], buffer: str
) -> tuple[WordCopy | Move | LoadedMatrix, ...]:
    """The jobs of a product; ``maps`` are those of a and of b, both with the output as their target.

    Where rows do not fill their words, b is copied into ``buffer`` first, with zeros behind each row.

    ``(a - za) * (b - zb) = a * b + p * b + a * -zb + za * zb`` summed over the depth, where the constant
    p = -za comes as padding, in two halves if it is 128: so b stands in the banks once for each pass that
    multiplies with it.
    """
    left, right = maps
    za, zb = primitive.zero_points
    words, depth = target.words(primitive.depth), primitive.depth
    before: tuple[WordCopy | Move, ...] = ()
    source, pitch, first = right.source, right.source_pixel, primitive.starts[1]
    if depth % target.lanes:
        before = _packed(primitive, target, right, buffer)
        source, pitch, first = buffer, target.padded(depth), 0
    padded = 2 if za == -128 else 1 if za else 0
    constants = [np.full(depth, half, np.int8) for half in _parts(-zb)]
    bank = np.zeros((1, target.columns, (padded + 1 + len(constants)) * words, target.lanes), np.int8)
    for number, values in enumerate(constants):
        start = (padded + 1 + number) * words
        flat = bank[0, :, start : start + words].reshape(target.columns, words * target.lanes)
        flat[:, :depth] = values
        bank[0, :, start : start + words] = flat.reshape(target.columns, words, target.lanes)
    most = np.full(target.columns, depth * 255 * 255, np.int64)
    bias = np.full(target.columns, depth * za * zb, np.int64)
    matrix = Matrix(
        nest=Nest(
            source=left.source,
            loops=(
                Loop(words, target.lanes),
                Loop(padded + 1 + len(constants), 0, 0, 1),
                Loop(),
                Loop(primitive.rows, left.source_pixel),
                Loop(),
                Loop(),
            ),
            offset=primitive.starts[0] * left.source_pixel,
            column=-padded,
            width=1 + len(constants),
            gap=max(0, target.chain - words * (padded + 1 + len(constants))),
        ),
        output=Output(
            target=left.target,
            inner=primitive.rows,
            outer=1,
            pixel=left.target_pixel,
            row=0,
            group=0,
            offset=primitive.starts[2] * left.target_pixel,
        ),
        weights=bank,
        bias=bias,
        accumulator=(-most - bias, most - bias),
        rescale=primitive.rescale,
        pad_value=-za // max(padded, 1),
    )
    blocks = tuple(
        Block(
            source=(first + column) * pitch,
            columns=min(target.columns, primitive.columns - column),
            offset=column,
        )
        for column in range(0, primitive.columns, target.columns)
    )
    return (
        *before,
        LoadedMatrix(matrix=matrix, source=source, words=words, copies=padded + 1, blocks=blocks),
    )


def _parts(value: int) -> list[int]:
    """``value`` as a sum of int8 constants, as few as it takes."""
    if value == 128:
        return [64, 64]
    return [value] if value else []


def _packed(primitive: MatMul, target: Target, right: Maps, buffer: str) -> tuple[WordCopy | Move, ...]:
    """Zeros, then the rows of b over them."""
    rows, depth = primitive.columns, primitive.depth
    shape = (1, rows, target.padded(depth))
    maps = Maps(
        source=right.source,
        source_pixel=right.source_pixel,
        target=buffer,
        target_pixel=target.padded(depth),
        target_shape=shape,
    )
    zeros = Copy(
        op_index=primitive.op_index,
        op=primitive.op,
        input=None,
        output=primitive.output,
        axes=(Axis(rows, target=(1, 0)), Axis(shape[2], target=(0, 1))),
    )
    values = replace(
        zeros,
        input=primitive.inputs[1],
        axes=(Axis(rows, (1, 0), (1, 0)), Axis(depth, (0, 1), (0, 1))),
        start=(primitive.starts[1], 0),
    )
    return (*copies(zeros, target, maps), *copies(values, target, maps))
