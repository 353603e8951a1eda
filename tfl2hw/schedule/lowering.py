"""From primitives to jobs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import singledispatchmethod
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from tfl2hw.errors import DoesNotFit
from tfl2hw.ir.primitives import (
    Apply,
    Axis,
    Convolution,
    Copy,
    Depthwise,
    Extremum,
    Lookup,
    MapShape,
    MatMul,
    Network,
    Primitive,
    Product,
    Reshape,
    Softmax,
    TableSum,
)
from tfl2hw.ir.row_primitives import ArgMax, Int32, L2Normalize, LogSoftmax
from tfl2hw.rtl_templates.isa import FUNCTION_BITS
from tfl2hw.rtl_templates.parts import VectorFunction

from .channelwise import depthwise
from .convolution import convolution
from .copies import copies
from .elementwise import extremum, product, table_sum
from .functions import apply, find_function
from .jobs import Job
from .layout import Layout, spaced
from .lookup import lookup, table_pitch
from .matmul import matmul
from .matrix import Maps
from .packing import packed_inputs, rearranged
from .rows import arg_max, l2_normalize_passes, log_softmax_passes, row_by_row, softmax_passes
from .shape import Target


class Lowering:
    """Makes the jobs of one network's primitives for one target, and notes what they need besides.

    Members
    -------
    tables : the different table sums; a Table job names one by its number.
    exponentials, logarithms : the different tables of the softmaxes, and of their logarithms (exponentials,
        then distances).
    functions : the different functions of other packages; a Function job names one by its number.
    extra : buffers that are no tensors, with their sizes in bytes.
    """

    def __init__(self, network: Network, target: Target) -> None:
        self._network = network
        self._target = target
        self._packed = {
            tensor: packed for packed in packed_inputs(network, target) for tensor in packed.tensors
        }
        self._aliases = self._find_aliases()
        self.tables: list[TableSum] = []
        self.exponentials: list[Int32] = []
        self.logarithms: list[Int32] = []
        self.functions: list[VectorFunction] = []
        self.extra: dict[str, int] = {}

    def buffer(self, tensor: int) -> str:
        """The buffer in which a tensor stands."""
        return f"tensor {self._aliases.get(tensor, tensor)}"

    def layout(self, tensor: int) -> Layout:
        """How a tensor stands in its buffer."""
        if tensor in self._packed:
            return self._packed[tensor].layout
        shape = self._network.shapes[tensor]
        if any(isinstance(each, Lookup) and each.table == tensor for each in self._network.primitives):
            return spaced(shape, table_pitch(shape, self._target))
        return spaced(shape, self._target.padded(shape[2]))

    @property
    def has_strips(self) -> bool:
        """Whether an input stands in strips, which take more memory than its bytes."""
        return any(packed.layout.strips is not None for packed in self._packed.values())

    def jobs(self, primitive: Primitive) -> tuple[Job, ...]:
        """The jobs of one primitive, in order."""
        return tuple(self._lower(primitive))

    def _find_aliases(self) -> dict[int, int]:
        """Reshapes whose bytes already stand as they should: output tensor to input tensor."""
        lanes = self._target.lanes
        aliases: dict[int, int] = {}
        for primitive in self._network.primitives:
            if isinstance(primitive, Reshape):
                dense = all(
                    shape[2] % lanes == 0 or shape[0] * shape[1] == 1
                    for shape in (primitive.input_shape, primitive.output_shape)
                )
                same = primitive.input_shape[2] == primitive.output_shape[2]
                if dense or same or primitive.input in self._packed:
                    aliases[primitive.output] = aliases.get(primitive.input, primitive.input)
        return aliases

    def _maps(self, source: int | None, result: int) -> Maps:
        read = result if source is None else source
        return Maps(
            source=self.buffer(read),
            source_pixel=self.layout(read).pixel,
            target=self.buffer(result),
            target_pixel=self.layout(result).pixel,
            target_shape=self._network.shapes[result],
        )

    def _extra(self, what: str, primitive: Primitive, size: int) -> str:
        """The name of a buffer of ``size`` bytes that serves one operator."""
        name = f"{what} of operator {primitive.op_index}"
        self.extra[name] = max(self.extra.get(name, 0), size)
        return name

    @singledispatchmethod
    def _lower(self, primitive: Any) -> Sequence[Job]:
        raise TypeError(f"{type(primitive).__name__} is no primitive")

    @_lower.register
    def _(self, primitive: Convolution) -> Sequence[Job]:
        buffer = f"im2col of operator {primitive.op_index}"
        maps = self._maps(primitive.input, primitive.output)
        if primitive.input in self._packed:
            primitive, maps = rearranged(primitive, self._packed[primitive.input].layout, maps)
        jobs = convolution(primitive, self._target, maps, buffer)
        written = jobs[0].output
        if written.target == buffer:
            self._extra(
                "im2col", primitive, self._target.padded(written.inner * written.pixel) * written.outer
            )
        return jobs

    @_lower.register
    def _(self, primitive: Depthwise) -> Sequence[Job]:
        return (depthwise(primitive, self._target, self._maps(primitive.input, primitive.output)),)

    @_lower.register
    def _(self, primitive: TableSum) -> Sequence[Job]:
        first, second = (self.buffer(tensor) for tensor in (primitive.inputs[0], primitive.inputs[-1]))
        number = self._number(primitive)
        return (table_sum(primitive, self._target, (first, second), self.buffer(primitive.output), number),)

    def _number(self, primitive: TableSum) -> int:
        """The number of the primitive's tables: operators that do the same share them."""
        for number, known in enumerate(self.tables):
            if _same_tables(known, primitive):
                return number
        self.tables.append(primitive)
        return len(self.tables) - 1

    @_lower.register
    def _(self, primitive: Product) -> Sequence[Job]:
        first, second = (self.buffer(tensor) for tensor in primitive.inputs)
        return (product(primitive, self._target, (first, second), self.buffer(primitive.output)),)

    @_lower.register
    def _(self, primitive: Extremum) -> Sequence[Job]:
        first, second = (self.buffer(tensor) for tensor in primitive.inputs)
        return (extremum(primitive, self._target, (first, second), self.buffer(primitive.output)),)

    @_lower.register
    def _(self, primitive: Apply) -> Sequence[Job]:
        function = find_function(primitive.function)
        if function not in self.functions:
            if len(self.functions) == 1 << FUNCTION_BITS:
                raise DoesNotFit(
                    f"{self._network.file}: the model uses more than {1 << FUNCTION_BITS} vector functions "
                    "of other packages; choose a smaller model."
                )
            self.functions.append(function)
        sources = tuple(self.buffer(tensor) for tensor in primitive.inputs)
        number = self.functions.index(function)
        return (apply(primitive, function, self._target, sources, self.buffer(primitive.output), number),)

    @_lower.register
    def _(self, primitive: Copy) -> Sequence[Job]:
        return copies(primitive, self._target, self._maps(primitive.input, primitive.output))

    @_lower.register
    def _(self, primitive: MatMul) -> Sequence[Job]:
        if self._target.streamed:
            raise DoesNotFit(
                f"{self._network.file}: operator {primitive.op_index} ({primitive.op}) multiplies two "
                "activations, which a board that streams its weights cannot do; choose an ECP5 board."
            )
        left, right = (self._maps(tensor, primitive.output) for tensor in primitive.inputs)
        size = primitive.columns * self._target.padded(primitive.depth)
        name = self._extra("rows", primitive, size) if primitive.depth % self._target.lanes else ""
        return matmul(primitive, self._target, (left, right), name)

    @_lower.register
    def _(self, primitive: Lookup) -> Sequence[Job]:
        shapes = (self._network.shapes[primitive.indices], self._network.shapes[primitive.table])
        maps = self._maps(primitive.indices, primitive.output)
        return lookup(primitive, self._target, maps, self.buffer(primitive.table), shapes)

    @_lower.register(Softmax)
    @_lower.register(LogSoftmax)
    @_lower.register(L2Normalize)
    def _(self, primitive: Softmax | LogSoftmax | L2Normalize) -> Sequence[Job]:
        maps = self._maps(primitive.input, primitive.output)
        shape = (primitive.rows, primitive.depth)
        if isinstance(primitive, L2Normalize):
            passes = l2_normalize_passes(self._target)
            return (row_by_row(shape, maps, passes, zero_point=primitive.zero_point),)
        if isinstance(primitive, LogSoftmax):
            values = np.concatenate([primitive.exponentials, primitive.distances])
            table = _placed(values, self.logarithms)
            return (row_by_row(shape, maps, log_softmax_passes(), table=table),)
        table = _placed(primitive.exponentials, self.exponentials)
        return (row_by_row(shape, maps, softmax_passes(self._target), table=table),)

    @_lower.register
    def _(self, primitive: ArgMax) -> Sequence[Job]:
        return (arg_max(primitive, self._maps(primitive.input, primitive.output)),)

    @_lower.register
    def _(self, primitive: Reshape) -> Sequence[Job]:
        """Nothing for an alias; else the bytes are copied, by way of a vector where they fit no box."""
        if primitive.output in self._aliases:
            return ()
        maps = self._maps(primitive.input, primitive.output)
        before, after = primitive.input_shape, primitive.output_shape
        axes = _boxes(before, after)
        if axes is not None:
            return self._copy(primitive, axes, maps)
        size = prod(before)
        vector = self._extra("packed bytes", primitive, self._target.padded(size))
        whole = self._target.padded(size)
        there = Maps(
            source=maps.source,
            source_pixel=maps.source_pixel,
            target=vector,
            target_pixel=whole,
            target_shape=(1, 1, size),
        )
        back = Maps(
            source=vector,
            source_pixel=whole,
            target=maps.target,
            target_pixel=maps.target_pixel,
            target_shape=after,
        )
        packing, unpacking = _boxes(before, (1, 1, size)), _boxes((1, 1, size), after)
        assert packing is not None
        assert unpacking is not None
        return (*self._copy(primitive, packing, there), *self._copy(primitive, unpacking, back))

    def _copy(self, primitive: Reshape, axes: tuple[Axis, ...], maps: Maps) -> Sequence[Job]:
        copy = Copy(
            op_index=primitive.op_index,
            op=primitive.op,
            input=primitive.input,
            output=primitive.output,
            axes=axes,
        )
        return copies(copy, self._target, maps)


def _boxes(before: MapShape, after: MapShape) -> tuple[Axis, ...] | None:
    """The axes of a reshape from pixels of ``before[2]`` channels to pixels of ``after[2]``, if they nest."""
    channels, wanted = before[2], after[2]
    if channels % wanted == 0:
        pixels, share = before[0] * before[1], channels // wanted
        return (
            Axis(pixels, (1, 0), (share, 0)),
            Axis(share, (0, wanted), (1, 0)),
            Axis(wanted, (0, 1), (0, 1)),
        )
    if wanted % channels == 0:
        pixels, share = after[0] * after[1], wanted // channels
        return (
            Axis(pixels, (share, 0), (1, 0)),
            Axis(share, (1, 0), (0, channels)),
            Axis(channels, (0, 1), (0, 1)),
        )
    return None


def _placed(values: Int32, tables: list[Int32]) -> int:
    """Where the table with these values begins among ``tables``: operators of the same scale share one."""
    for number, each in enumerate(tables):
        if np.array_equal(each, values):
            return number * len(values)
    tables.append(values)
    return (len(tables) - 1) * len(values)


def _same_tables(one: TableSum, other: TableSum) -> bool:
    """Whether two table sums compute the same function."""
    first, second = one.rescale, other.rescale
    bounds = (first.low, first.high, first.zero_point) == (second.low, second.high, second.zero_point)
    if not bounds or one.tables.shape != other.tables.shape or not np.array_equal(one.tables, other.tables):
        return False
    return bool(np.array_equal(_outputs(one), _outputs(other)))


def _outputs(primitive: TableSum) -> npt.NDArray[np.int64]:
    """The outputs for all bytes, or pairs of bytes."""
    total = primitive.tables[0]
    if len(primitive.tables) > 1:
        total = total[:, None] + primitive.tables[1][None, :]
    return primitive.rescale(total, np.zeros_like(total))
