"""Elementwise operators: table sums on the vector unit, products and extrema on the array."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tfl2hw.ir.primitives import Extremum, MapShape, Product, TableSum
from tfl2hw.ops.rescale import IdentityRescale

from .matrix import Matrix
from .nest import Loop, Nest, Output, linear
from .shape import Target


@dataclass(frozen=True, kw_only=True, eq=False)
class Table:
    """A job of the table-sum unit; its tables are number ``number`` of the model's."""

    nest: Nest
    output: Output
    number: int
    zero_point: int
    low: int
    high: int


def table_sum(primitive: TableSum, target: Target, sources: tuple[str, str], name: str, number: int) -> Table:
    """The words of the two operands in turn (of one operand twice)."""
    rescale = primitive.rescale
    nest = words_in_turn(
        primitive.shape, target, sources, max(0, target.lanes // target.vector_lanes - len(sources))
    )
    return Table(
        nest=nest,
        output=linear(name, nest.loops[3].count, target.lanes, nest.loops[4].count),
        number=number,
        zero_point=rescale.zero_point,
        low=rescale.low,
        high=rescale.high,
    )


def words_in_turn(shape: MapShape, target: Target, sources: tuple[str, ...], gap: int) -> Nest:
    """All words of one or two maps of ``shape``, one of each in turn, and ``gap`` idle cycles behind them."""
    height, width, channels = shape
    words = target.words(channels) * width
    return Nest(
        source=sources[0],
        second=sources[1] if len(sources) > 1 else "",
        loops=(
            Loop(len(sources)), Loop(), Loop(),
            Loop(words, target.lanes), Loop(height, words * target.lanes), Loop(),
        ),
        gap=gap,
    )  # fmt: skip


def product(primitive: Product, target: Target, sources: tuple[str, str], name: str) -> Matrix:
    """K products a pixel of two tokens: b's byte, kept as a weight, then a's.

    ``(a - za) * (b - zb) = b * -za + (a * b + a * -zb) + za * zb``; a zero point is split into two weights.
    """
    za, zb = primitive.zero_points
    words = np.zeros((1, target.columns, 2, target.lanes), np.int8)
    words[:, :, 0, :2] = _halves(-za)
    words[:, :, 1, 1:3] = _halves(-zb)
    corners = np.array([(a - za) * (b - zb) - za * zb for a in (-128, 127) for b in (-128, 127)], np.int64)
    return Matrix(
        nest=_pairs(target, primitive.shape, (sources[1], sources[0])),
        output=_pairs_output(target, primitive.shape, name),
        weights=words,
        bias=np.full(target.columns, za * zb, np.int64),
        accumulator=(np.full(target.columns, corners.min()), np.full(target.columns, corners.max())),
        rescale=primitive.rescale,
        pad_value=0,
        pick=True,
        product=True,
    )


def extremum(primitive: Extremum, target: Target, sources: tuple[str, str], name: str) -> Matrix:
    """K elements a pixel of two tokens, of which the accumulator keeps the greater or the lesser."""
    words = np.zeros((1, target.columns, 1, target.lanes), np.int8)
    words[..., 0] = 1
    ends = np.full(target.columns, -128, np.int64), np.full(target.columns, 127, np.int64)
    return Matrix(
        nest=_pairs(target, primitive.shape, sources),
        output=_pairs_output(target, primitive.shape, name),
        weights=words,
        bias=np.zeros(target.columns, np.int64),
        accumulator=ends,
        rescale=IdentityRescale(low=primitive.low, high=primitive.high),
        pad_value=0,
        pick=True,
        hold=True,
        reduction=primitive.reduction,
    )


def _halves(value: int) -> tuple[int, int]:
    return value // 2, value - value // 2


def _pairs(target: Target, shape: MapShape, sources: tuple[str, str]) -> Nest:
    """Two operands' words in turn, a pixel for each K bytes: channels need no group of their own."""
    row = shape[1] * target.padded(shape[2])
    return Nest(
        source=sources[0],
        second=sources[1],
        loops=(
            Loop(2), Loop(), Loop(),
            Loop(row // target.columns, target.columns), Loop(shape[0], row), Loop(),
        ),
        gap=max(0, target.chain - 2),
    )  # fmt: skip


def _pairs_output(target: Target, shape: MapShape, name: str) -> Output:
    row = shape[1] * target.padded(shape[2])
    return Output(
        target=name,
        inner=row // target.columns,
        outer=shape[0],
        pixel=target.columns,
        row=target.columns,
        group=target.columns,
    )
