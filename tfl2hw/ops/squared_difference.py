"""SQUARED_DIFFERENCE: the square of the elementwise difference."""

from __future__ import annotations

from math import prod

import numpy as np
import numpy.typing as npt

from tfl2hw.ir.primitives import Int64, TableSum
from tfl2hw.ops.activation import INT8_MAX, INT8_MIN
from tfl2hw.ops.add import largest_scale, operand
from tfl2hw.ops.arithmetic import multiply_double_rounding, quantize_multiplier
from tfl2hw.ops.elementwise import elementwise_kind, lowering
from tfl2hw.ops.node import Node, Numerics, quantisation
from tfl2hw.ops.rescale import IdentityRescale
from tfl2hw.ops.shapes import map_shape
from tfl2hw.ops.square_of_difference import Segments, segments, square_sums
from tfl2hw.ops.table_operator import every_byte
from tfl2hw.ops.temporaries import Temporaries

LEFT_SHIFT = 7
_LARGEST = 255


def scales_near(node: Node) -> str | None:
    """OFM's scale is above four times the square of the larger operand's / 2**14 (TFLite aborts below)."""
    real = _output_multiplier(node)
    return None if real < 1 else f"an output multiplier of {real:g}"


def byte_steps(node: Node) -> str | None:
    """OFM's scale is not so small that next differences are many bytes apart, unless one operand is one
    constant.
    """
    if any(node.input(n).is_constant and prod(node.input(n).shape) == 1 for n in (0, 1)):
        return None
    if _byte_differences(node) or _segments(node) is not None:
        return None
    first, second, ofm = (quantisation(t).scale for t in (node.input(0), node.input(1), node.output))
    return f"scales {first:g} and {second:g} to {ofm:g}"


def _byte_differences(node: Node) -> bool:
    """Whether operands have one scale, and 255 steps saturate OFM where more can occur."""
    first, second = quantisation(node.input(0)), quantisation(node.input(1))
    if first.scale != second.scale:
        return False
    furthest = _LARGEST + abs(first.zero_point - second.zero_point)
    ends = _squares(node, np.array([_LARGEST, furthest], np.int64))
    return bool(ends[0] == ends[1])


def _terms(node: Node) -> tuple[Int64, Int64]:
    """What each byte of the first operand adds to the difference, and each of the second."""
    first, second = (
        operand(every_byte(), quantisation(node.input(n)), largest_scale(node), LEFT_SHIFT) for n in (0, 1)
    )
    return first, -second


def _segments(node: Node) -> Segments | None:
    first, second = _terms(node)
    furthest = max(first.max() + second.max(), -(first.min() + second.min()))
    return segments(lambda difference: _rescaled(node, difference), int(furthest))


def exact(node: Node, numerics: Numerics, first: Int64, second: Int64) -> Int64:
    """``clamp(rq((rq((x1-z1) << 7, M1) - rq((x2-z2) << 7, M2)) ** 2, Mo) + zo)``."""
    largest = largest_scale(node)
    operands = zip((first, second), (node.input(0), node.input(1)), strict=True)
    scaled = [operand(values, quantisation(tensor), largest, LEFT_SHIFT) for values, tensor in operands]
    return _rescaled(node, scaled[0] - scaled[1])


def combine(
    node: Node, numerics: Numerics, maps: tuple[int, int], temporaries: Temporaries
) -> tuple[TableSum, ...]:
    """What the first exceeds the second by, and the reverse, as bytes from -128 on; then their squares.

    One of the two is always 0, so that the sum of both squares, one of them without the OFM's zero
    point, is the result. Where a difference does not fit a byte: `square_of_difference`.
    """
    if not _byte_differences(node):
        parts = _segments(node)
        assert parts is not None
        return square_sums(node, maps, _terms(node), parts, temporaries)
    shape = map_shape(node.output.shape)
    positive, negative = temporaries.map(shape), temporaries.map(shape)
    first, second = (every_byte() - quantisation(node.input(n)).zero_point for n in (0, 1))
    squares = _squares(node, np.arange(_LARGEST + 1, dtype=np.int64))
    above = IdentityRescale(zero_point=INT8_MIN)
    return (
        _sum(node, maps, positive, (first, -second), above),
        _sum(node, maps, negative, (-first, second), above),
        _sum(
            node, (positive, negative), node.output.index, (squares, squares - squares[0]), IdentityRescale()
        ),
    )


def _sum(
    node: Node, maps: tuple[int, int], output: int, tables: tuple[Int64, Int64], rescale: IdentityRescale
) -> TableSum:
    return TableSum(
        op_index=node.operator.index,
        op=node.operator.op,
        inputs=maps,
        output=output,
        shape=map_shape(node.output.shape),
        tables=np.stack(tables),
        rescale=rescale,
    )


def _squares(node: Node, steps: Int64) -> Int64:
    """Output bytes of differences in ``steps`` of the operands' common scale."""
    return _rescaled(node, steps << (LEFT_SHIFT - 1))


def _rescaled(node: Node, difference: npt.NDArray[np.int64]) -> Int64:
    multiplier, shift = quantize_multiplier(_output_multiplier(node))
    scaled = multiply_double_rounding(difference * difference, np.asarray(multiplier), np.asarray(shift))
    return np.clip(scaled + quantisation(node.output).zero_point, INT8_MIN, INT8_MAX)


def _output_multiplier(node: Node) -> float:
    twice = 2.0 * largest_scale(node)
    return twice * twice / ((1 << 2 * LEFT_SHIFT) * quantisation(node.output).scale)


KIND = elementwise_kind("SQUARED_DIFFERENCE", exact, lowering(exact, combine), (scales_near, byte_steps))
