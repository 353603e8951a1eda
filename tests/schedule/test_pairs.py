"""Pairs of lines walked in Python, as array and writer would do them, against plain sums."""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import replace
from itertools import pairwise, product
from pathlib import Path

import numpy as np
import pytest

from tests import small_models
from tests.schedule.test_nest import walk
from tfl2hw.boards import get
from tfl2hw.codegen.compile import compile_model, make_target
from tfl2hw.errors import DoesNotFit
from tfl2hw.ir.primitives import Depthwise, Region
from tfl2hw.ops.rescale import MeanRescale
from tfl2hw.schedule.channelwise import depthwise
from tfl2hw.schedule.matrix import Maps, Matrix
from tfl2hw.schedule.pairs import by_pairs, fits_pairs
from tfl2hw.schedule.schedule import matrices, schedule
from tfl2hw.schedule.shape import Target

ADDRESSES = {"ifm": 8192, "ofm": 512}
PAD, PIXEL = 11, 16
SHAPES = [(8, 8, 8), (8, 4, 2), (16, 8, 2)]
"""Lanes, columns, requantizers: chains of 1, 2 and 4."""
SIZES = [(1, 1), (1, 4), (5, 1), (4, 5), (5, 4), (6, 6), (7, 3)]
"""Height and width of the OFM: odd and even numbers of lines either way."""


def make_target_of(shape: tuple[int, int, int], *, pair: bool = True) -> Target:
    lanes, columns, requantizers = shape
    return Target(
        lanes=lanes, columns=columns, requantizers=requantizers, scratchpad_bytes=1 << 20, pair=pair
    )


def layer_of(
    size: tuple[int, int], stride: tuple[int, int], channels: int, padding: tuple[int, int] = (1, 1)
) -> tuple[Depthwise, Maps, np.ndarray, np.ndarray]:
    """A random layer, where its maps stand, its input and its exact sums."""
    generator = np.random.default_rng(7)
    height, width = ((n - 1) * s + 3 - 2 * p for n, s, p in zip(size, stride, padding, strict=True))
    layer = Depthwise(
        op_index=0, op="DEPTHWISE_CONV_2D", input=0, output=1, input_shape=(height, width, channels),
        output_shape=(*size, channels),
        weights=generator.integers(-128, 128, (3, 3, channels)).astype(np.int8),
        bias=np.zeros(channels, np.int64), stride=stride, dilation=(1, 1), padding=padding, pad_value=PAD,
        rescale=MeanRescale(count=1, low=-128, high=127),
    )  # fmt: skip
    x = generator.integers(-128, 128, layer.input_shape).astype(np.int64)
    big = np.pad(x, [*((p, p) for p in padding), (0, 0)], constant_values=PAD)
    exact = np.zeros(layer.output_shape, np.int64)
    for row, column in product(range(3), range(3)):
        part = big[row:, column:][:: stride[0], :: stride[1]][: size[0], : size[1]]
        exact += part * layer.weights[row, column].astype(np.int64)
    maps = Maps(
        source="ifm", source_pixel=PIXEL, target="ofm", target_pixel=PIXEL, target_shape=layer.output_shape
    )
    return layer, maps, x, exact


def operands(job: Matrix, x: np.ndarray, target: Target) -> list[np.ndarray]:
    """What the K columns pick at each token: bytes, padding put in."""
    found = []
    memory = np.zeros(1 << 16, np.int64)
    for number, each in enumerate(x.reshape(-1, x.shape[-1])):
        memory[ADDRESSES["ifm"] + number * PIXEL :][: len(each)] = each
    for address, row, column in walk(job.nest.registers(ADDRESSES)):
        inside = 0 <= row < job.nest.height and 0 <= column < job.nest.width
        found.append(memory[address:][: target.columns] if inside else np.full(target.columns, PAD))
    return found


def results(job: Matrix, taken: list[np.ndarray], target: Target) -> list[np.ndarray]:
    """The K sums of each result in the order in which they leave: the lower half's, then the upper half's."""
    counts = [loop.count for loop in job.nest.loops]
    history: dict[int, deque[np.ndarray]] = defaultdict(lambda: deque([np.zeros(target.columns)] * 3, 3))
    tokens, found = iter(taken), []
    for group, _, position in product(*(range(counts[level]) for level in (5, 4, 3))):
        sums = np.zeros((2, target.columns), np.int64)
        for phase in range(counts[2]):
            history[phase].appendleft(next(tokens))
            halves = job.weights[group, :, phase].astype(np.int64).reshape(target.columns, 2, -1)
            for half, lane in product(range(2), range(3)):
                sums[half] += (history[phase][lane] * halves[:, half, lane]).astype(np.int64)
            assert not halves[:, :, 3:].any()
        since = position - job.nest.skip
        if since >= 0 and since % job.nest.stride == 0:
            found += [*sums]
    return found


def written(job: Matrix, count: int) -> list[int]:
    """Addresses as the writer's registers make them."""
    r = job.output.registers(ADDRESSES["ofm"])
    names, steps = ("out_inner", "out_outer", "out_planes"), ("pixel", "row", "plane", "group")
    left, address, found = [r[name] for name in names], r["out_base"], []
    for _ in range(count):
        found.append(address)
        level = 0
        while level < 3 and left[level] < 0:
            left[level] = r[names[level]]
            level += 1
        if level < 3:
            left[level] -= 1
        address += r[f"out_step_{steps[level]}"]
    return found


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("by_column", [False, True])
@pytest.mark.parametrize("stride", [(1, 1), (2, 2), (1, 2), (2, 1), (3, 1), (1, 3), (5, 4)], ids=str)
def test_what_stands_in_the_map_at_the_end(
    shape: tuple[int, int, int], by_column: bool, stride: tuple[int, int]
) -> None:
    """Garbage for a line that is none is overwritten or stands in the room behind the map; it never
    stays on a good byte, in whatever group.
    """
    target = make_target_of(shape)
    for size, channels, padding in product(SIZES, (8, 16), ((1, 1), (0, 1))):
        layer, maps, x, exact = layer_of(size, stride, channels, padding)
        if min(x.shape) < 1:
            continue
        assert fits_pairs(layer, target, maps, by_column=by_column)
        job = by_pairs(layer, target, maps, by_column=by_column)
        sums = results(job, operands(job, x, target), target)
        memory: dict[int, int] = {}
        for address, each in zip(written(job, len(sums)), sums, strict=True):
            memory |= dict(zip(range(address, address + target.columns), each.tolist(), strict=True))
        start = ADDRESSES["ofm"]
        pixels = range(start, start + size[0] * size[1] * PIXEL, PIXEL)
        stored = np.array([[memory[pixel + channel] for channel in range(channels)] for pixel in pixels])
        np.testing.assert_array_equal(stored.reshape(exact.shape), exact)
        assert min(memory) >= start
        assert max(memory) - start < job.output.room
        lines = size[1] if by_column else size[0]
        assert (max(memory) >= pixels.stop) == bool(lines % 2)


@pytest.mark.parametrize("chain", [1, 2, 4, 8])
@pytest.mark.parametrize("by_column", [False, True])
@pytest.mark.parametrize("stride", [(1, 1), (2, 2), (1, 3), (5, 1), (4, 5)], ids=str)
def test_results_are_never_closer_than_the_requantizers_can_follow(
    chain: int, by_column: bool, stride: tuple[int, int]
) -> None:
    """Two results of each position, so twice the chain's length from one to the next that emits."""
    target = make_target_of((8, 8, 8 // chain))
    for size in SIZES:
        layer, maps, *_ = layer_of(size, stride, 8, (0, 0))
        nest = by_pairs(layer, target, maps, by_column=by_column).nest
        positions = nest.loops[3].count
        pixel = nest.loops[2].count + nest.gap
        emits = [n for n in range(positions) if n >= nest.skip and (n - nest.skip) % nest.stride == 0]
        rows = [n + positions * row for row in range(2) for n in emits]
        assert all((after - before) * pixel >= 2 * chain for before, after in pairwise(rows))
        assert emits[-1] == positions - 1, "the last token of a group has to close a pixel"


def test_pairs_are_chosen_where_they_are_cheaper() -> None:
    target = make_target_of((8, 8, 4))
    layer, maps, *_ = layer_of((6, 6), (1, 1), 8)
    chosen = depthwise(layer, target, maps)
    before = depthwise(layer, replace(target, pair=False), maps)
    assert (chosen.pair, before.pair) == (True, False)
    assert (chosen.nest.tokens, before.nest.tokens) == (8 * 4 * 3, 8 * 3 * 6)
    for size, stride in (((1, 1), (1, 1)), ((4, 4), (3, 3))):
        layer, maps, *_ = layer_of(size, stride, 8)
        assert not depthwise(layer, target, maps).pair


def test_pairs_need_a_map_of_their_own() -> None:
    target = make_target_of((8, 8, 4))
    layer, maps, *_ = layer_of((6, 6), (1, 1), 8)
    apart = replace(layer, region=Region(row_step=2))
    larger = replace(maps, target_shape=(12, 6, 8))
    wide = replace(layer, stride=(6, 6))
    for by_column in (False, True):
        assert fits_pairs(layer, target, maps, by_column=by_column)
        assert not fits_pairs(apart, target, larger, by_column=by_column)
        assert not fits_pairs(layer, target, larger, by_column=by_column)
        assert not fits_pairs(wide, target, maps, by_column=by_column)


def test_room_behind_the_map_is_kept(tmp_path: Path) -> None:
    """Nothing that lives at the same time stands where garbage is written; without that room, no pairs."""
    compiled = compile_model(small_models.pairs(1).write(tmp_path, "model"), "ulx3s-85f", "litert-ref", 8, 8)
    memory = compiled.schedule.memory
    buffers = {each.name: each for each in memory.buffers}
    outputs = [
        job.output for layer in compiled.schedule.layers for job in layer.jobs if getattr(job, "pair", False)
    ]
    assert len(outputs) >= 8
    assert all(buffers[each.target].size >= each.room for each in outputs)
    target = make_target(get("ulx3s-85f"), None, None)
    plain = schedule(compiled.network, replace(target, pair=False))
    assert plain.memory.used < memory.used
    tight = schedule(compiled.network, replace(target, scratchpad_bytes=plain.memory.used[0]))
    assert tight.memory == plain.memory
    assert not any(job.pair for job in matrices(tight.layers))
    with pytest.raises(DoesNotFit):
        schedule(compiled.network, replace(target, scratchpad_bytes=plain.memory.used[0] - 1))
