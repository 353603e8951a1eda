"""From primitives to jobs: layers in order, their buffers, their weights and parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tfl2hw.errors import DoesNotFit, ModelError
from tfl2hw.ir.primitives import Convolution, Depthwise, Network, Primitive, Reshape, Softmax, TableSum

from .matrix import Matrix, Move, depthwise, direct, unfolded
from .memory import Buffer, MemoryPlan, plan_memory
from .nest import Loop, Nest, Output, linear
from .rescale import FRACTIONS, Parameters, Steps, find_steps, fit
from .shape import Target
from .table_fit import SHIFTS, TablePair, fit_tables
from .widths import parameter_words

MOST_SOFTMAX_ROWS = 64


@dataclass(frozen=True, kw_only=True, eq=False)
class Table:
    """A job of the table-sum unit; its tables are number ``number`` of the model's."""

    nest: Nest
    output: Output
    number: int
    zero_point: int
    low: int
    high: int


@dataclass(frozen=True, kw_only=True)
class SoftmaxRow:
    """The three passes over one row, which is written ``row_offset`` bytes behind the output's start."""

    nest: Nest
    output: Output
    row_offset: int


Job = Matrix | Move | Table | SoftmaxRow


@dataclass(frozen=True, kw_only=True, eq=False)
class Layer:
    """The jobs of one operator. ``macs`` counts multiply-accumulates as TFLite's users do."""

    op_index: int
    op: str
    output: int
    macs: int
    jobs: tuple[Job, ...]


@dataclass(frozen=True, kw_only=True)
class Placement:
    """Where a tensor stands: pixels ``pixel_bytes`` apart, row-major, from byte ``address``."""

    address: int
    shape: tuple[int, int, int]
    pixel_bytes: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Schedule:
    """Everything that codegen turns into words.

    ``parameters`` has one entry a matrix job, in order; ``tables`` one a Table job.
    ``mantissa_fraction`` and ``vector_shift`` are the shortest with which all of them are exact.
    """

    file: str
    target: Target
    layers: tuple[Layer, ...]
    parameters: tuple[Parameters, ...]
    mantissa_fraction: int
    accumulator_bits: int
    tables: tuple[TablePair, ...]
    vector_shift: int
    exponentials: tuple[npt.NDArray[np.int32], ...]
    memory: MemoryPlan
    placements: dict[int, Placement]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


def matrices(layers: Sequence[Layer]) -> list[Matrix]:
    """All matrix jobs, in order."""
    return [job for layer in layers for job in layer.jobs if isinstance(job, Matrix)]


def stream_name(number: int) -> str:
    """Buffer of matrix job ``number``'s streamed weights and parameters."""
    return f"weights of matrix job {number}"


class Scheduler:
    """Makes the schedule of one network for one target."""

    def __init__(self, network: Network, target: Target) -> None:
        self._network = network
        self._target = target
        self._aliases = self._find_aliases()
        self._tables: list[TableSum] = []

    def run(self) -> Schedule:
        """Lower every primitive, fit the parameters, plan the memory.

        Raises ModelError for what the hardware cannot do and DoesNotFit for what is too large.
        """
        network, target = self._network, self._target
        layers = [self._layer(primitive) for primitive in network.primitives]
        fraction, parameters, accumulator_bits = self._fit(layers)
        vector_shift, tables = self._fit_tables()
        memory = self._memory(layers, parameters)
        placements = {
            tensor: Placement(
                address=memory.addresses[self._buffer(tensor)],
                shape=shape,
                pixel_bytes=self._pixel_bytes(tensor),
            )
            for tensor, shape in network.shapes.items()
        }
        return Schedule(
            file=network.file,
            target=target,
            layers=tuple(layers),
            parameters=parameters,
            mantissa_fraction=fraction,
            accumulator_bits=accumulator_bits,
            tables=tables,
            vector_shift=vector_shift,
            exponentials=tuple(p.exponentials for p in network.primitives if isinstance(p, Softmax)),
            memory=memory,
            placements=placements,
            inputs=network.inputs,
            outputs=network.outputs,
        )

    # ---- layouts

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
                if dense or primitive.input_shape == primitive.output_shape:
                    aliases[primitive.output] = aliases.get(primitive.input, primitive.input)
        return aliases

    def _buffer(self, tensor: int) -> str:
        return f"tensor {self._aliases.get(tensor, tensor)}"

    def _pixel_bytes(self, tensor: int) -> int:
        return self._target.padded(self._network.shapes[tensor][2])

    # ---- layers

    def _layer(self, primitive: Primitive) -> Layer:
        jobs: tuple[Job, ...]
        macs = 0
        if isinstance(primitive, Convolution):
            jobs = self._convolution(primitive)
            height, width, _ = primitive.output_shape
            macs = height * width * primitive.weights.size
        elif isinstance(primitive, Depthwise):
            jobs = (self._depthwise(primitive),)
            height, width, _ = primitive.output_shape
            macs = height * width * primitive.weights.size if primitive.macs_counted else 0
        elif isinstance(primitive, TableSum):
            jobs = (self._table(primitive),)
        elif isinstance(primitive, Softmax):
            jobs = self._softmax(primitive)
        else:
            assert isinstance(primitive, Reshape), primitive.op
            jobs = self._reshape(primitive)
        return Layer(
            op_index=primitive.op_index, op=primitive.op, output=primitive.output, macs=macs, jobs=jobs
        )

    def _convolution(self, conv: Convolution) -> tuple[Job, ...]:
        """Direct, or through im2col where that takes fewer cycles."""
        target, source, name = self._target, self._buffer(conv.input), self._buffer(conv.output)
        pixel_bytes = self._pixel_bytes(conv.input)
        plain = direct(conv, target, source, pixel_bytes, name)
        if conv.weights.shape[1] * conv.weights.shape[2] == 1:
            return (plain,)
        buffer = f"im2col of operator {conv.op_index}"
        move, packed = unfolded(conv, target, source, pixel_bytes, buffer, name)
        if move.nest.tokens + packed.nest.tokens < plain.nest.tokens:
            return (move, packed)
        return (plain,)

    def _depthwise(self, layer: Depthwise) -> Matrix:
        source, name = self._buffer(layer.input), self._buffer(layer.output)
        return depthwise(layer, self._target, source, self._pixel_bytes(layer.input), name)

    def _table(self, primitive: TableSum) -> Table:
        target = self._target
        height, width, channels = primitive.shape
        words = target.words(channels) * width
        first, second = (self._buffer(tensor) for tensor in primitive.inputs)
        self._tables.append(primitive)
        rescale = primitive.rescale
        nest = Nest(
            source=first,
            second=second,
            loops=(
                Loop(2), Loop(), Loop(),
                Loop(words, target.lanes), Loop(height, words * target.lanes), Loop(),
            ),
            gap=max(0, target.lanes // target.vector_lanes - 2),
        )  # fmt: skip
        return Table(
            nest=nest,
            output=linear(self._buffer(primitive.output), words, target.lanes, height),
            number=len(self._tables) - 1,
            zero_point=rescale.zero_point,
            low=rescale.low,
            high=rescale.high,
        )

    def _softmax(self, primitive: Softmax) -> tuple[Job, ...]:
        target = self._target
        if primitive.rows > MOST_SOFTMAX_ROWS:
            raise ModelError(
                f"{self._network.file}: operator {primitive.op_index} (SOFTMAX) has {primitive.rows} "
                f"rows; at most {MOST_SOFTMAX_ROWS} are accepted. Let the network end before the softmax."
            )
        pixel_bytes = target.padded(primitive.depth)
        source, name = self._buffer(primitive.input), self._buffer(primitive.output)
        return tuple(
            SoftmaxRow(
                nest=Nest(
                    source=source,
                    loops=(Loop(), Loop(), Loop(), Loop(primitive.depth, 1), Loop(), Loop()),
                    offset=row * pixel_bytes,
                ),
                output=linear(name, target.words(primitive.depth), target.lanes),
                row_offset=row * pixel_bytes,
            )
            for row in range(primitive.rows)
        )

    def _reshape(self, primitive: Reshape) -> tuple[Job, ...]:
        """Nothing for an alias; else the mover packs the bytes of a map into a vector."""
        if primitive.output in self._aliases:
            return ()
        height, width, channels = primitive.input_shape
        if primitive.output_shape[:2] != (1, 1):
            raise ModelError(
                f"{self._network.file}: operator {primitive.op_index} (RESHAPE) turns "
                f"{primitive.input_shape} into {primitive.output_shape}; with {self._target.lanes} lanes "
                "only a reshape to a vector, or one whose channels are multiples of the lanes on both "
                "sides, is accepted."
            )
        pixel_bytes = self._pixel_bytes(primitive.input)
        size = height * width * channels
        nest = Nest(
            source=self._buffer(primitive.input),
            loops=(
                Loop(channels, 1), Loop(width, pixel_bytes), Loop(height, pixel_bytes * width),
                Loop(), Loop(), Loop(),
            ),
        )  # fmt: skip
        output = linear(self._buffer(primitive.output), self._target.words(size), self._target.lanes)
        return (Move(nest=nest, output=output, pad_value=0),)

    # ---- parameters

    def _fit(self, layers: Sequence[Layer]) -> tuple[int, tuple[Parameters, ...], int]:
        """The shortest mantissa that is exact in every layer, and the accumulators' width."""
        jobs = matrices(layers)
        steps: list[Steps] = [find_steps(job.rescale, job.bias, *job.accumulator) for job in jobs]
        extreme = max(
            (max(-int(job.accumulator[0].min()), int(job.accumulator[1].max())) for job in jobs), default=1
        )
        for fraction in FRACTIONS:
            fitted = [fit(each, fraction) for each in steps]
            good = [each for each in fitted if each is not None]
            if len(good) == len(fitted):
                return fraction, tuple(good), max(16, extreme.bit_length() + 1)
        failing = next(n for n, each in enumerate(fitted) if each is None)
        owner = next(layer for layer in layers if jobs[failing] in layer.jobs)
        raise ModelError(
            f"{self._network.file}: the output scale of operator {owner.op_index} ({owner.op}) cannot be met "
            "exactly by the requantizer; the ratio of its scales is out of range."
        )

    def _fit_tables(self) -> tuple[int, tuple[TablePair, ...]]:
        if not self._tables:
            return 0, ()
        for shift in SHIFTS:
            fitted = [fit_tables(each, shift) for each in self._tables]
            good = [each for each in fitted if each is not None]
            if len(good) == len(fitted):
                return shift, tuple(good)
        failing = self._tables[next(n for n, each in enumerate(fitted) if each is None)]
        raise ModelError(
            f"{self._network.file}: the scales of operator {failing.op_index} ({failing.op}) cannot be met "
            "exactly by the table-sum unit."
        )

    # ---- memory

    def _memory(self, layers: Sequence[Layer], parameters: Sequence[Parameters]) -> MemoryPlan:
        network, target = self._network, self._target
        first: dict[str, int] = {}
        last: dict[str, int] = {}
        sizes: dict[str, int] = {}
        conflicts: set[tuple[str, str]] = set()
        for tensor, shape in network.shapes.items():
            name = self._buffer(tensor)
            sizes[name] = max(sizes.get(name, 0), shape[0] * shape[1] * self._pixel_bytes(tensor))

        def used(name: str, step: int) -> None:
            first[name] = min(first.get(name, step), step)
            last[name] = max(last.get(name, step), step)

        for tensor in network.inputs:
            used(self._buffer(tensor), 0)
        number = 0
        for step, layer in enumerate(layers):
            for job in layer.jobs:
                sources = [job.nest.source] + ([job.nest.second] if job.nest.second else [])
                for name in sources:
                    used(name, step)
                    conflicts.add((name, job.output.target))
                used(job.output.target, step)
                if isinstance(job, Move) and job.output.target not in sizes:
                    sizes[job.output.target] = job.output.inner * job.output.outer * target.lanes
                if isinstance(job, Matrix):
                    if target.streamed:
                        name = stream_name(number)
                        entry_words = parameter_words(parameters, target)
                        sizes[name] = (
                            job.groups * target.columns * (job.weights.shape[2] + entry_words) * target.lanes
                        )
                        first[name], last[name] = -1, len(layers)
                        conflicts.add((name, job.output.target))
                    number += 1
            used(self._buffer(layer.output), step)
        for tensor in network.outputs:
            used(self._buffer(tensor), len(layers))
        buffers = [
            Buffer(name=name, size=sizes[name], first=first[name], last=last[name])
            for name in sizes
            if name in first
        ]
        return plan_memory(buffers, conflicts, target, network.file)


def schedule(network: Network, target: Target) -> Schedule:
    """The schedule of ``network`` on ``target``. Raises ModelError or DoesNotFit."""
    made = Scheduler(network, target).run()
    deepest = max((job.weights.shape[2] for job in matrices(made.layers)), default=0)
    if target.streamed and deepest > target.bank_depth:
        raise DoesNotFit(
            f"{network.file}: a filter takes {deepest} words of a column's weight bank, the board has "
            f"{target.bank_depth}; choose a larger board."
        )
    return made
