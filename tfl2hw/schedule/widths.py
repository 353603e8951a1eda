"""How many bits the requantizers' parameters need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_

import numpy as np

from .rescale import ROUND, Parameters
from .shape import Target


@dataclass(frozen=True, kw_only=True)
class ParameterWidths:
    """Bits of the fields of an entry: mantissa (unsigned), offset (signed), shift (unsigned).

    The offset is stored without the ``offset_zeros`` zeros in which all offsets end. The topmost bit of an
    entry is its ``half_away``.
    """

    mantissa: int
    offset: int
    offset_zeros: int
    shift: int

    @property
    def total(self) -> int:
        """Bits of an entry."""
        return self.mantissa + self.offset + self.shift + 1


def parameter_widths(parameters: Sequence[Parameters], *, headroom: bool = False) -> ParameterWidths:
    """The least widths that hold every entry; with ``headroom`` a bit more, and no zeros left out."""
    mantissa = max((int(each.mantissa.max(initial=0)) for each in parameters), default=0)
    offset = max((int(abs(each.offset).max(initial=0)) for each in parameters), default=0)
    ones = reduce(or_, (int(np.bitwise_or.reduce(each.offset)) for each in parameters), 0)
    zeros = min(ROUND, (ones & -ones).bit_length() - 1) if ones and not headroom else 0
    shift = max((int(each.shift.max(initial=0)) for each in parameters), default=0)
    return ParameterWidths(
        mantissa=max(2, mantissa.bit_length() + headroom),
        offset=offset.bit_length() + 1 - zeros + headroom,
        offset_zeros=zeros,
        shift=max(1, shift.bit_length()),
    )


def parameter_words(parameters: Sequence[Parameters], target: Target) -> int:
    """Scratchpad words that carry one entry when it is streamed (a power of two)."""
    if target.core is not None:
        return target.core.parameter_parts
    widths = parameter_widths(parameters, headroom=target.headroom)
    words = -(-widths.total // (8 * target.lanes))
    return 1 << (words - 1).bit_length()
