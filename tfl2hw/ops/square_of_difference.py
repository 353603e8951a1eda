"""The square of a difference of two bytes at different scales, by sums of tables of bytes alone.

The difference d is an integer of up to 16 bits, its square a byte: with |d| = hi * width + lo, hi gives the
least byte of its segment, and each step of the square within a segment one comparison of lo with a threshold
that hi looks up. All that is kept between the sums are bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tfl2hw.ir.primitives import Rescale, TableSum
from tfl2hw.ops.activation import INT8_MAX, INT8_MIN
from tfl2hw.ops.node import Node
from tfl2hw.ops.rescale import IdentityRescale, fixed_point
from tfl2hw.ops.shapes import map_shape
from tfl2hw.ops.table_operator import Int64, every_byte
from tfl2hw.ops.temporaries import Temporaries

FURTHEST = 1 << 15
"""Above every difference: the terms are bytes at 6 fractional bits."""
SEGMENTS = 256
MOST_STEPS = 8
_COUNTED = every_byte() - INT8_MIN
"""What each byte is where bytes are counted from -128 on."""
_FLAG = IdentityRescale(low=0, high=1)
_BYTE = IdentityRescale()


@dataclass(frozen=True, kw_only=True, eq=False)
class Segments:
    """The square as a function of hi and lo.

    Parameters
    ----------
    width : of a segment, a power of two.
    first : the output byte at the start of each segment, (256,).
    thresholds : lo from which on the byte is one more, two more ... than at the start, (steps, 256);
        ``width`` where it never is.
    """

    width: int
    first: Int64
    thresholds: Int64


def segments(square: Callable[[Int64], Int64], furthest: int) -> Segments | None:
    """The segments of ``square``, that does not fall for differences from 0 to ``furthest``.

    None where it has too many steps in one segment.
    """
    values, width = square(np.arange(furthest + 1, dtype=np.int64)), 2
    while width * SEGMENTS <= furthest and values[width * (SEGMENTS - 1)] != values[-1]:
        width *= 2
    padded = np.pad(values[: width * SEGMENTS], (0, max(width * SEGMENTS - len(values), 0)), mode="edge")
    rows = padded.reshape(SEGMENTS, width)
    rises = rows - rows[:, :1]
    steps = int(rises.max())
    if steps > MOST_STEPS:
        return None
    thresholds = [np.sum(rises < step, axis=1) for step in range(1, steps + 1)]
    return Segments(
        width=width,
        first=rows[:, 0],
        thresholds=np.array(thresholds, np.int64).reshape(steps, SEGMENTS),
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class Sums:
    """The TableSums of one operator, in the order in which they are made."""

    node: Node
    temporaries: Temporaries
    made: list[TableSum]

    def add(
        self, maps: tuple[int, int], tables: tuple[Int64, Int64], rescale: Rescale, output: int | None = None
    ) -> int:
        """One more; the map that it writes, a new one unless ``output`` is given."""
        shape = map_shape(self.node.output.shape)
        index = self.temporaries.map(shape) if output is None else output
        self.made.append(
            TableSum(
                op_index=self.node.operator.index,
                op=self.node.operator.op,
                inputs=maps,
                output=index,
                shape=shape,
                tables=np.stack(tables),
                rescale=rescale,
            )
        )
        return index


def square_sums(
    node: Node,
    maps: tuple[int, int],
    terms: tuple[Int64, Int64],
    parts: Segments,
    temporaries: Temporaries,
) -> tuple[TableSum, ...]:
    """What writes the square of ``terms[0][x] + terms[1][y]`` into the OFM, from the ``maps`` of x and y.

    Both terms are (256,), from byte -128 on.
    """
    sums = Sums(node=node, temporaries=temporaries, made=[])
    high, low = _high(sums, maps, terms, parts.width), _low(sums, maps, terms, parts.width)
    result, last = high, len(parts.thresholds) - 1
    table = parts.first
    if last < 0:
        sums.add((high, low), (table, np.zeros_like(table)), _BYTE, node.output.index)
    for number, threshold in enumerate(parts.thresholds):
        reached = sums.add((low, high), (_COUNTED, 1 - threshold), _FLAG)
        output = node.output.index if number == last else None
        result = sums.add((result, reached), (table, every_byte()), _BYTE, output)
        table = every_byte()
    return tuple(sums.made)


def _high(sums: Sums, maps: tuple[int, int], terms: tuple[Int64, Int64], width: int) -> int:
    """``min(|d| // width, 255)``, counted from -128 on."""
    floor = _floor(width, INT8_MIN, (INT8_MIN, INT8_MAX))
    above, below = (
        sums.add(maps, (sign * 2 * terms[0] - width, sign * 2 * terms[1]), floor) for sign in (1, -1)
    )
    return sums.add((above, below), (_COUNTED, every_byte()), _BYTE)


def _low(sums: Sums, maps: tuple[int, int], terms: tuple[Int64, Int64], width: int) -> int:
    """``|d| % width``, counted from -128 on: by the sign of d, from the difference of both remainders."""
    beyond = 2 * (FURTHEST - 1) - FURTHEST  # so that 1 and more reach FURTHEST, and 0 and less do not
    flag = _floor(FURTHEST, 0, (0, 1))
    negative = sums.add(maps, (beyond - 2 * terms[0], -2 * terms[1]), flag)
    difference = sums.add(maps, (terms[0] % width, -((-terms[1]) % width)), _BYTE)
    off, on = (np.where((every_byte() > 0) == set_, -2 * width, 0) for set_ in (True, False))
    counted = IdentityRescale(zero_point=INT8_MIN)
    remainders = every_byte() % width, (-every_byte()) % width
    if_positive = sums.add((difference, negative), (remainders[0], off), counted)
    if_negative = sums.add((difference, negative), (remainders[1], on), counted)
    return sums.add((if_positive, if_negative), (_COUNTED, every_byte()), _BYTE)


def _floor(width: int, zero_point: int, clamp: tuple[int, int]) -> Rescale:
    """``x // width``, clamped, of ``2 * x - width``, for x from ``width / 2`` on; at most 0 below.

    One half of the twofold x goes at the first rounding, and ``width / 2`` less makes the second a floor.
    """
    return fixed_point(np.array([1 / (2 * width)]), "double", zero_point, clamp)
