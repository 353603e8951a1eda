"""What the hardware can do, integer-only: the lowered form between operators and schedule.

Every primitive names the tensors that it reads and writes by their index in the file, so that each
of them can be compared with the interpreter. Arrays are numpy, read-only by convention.
Feature maps are (height, width, channels); a vector is (1, 1, channels).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from tfl2hw.ir.row_primitives import ArgMax, L2Normalize, LogSoftmax

Int8 = npt.NDArray[np.int8]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]


class Rescale(Protocol):
    """A monotone map from accumulator to output byte, one function per channel."""

    @property
    def zero_point(self) -> int:
        """What is added after scaling, before the clamp."""

    @property
    def low(self) -> int:
        """Lowest output."""

    @property
    def high(self) -> int:
        """Highest output."""

    @property
    def half_away(self) -> bool:
        """Whether negative values round half away from zero at the last step, positive ones up."""

    @property
    def channels(self) -> int:
        """How many channels have functions of their own (1: all share one)."""

    @property
    def slope(self) -> npt.NDArray[np.float64]:
        """Real slope of each channel's function (output steps per accumulator step)."""

    def __call__(self, accumulator: Int64, channel: Int64) -> Int64:
        """Exact clamped outputs for ``accumulator`` (any shape), ``channel`` broadcast to it."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Convolution:
    """Dense convolution; FULLY_CONNECTED is one with a 1x1 kernel on a (rows, 1, channels) map.

    ``bias`` has the input zero point folded in: padding cells hold ``pad_value`` (the input's zero
    point) and ``accumulator = bias[o] + sum(x * weights[o])`` over every tap, padded ones included.
    """

    op_index: int
    op: str
    input: int
    output: int
    input_shape: tuple[int, int, int]
    output_shape: tuple[int, int, int]
    weights: Int8  # (output channels, kernel height, kernel width, input channels)
    bias: Int64
    stride: tuple[int, int]
    dilation: tuple[int, int]
    padding: tuple[int, int]  # rows above, columns left
    pad_value: int
    rescale: Rescale


@dataclass(frozen=True, kw_only=True, eq=False)
class Depthwise:
    """Depthwise convolution with multiplier 1, and average pooling (weights all 1).

    ``weights`` is (kernel height, kernel width, channels); the bias is folded as in Convolution.
    ``macs_counted`` is False for pooling, which TFLite does not count as multiply-accumulates.
    """

    op_index: int
    op: str
    input: int
    output: int
    input_shape: tuple[int, int, int]
    output_shape: tuple[int, int, int]
    weights: Int8
    bias: Int64
    stride: tuple[int, int]
    dilation: tuple[int, int]
    padding: tuple[int, int]
    pad_value: int
    rescale: Rescale
    macs_counted: bool = True


@dataclass(frozen=True, kw_only=True, eq=False)
class TableSum:
    """Elementwise ``y = rescale(table[0][x0 + 128] + table[1][x1 + 128])``; tables are (2, 256)."""

    op_index: int
    op: str
    inputs: tuple[int, int]
    output: int
    shape: tuple[int, int, int]
    tables: Int64
    rescale: Rescale


@dataclass(frozen=True, kw_only=True, eq=False)
class Softmax:
    """Softmax over the last axis. ``exponentials[d]`` is e for ``max - x == d`` (0 below diff_min)."""

    op_index: int
    op: str
    input: int
    output: int
    rows: int
    depth: int
    exponentials: Int32


@dataclass(frozen=True, kw_only=True, eq=False)
class Reshape:
    """The same bytes under another shape (row-major, unpadded order)."""

    op_index: int
    op: str
    input: int
    output: int
    input_shape: tuple[int, int, int]
    output_shape: tuple[int, int, int]


Primitive = Convolution | Depthwise | TableSum | Softmax | Reshape | LogSoftmax | L2Normalize | ArgMax


@dataclass(frozen=True, kw_only=True, eq=False)
class Network:
    """The lowered model: primitives in order, plus each boundary tensor's map shape."""

    file: str
    numerics: str
    primitives: tuple[Primitive, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    shapes: dict[int, tuple[int, int, int]]  # map shape of every activation tensor
