"""What the hardware can do, integer-only: the lowered form between operators and schedule.

Every primitive names the tensors that it reads and writes by their index in the file, so that each
of them can be compared with the interpreter. Arrays are numpy, read-only by convention.
Feature maps are (height, width, channels); a vector is (1, 1, channels). Pixels are numbered row by row.
Elements wider than a byte stand as bytes, lowest first, along one more axis.

Several primitives of one operator may write parts of one map.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, Protocol

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


MapShape = tuple[int, int, int]
Reduction = Literal["sum", "maximum", "minimum"]


@dataclass(frozen=True, kw_only=True)
class Region:
    """Where results go: result (i, j) to pixel ``(row + i * row_step, column + j * column_step)``."""

    row: int = 0
    column: int = 0
    row_step: int = 1
    column_step: int = 1


@dataclass(frozen=True, kw_only=True, eq=False)
class Convolution:
    """Dense or grouped convolution; FULLY_CONNECTED is one with a 1x1 kernel on a (rows, 1, channels) map.

    ``bias`` has the input zero point folded in: padding cells hold ``pad_value`` (the input's zero
    point) and ``accumulator = bias[o] + sum(x * weights[o])`` over every tap, padded ones included.

    With ``groups`` > 1 the weights have ``channels / groups`` input channels, and filter o reads those of
    group ``o // (filters / groups)``. ``input_shape`` is what is read: rows ``input_row`` and on of the
    map. ``output_shape`` is what is made; ``region`` says where it goes. A padding below 0 makes the first
    window start inside.
    """

    op_index: int
    op: str
    input: int
    output: int
    input_shape: MapShape
    output_shape: MapShape
    weights: Int8  # (output channels, kernel height, kernel width, input channels of a group)
    bias: Int64
    stride: tuple[int, int]
    dilation: tuple[int, int]
    padding: tuple[int, int]  # rows above, columns left; negative: the window starts inside
    pad_value: int
    rescale: Rescale
    groups: int = 1
    input_row: int = 0
    region: Region = field(default_factory=Region)


@dataclass(frozen=True, kw_only=True, eq=False)
class Depthwise:
    """Every channel on its own: depthwise convolution, pooling, resampling, per-channel scaling.

    ``weights`` is (kernel height, kernel width, channels), int8 or, for wide weights, int64 below 2**27 in
    magnitude; the bias is folded as in Convolution. With ``reduction`` "maximum" or "minimum" the accumulator
    is the extreme byte of the window instead of the sum (weights are all 1 and the bias 0); padding cells
    hold ``pad_value`` there too. ``macs_counted`` is False where TFLite counts no multiply-accumulates.
    """

    op_index: int
    op: str
    input: int
    output: int
    input_shape: MapShape
    output_shape: MapShape
    weights: Int8 | Int64
    bias: Int64
    stride: tuple[int, int]
    dilation: tuple[int, int]
    padding: tuple[int, int]
    pad_value: int
    rescale: Rescale
    reduction: Reduction = "sum"
    macs_counted: bool = True
    input_row: int = 0
    region: Region = field(default_factory=Region)


@dataclass(frozen=True, kw_only=True, eq=False)
class TableSum:
    """Elementwise ``y = rescale(sum of tables[i][x_i + 128])`` over one or two operands of one shape.

    ``tables`` is (operands, 256), int64.
    """

    op_index: int
    op: str
    inputs: tuple[int, ...]
    output: int
    shape: MapShape
    tables: Int64
    rescale: Rescale


@dataclass(frozen=True, kw_only=True, eq=False)
class Product:
    """Elementwise ``y = rescale((a - zero_points[0]) * (b - zero_points[1]))``."""

    op_index: int
    op: str
    inputs: tuple[int, int]
    output: int
    shape: MapShape
    zero_points: tuple[int, int]
    rescale: Rescale


@dataclass(frozen=True, kw_only=True, eq=False)
class Extremum:
    """Elementwise ``y = clamp(max(a, b), low, high)``, or of the minimum, on raw bytes."""

    op_index: int
    op: str
    inputs: tuple[int, int]
    output: int
    shape: MapShape
    reduction: Reduction
    low: int = -128
    high: int = 127


@dataclass(frozen=True, kw_only=True, eq=False)
class Apply:
    """Elementwise ``y = reference((x_0, ...), fields)`` of one or two maps, by a unit of another package.

    ``function`` is the name of its vector function; ``reference`` is that function's own.
    """

    op_index: int
    op: str
    inputs: tuple[int, ...]
    output: int
    shape: MapShape
    function: str
    fields: Mapping[str, int]
    reference: Callable[[Sequence[Int64], Mapping[str, int]], Int64]


@dataclass(frozen=True)
class Axis:
    """One loop of a Copy: ``count`` turns, each moving (pixels, channels) in the source and in the target."""

    count: int
    source: tuple[int, int] = (0, 0)
    target: tuple[int, int] = (0, 0)


@dataclass(frozen=True, kw_only=True, eq=False)
class Copy:
    """Bytes from one map to another by address, one a turn of the nest of ``axes`` (outermost first).

    ``start`` and ``target_start`` are (pixel, channel). Without an ``input`` every byte is ``value``.
    """

    op_index: int
    op: str
    input: int | None
    output: int
    axes: tuple[Axis, ...]
    start: tuple[int, int] = (0, 0)
    target_start: tuple[int, int] = (0, 0)
    value: int = 0


@dataclass(frozen=True, kw_only=True, eq=False)
class MatMul:
    """A product of two activations: row i of a times row j of b, both along their channels.

    ``y[i, j] = rescale(sum((a[i] - zero_points[0]) * (b[j] - zero_points[1])))`` for ``rows`` pixels i of a
    and ``columns`` pixels j of b; pixel i of the output has ``columns`` channels. ``starts`` are the first
    pixels in a, in b and in the output.
    """

    op_index: int
    op: str
    inputs: tuple[int, int]
    output: int
    rows: int
    columns: int
    depth: int
    zero_points: tuple[int, int]
    rescale: Rescale
    starts: tuple[int, int, int] = (0, 0, 0)


@dataclass(frozen=True, kw_only=True, eq=False)
class Lookup:
    """Rows of a constant table by index: output pixel n is the table's pixel ``indices[n]``.

    ``indices`` is a map with one index a pixel, its bytes as channels; ``table`` a constant map.
    """

    op_index: int
    op: str
    indices: int
    table: int
    output: int
    count: int


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
    input_shape: MapShape
    output_shape: MapShape


Primitive = (
    Convolution
    | Depthwise
    | TableSum
    | Product
    | Extremum
    | Apply
    | Copy
    | MatMul
    | Lookup
    | Softmax
    | LogSoftmax
    | L2Normalize
    | ArgMax
    | Reshape
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Constants:
    """What is left of a map: channels ``kept``; the others of its ``values`` are the same in every pixel."""

    kept: Int64
    values: Int64


@dataclass(frozen=True, kw_only=True, eq=False)
class Network:
    """The lowered model: primitives in order, plus each map's shape.

    ``constants`` are maps whose bytes the model carries (operands, tables of embeddings). ``macs`` are the
    multiply-accumulates of each operator, by its index. ``dropped`` are maps of which constant channels were
    left out.
    """

    file: str
    numerics: str
    primitives: tuple[Primitive, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    shapes: dict[int, MapShape]  # of every activation, temporary and constant
    constants: Mapping[int, Int8] = field(default_factory=lambda: MappingProxyType({}))
    macs: Mapping[int, int] = field(default_factory=lambda: MappingProxyType({}))
    dropped: Mapping[int, Constants] = field(default_factory=lambda: MappingProxyType({}))


def reads(primitive: Primitive) -> tuple[int, ...]:
    """The maps that ``primitive`` reads."""
    if isinstance(primitive, TableSum | Product | Extremum | Apply | MatMul):
        return primitive.inputs
    if isinstance(primitive, Lookup):
        return (primitive.indices, primitive.table)
    return () if primitive.input is None else (primitive.input,)
