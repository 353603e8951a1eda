"""Primitives that work on rows: what a row of input bytes becomes depends on all of its bytes.

They are integer-only as those of ``tfl2hw/ir/primitives.py``, and name tensors the same way. A map is
``rows`` rows of ``depth`` bytes, the last axis of the tensor.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Int32 = npt.NDArray[np.int32]


@dataclass(frozen=True, kw_only=True, eq=False)
class LogSoftmax:
    """Logarithm of the softmax over the last axis.

    ``exponentials[d]`` is ``exp(-d * scale)`` in Q12.19 for ``max - x == d``, ``distances[d]`` is
    ``d * scale`` in Q5.26, 2**30 where the result is -128 whatever the sum of the exponentials.
    """

    op_index: int
    op: str
    input: int
    output: int
    rows: int
    depth: int
    exponentials: Int32
    distances: Int32


@dataclass(frozen=True, kw_only=True, eq=False)
class L2Normalize:
    """Division of ``x - zero_point`` by the Euclidean length of its row, in steps of 1/128."""

    op_index: int
    op: str
    input: int
    output: int
    rows: int
    depth: int
    zero_point: int


@dataclass(frozen=True, kw_only=True, eq=False)
class ArgMax:
    """Index of the greatest byte of a row (``minimum``: the least), the first of equal ones.

    The OFM has one little-endian number of ``element_bytes`` (4 or 8) bytes a row.
    """

    op_index: int
    op: str
    input: int
    output: int
    rows: int
    depth: int
    minimum: bool
    element_bytes: int
