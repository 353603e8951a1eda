"""A schedule's jobs, walked token by token over an array of bytes, as the units of the core do it.

The walker knows the hardware and nothing of operators: nests and writers by their registers, the columns'
window, digits and extremes, the requantizer's and the table-sum unit's formulas. What has not been written is
garbage, and every job is checked to stay within the buffers it names and off the bytes it reads.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import singledispatchmethod
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from tests.schedule.test_nest import walk, written
from tfl2hw.boards.sim_large import generous_core
from tfl2hw.ir.primitives import MapShape, Network, Primitive
from tfl2hw.ops.arg_max import arg_max_rows
from tfl2hw.ops.l2_normalization import l2_normalize_rows
from tfl2hw.ops.log_softmax import log_softmax_rows
from tfl2hw.ops.softmax import softmax_rows
from tfl2hw.passes.evaluate_network import evaluate_network
from tfl2hw.rtl_templates.config import MOST_WINDOW
from tfl2hw.rtl_templates.isa import DIGIT_BITS, FLAG_MINIMUM, Kind
from tfl2hw.schedule.copies import WordCopy
from tfl2hw.schedule.elementwise import Table
from tfl2hw.schedule.functions import Function
from tfl2hw.schedule.jobs import Placement, Schedule
from tfl2hw.schedule.lookup import Index, IndexedCopy
from tfl2hw.schedule.matmul import LoadedMatrix
from tfl2hw.schedule.matrix import Matrix, Move
from tfl2hw.schedule.nest import Nest, Output
from tfl2hw.schedule.rescale import Parameters
from tfl2hw.schedule.rows import Rows
from tfl2hw.schedule.schedule import schedule
from tfl2hw.schedule.shape import Target

Int8 = npt.NDArray[np.int8]
Int64 = npt.NDArray[np.int64]
Addresses = Mapping[str, int]


def maps_after_layers(
    planned: Schedule, inputs: Sequence[npt.NDArray[Any]], seed: int = 0
) -> Iterator[tuple[int, Int64]]:
    """Each map that a layer makes, by its tensor, as it stands when the layer is done; then the outputs."""
    walker = Walker(planned, seed)
    for tensor, values in [*planned.constants.items(), *zip(planned.inputs, inputs, strict=True)]:
        if tensor in planned.placements:
            walker.put(tensor, np.ascontiguousarray(values).view(np.int8))
    for layer in planned.layers:
        for job in layer.jobs:
            walker.run(job)
        for tensor in layer.outputs:
            yield tensor, walker.map(tensor)
    for tensor in planned.outputs:
        yield tensor, walker.map(tensor)


class Walker:
    """The memory of a core and what its jobs do to it."""

    def __init__(self, planned: Schedule, seed: int = 0) -> None:
        self._schedule, self._target = planned, planned.target
        self._addresses: Addresses = planned.memory.addresses
        self._bank_bytes = planned.target.scratchpad_bytes // planned.target.banks
        sizes = {buffer.name: buffer.size for buffer in planned.memory.buffers}
        self._ends = {name: address + sizes[name] for name, address in self._addresses.items()}
        size = max(self._ends.values()) + 64
        self.memory = np.random.default_rng(seed).integers(-128, 128, size).astype(np.int8)
        self._parameters = iter(planned.parameters)
        self._index = 0

    def _places(self, tensor: int) -> Int64:
        """Where each element of a map stands in memory: (height, width, channels) of its layout."""
        place = self._schedule.placements[tensor]
        layout = place.layout
        y, x, c = np.indices(layout.shape)
        return place.address + layout.left + y * layout.row + x * layout.pixel + c

    def put(self, tensor: int, values: npt.NDArray[np.int8]) -> None:
        """What the host does with an input: its elements, and what stands beside its rows."""
        place = self._schedule.placements[tensor]
        if place.layout.strips is not None:
            self._put_strips(place, values)
            return
        places = self._places(tensor)
        if any(place.layout.margins):
            self.memory[place.address : place.address + place.layout.size] = place.layout.fill
        self.memory[places] = values.reshape(places.shape)

    def _put_strips(self, place: Placement, values: npt.NDArray[np.int8]) -> None:
        """Strip by strip, each row of windows with the rows of the map that it sees."""
        layout, strips = place.layout, place.layout.strips
        assert strips is not None
        left, right = layout.margins
        above, below = strips.top + strips.before * strips.stride, strips.count * strips.stride + strips.rows
        beside = ((above, below), (left, right), (0, 0))
        big = np.pad(values.reshape(layout.shape), beside, constant_values=layout.fill)
        for strip in range(strips.count):
            rows = big[strip * strips.stride :][: strips.rows]
            data = rows.transpose(1, 2, 0).reshape(-1)
            start = place.address + strip * layout.row
            self.memory[start : start + len(data)] = data

    def map(self, tensor: int) -> Int64:
        """A map as it stands in memory, in the shape of its layout."""
        return self.memory[self._places(tensor)].astype(np.int64)

    @singledispatchmethod
    def run(self, job: Any) -> None:
        """What ``job`` does."""
        raise TypeError(type(job).__name__)

    @run.register
    def _(self, job: Matrix) -> None:
        self._matrix(job, next(self._parameters), job.output)

    @run.register
    def _(self, job: LoadedMatrix) -> None:
        parameters, lanes = next(self._parameters), self._target.lanes
        bank = job.matrix.weights.copy()
        for block in job.blocks:
            for copy in range(job.copies):
                start = self._addresses[job.source] + block.source
                count = block.columns * job.words * lanes
                assert start % lanes == 0
                assert start + count <= self._ends[job.source]
                loaded = self.memory[start : start + count].reshape(block.columns, job.words, lanes)
                bank[0, : block.columns, copy * job.words : (copy + 1) * job.words] = loaded
            output = replace(job.matrix.output, offset=job.matrix.output.offset + block.offset)
            self._matrix(replace(job.matrix, weights=bank.copy()), parameters, output)

    @run.register
    def _(self, job: Move) -> None:
        tokens = _Tokens(self.memory, job.nest, self._addresses, self._target, job.pad_value)
        self._write(job.output, tokens.bytes()[:, None], tokens)

    @run.register
    def _(self, job: WordCopy) -> None:
        base = self._index if isinstance(job, IndexedCopy) else 0
        tokens = _Tokens(self.memory, job.nest, self._addresses, self._target, job.pad_value, base)
        assert self._target.unaligned or (tokens.address[tokens.inside] % self._target.lanes == 0).all()
        self._write(job.output, tokens.words[:, : job.part], tokens)

    @run.register
    def _(self, job: Index) -> None:
        tokens = _Tokens(self.memory, job.nest, self._addresses, self._target, 0)
        self._index = 0
        for byte, inside in zip(tokens.bytes().tolist(), tokens.inside.tolist(), strict=True):
            self._index = self._index << 8 | byte & 255 if inside else self._index << 1

    @run.register
    def _(self, job: Table) -> None:
        tokens = _Tokens(self.memory, job.nest, self._addresses, self._target, 0)
        first, second = (self._schedule.tables[job.number].tables[n] for n in (0, 1))
        total = first[tokens.words[::2] + 128] + second[tokens.words[1::2] + 128]
        shifted = (total >> self._schedule.vector_shift) + job.zero_point
        self._write(job.output, np.clip(shifted, job.low, job.high), tokens)

    @run.register
    def _(self, job: Function) -> None:
        function = self._schedule.functions[job.number]
        tokens = _Tokens(self.memory, job.nest, self._addresses, self._target, 0)
        operands = [tokens.words[number :: function.operands] for number in range(function.operands)]
        self._write(job.output, function.reference(operands, function.unpacked(job.fields)), tokens)

    @run.register
    def _(self, job: Rows) -> None:
        results, last = [], None
        for row in range(job.rows):
            nest = replace(job.nest, offset=job.nest.offset + row * job.pitch)
            last = _Tokens(self.memory, nest, self._addresses, self._target, 0)
            results.append(self._row(job, last.bytes()))
        assert last is not None
        self._write(job.output, np.concatenate(results)[:, None], last, groups=job.rows)

    def _row(self, job: Rows, values: Int64) -> Int64:
        """The bytes that a row's passes make."""
        kind, table, first = job.passes[-1].kind, job.table or 0, values[None, :]
        if kind == Kind.SOFTMAX_SCALE:
            return softmax_rows(first, _placed(self._schedule.exponentials, table, 256)[0]).reshape(-1)
        if kind == Kind.LOG_SCALE:
            return log_softmax_rows(first, *_placed(self._schedule.logarithms, table, 512)).reshape(-1)
        if kind == Kind.L2_SCALE:
            assert job.zero_point is not None
            return l2_normalize_rows(first, job.zero_point).reshape(-1)
        assert kind == Kind.ARGMAX
        rows = values.reshape(-1, job.nest.loops[0].count)
        index = arg_max_rows(rows, bool(job.passes[-1].flags & FLAG_MINIMUM))
        digits = index[:, None] >> 8 * np.arange(job.output.inner) & 255
        return ((digits ^ 128) - 128).reshape(-1)

    def _matrix(self, job: Matrix, parameters: Parameters, output: Output) -> None:
        tokens = _Tokens(self.memory, job.nest, self._addresses, self._target, job.pad_value)
        sums = self._accumulated(job, tokens)
        channels, columns = len(job.bias), sums.shape[2]
        found = sums.transpose(1, 0, 2).reshape(sums.shape[1], -1)[:, :channels]
        low, high = job.accumulator
        assert (found >= low).all(), "a sum is below its bound"
        assert (found <= high).all(), "a sum is above its bound"
        results = np.zeros((sums.shape[1], len(sums) * columns), np.int64)
        results[:, :channels] = self._requantized(job, parameters, found)
        groups = results.reshape(sums.shape[1], len(sums), columns).transpose(1, 0, 2)
        assert output.inner * output.outer * max(output.planes, 1) == sums.shape[1]
        self._write(output, groups.reshape(-1, columns), tokens, groups=len(sums))

    def _accumulated(self, job: Matrix, tokens: _Tokens) -> Int64:
        """(groups, emitted pixels, channels of a group): what the accumulators hold when a pixel is done.

        The two lines of a pair are pixels that follow each other.
        """
        columns, counts = self._target.columns, [loop.count for loop in job.nest.loops]
        per_pixel = counts[0] * counts[1] * counts[2]
        operand = np.repeat(tokens.words[:, None, :], columns, axis=1)
        weights = job.weights.astype(np.int64)
        assert len(weights) == counts[5]
        bank = np.repeat(weights, per_pixel, axis=2) if job.hold else weights
        assert bank.shape[2] == per_pixel
        # (tokens, columns, lanes): the weights of each token
        factor = np.tile(bank.transpose(0, 2, 1, 3), (1, counts[3] * counts[4], 1, 1)).reshape(operand.shape)
        if job.pick and not job.product:
            return self._picked(job, tokens, factor)
        if job.product:
            operand[:, :, :3] = self._bytes(tokens, 0)[:, :, None]
            factor[1::2, :, 0] = self._bytes(tokens, 0)[::2]
        totals = (operand * factor).sum(axis=2).reshape(-1, per_pixel, columns)
        pixels = _reduced(job, totals, axis=1).reshape(counts[5], counts[4], counts[3], columns)
        return pixels[:, :, job.nest.skip :: job.nest.stride].reshape(counts[5], -1, columns)

    def _bytes(self, tokens: _Tokens, channel: int) -> Int64:
        """(tokens, columns): the bytes that the columns take, those of the first or of the second channel."""
        columns = self._target.columns
        first = (tokens.address - tokens.start) // columns * columns + channel * columns
        return np.take_along_axis(tokens.words, first[:, None] + np.arange(columns), axis=1)

    def _picked(self, job: Matrix, tokens: _Tokens, factor: Int64) -> Int64:
        """As ``_accumulated``, for columns that work on bytes of their own.

        In each part of the lanes stand the bytes of the token's place: of this pixel, of the one before and
        so on, for as far as the core keeps them.
        """
        columns, lanes, counts = self._target.columns, self._target.lanes, [x.count for x in job.nest.loops]
        lines, channels = 1 + job.pair, 1 + job.twin
        per_pixel, size = counts[0] * counts[1] * counts[2], lanes // (lines * channels)
        depth = min(size, max(1, self._target.window))
        assert (lines, channels) in self._target.divisions
        assert job.window <= depth
        assert job.window == 1 or per_pixel <= self._target.places
        found = np.zeros((counts[5], counts[4], counts[3], lines, channels, columns), np.int64)
        parts = factor.reshape(len(factor), columns, channels, lines, size)
        assert not parts[..., job.window :].any(), "a weight meets a byte that is not kept"
        for line, channel in product(range(lines), range(channels)):
            operand = np.zeros((len(factor), columns, size), np.int64)
            picked = self._bytes(tokens, channel)
            for lane in range(depth):
                operand[lane * per_pixel :, :, lane] = picked[: max(0, len(picked) - lane * per_pixel)]
            totals = (operand * parts[:, :, channel, line]).sum(axis=2).reshape(-1, per_pixel, columns)
            if job.digits:
                digits = totals.reshape(len(totals), counts[2], -1, columns).sum(axis=2)
                totals = digits << DIGIT_BITS * np.arange(counts[2])[::-1, None]
            sums = _reduced(job, totals, axis=1).reshape(*found.shape[:3], columns)
            found[:, :, :, line, channel] = sums
        emitted = found[:, :, job.nest.skip :: job.nest.stride]
        return emitted.reshape(counts[5], -1, channels * columns)

    def _requantized(self, job: Matrix, parameters: Parameters, sums: Int64) -> Int64:
        v = sums.astype(object) * parameters.mantissa + parameters.offset
        w = (v >> self._schedule.mantissa_fraction) - np.where((v < 0) & parameters.half_away, 2, 0)
        rounded = ((w >> parameters.shift) + 1) >> 1
        return np.clip(rounded + job.rescale.zero_point, job.rescale.low, job.rescale.high).astype(np.int64)

    def _write(self, output: Output, results: Int64, tokens: _Tokens, groups: int | None = None) -> None:
        """``results``, one a pixel of the writer, each of as many bytes as it has columns."""
        size = results.shape[1]
        assert not output.twin or size == 2 * self._target.columns
        groups = len(results) // (output.inner * output.outer) if groups is None else groups
        start = np.array(written(output, self._addresses, groups))
        assert len(start) == len(results)
        assert (start % size == 0).all(), "a write crosses a word"
        assert start.min() >= self._addresses[output.target], f"a write before {output.target}"
        assert start.max() + size <= self._ends[output.target], f"a write behind {output.target}"
        places = start[:, None] + np.arange(size)
        # a word that starts anywhere may end in another buffer: what is read there is not used
        used = tokens.places(1 if self._target.unaligned else self._target.lanes)
        assert not np.intersect1d(places, used).size, "a job writes what it reads"
        if self._target.banks > 1 and used.size:
            banks = [np.unique(each // self._bank_bytes) for each in (places, used)]
            assert banks[0].size == banks[1].size == 1
            assert banks[0] != banks[1], "a bank is read and written"
        self.memory[places] = results


class _Tokens:
    """A nest's tokens: addresses, where their words start, whether they are inside the map, and the words."""

    def __init__(
        self,
        memory: npt.NDArray[np.int8],
        nest: Nest,
        addresses: Addresses,
        target: Target,
        pad_value: int,
        base: int = 0,
    ) -> None:
        lanes = target.lanes
        walked = np.array(walk(nest.registers(addresses)))
        self.address = walked[:, 0] + base
        row, column = walked[:, 1], walked[:, 2]
        self.inside = (row >= 0) & (row < nest.height) & (column >= 0) & (column < nest.width)
        self.start = self.address if target.unaligned else self.address // lanes * lanes
        self._words = np.where(self.inside, self.start, 0)[:, None] + np.arange(lanes)
        self.words = np.where(self.inside[:, None], memory[self._words], pad_value).astype(np.int64)

    def bytes(self) -> Int64:
        """The byte that each token asks for."""
        return self.words[np.arange(len(self.words)), self.address - self.start]

    def places(self, count: int) -> Int64:
        """The bytes of memory that are used, of each word the first ``count``."""
        return np.unique(self._words[self.inside, :count])


def _reduced(job: Matrix, totals: Int64, axis: int) -> Int64:
    """The sum, the greatest or the least of ``totals`` along ``axis``."""
    reduce = {"sum": np.sum, "maximum": np.max, "minimum": np.min}[job.reduction]
    return np.asarray(reduce(totals, axis=axis))


def _placed(tables: Sequence[npt.NDArray[np.int32]], entry: int, size: int) -> list[npt.NDArray[np.int32]]:
    """The table at ``entry``, in parts of 256."""
    table = np.concatenate(tables)[entry : entry + size]
    assert len(table) == size
    return [table[start : start + 256] for start in range(0, size, 256)]


def agree(network: Network, target: Target, seed: int = 0) -> Schedule:
    """The schedule of ``network``, walked over random inputs, agrees with the definition of the primitives.

    No file, no operator: what is wrong is wrong in the schedule.
    """
    generator = np.random.default_rng(seed)
    inputs = [generator.integers(-128, 128, network.shapes[each]).astype(np.int8) for each in network.inputs]
    planned = schedule(network, target)
    compare(network, planned, inputs)
    return planned


def compare(network: Network, planned: Schedule, inputs: Sequence[npt.NDArray[Any]]) -> None:
    """Each map that ``planned`` makes is what the definition of the primitives says."""
    expected = evaluate_network(network, inputs)
    for tensor, found in maps_after_layers(planned, inputs):
        if tensor in expected:  # the schedule has maps of its own where it splits a sum
            wanted = expected[tensor]
            np.testing.assert_array_equal(found.reshape(wanted.shape), wanted, err_msg=f"map {tensor}")


def alone(
    *primitives: Primitive,
    shapes: dict[int, MapShape],
    constants: dict[int, Int8] | None = None,
) -> Network:
    """A network of ``primitives``; maps that none of them writes, constants left out, are its inputs."""
    known, made = constants or {}, {each.output for each in primitives}
    return Network(
        file="alone.tflite",
        numerics="litert-ref",
        primitives=primitives,
        inputs=tuple(index for index in shapes if index not in made and index not in known),
        outputs=tuple(made),
        shapes=shapes,
        constants=known,
    )


def target_of(
    lanes: int = 8, columns: int = 8, requantizers: int = 4, *, core: bool = False, **fields: Any
) -> Target:
    """A target with plenty of memory; ``core``: the prebuilt core, with its fixed numbers."""
    window = {"window": min(lanes, MOST_WINDOW), "pair": True, "twin": lanes >= 2 * columns}
    return Target(
        lanes=lanes,
        columns=columns,
        requantizers=min(requantizers, columns),
        scratchpad_bytes=1 << 20,
        vector_lanes=max(1, lanes // 2),
        core=generous_core(lanes, columns) if core else None,
        **window | fields,
    )


TARGETS = [
    target_of(4, 4, 4, core=True),
    target_of(8, 4, 1),
    target_of(8, 8, 2, core=True),
    target_of(16, 8, 4, core=True),
    target_of(8, 8, 4, core=True, unaligned=True),
    target_of(8, 8, 8, core=True, unaligned=True, strips=True),
    target_of(16, 8, 4, core=True, unaligned=True, strips=True),
    target_of(16, 8, 4, core=True, unaligned=True),
    target_of(16, 8, 8, core=True),
    target_of(16, 16, 16, core=True),
]
"""Every relation of lanes, columns and requantizers; numbers fixed (quick to fit), and the shortest."""


def named(target: Target) -> str:
    """A target's name among a test's parameters."""
    requantizers = f" {target.requantizers}" if target.requantizers == target.columns else ""
    reads = " strips" if target.strips else " unaligned" if target.unaligned else ""
    return f"{target.lanes}x{target.columns}{requantizers}{reads}"
