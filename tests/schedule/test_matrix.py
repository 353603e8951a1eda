"""Matrix jobs walked in Python, as array, window and writer would do them, against plain convolutions."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest

from tests.schedule.test_nest import walk, written
from tfl2hw.ir.primitives import Convolution, Depthwise
from tfl2hw.ops.rescale import MeanRescale
from tfl2hw.schedule.matrix import Matrix, bounds, depthwise, direct, unfolded
from tfl2hw.schedule.nest import Nest
from tfl2hw.schedule.shape import Target

ADDRESSES = {"ifm": 4096, "ofm": 0, "im2col": 1 << 16}
RESCALE = MeanRescale(count=1, low=-128, high=127)
TARGETS = [
    Target(lanes=lanes, columns=columns, requantizers=columns // 2, scratchpad_bytes=1 << 20)
    for lanes, columns in ((4, 4), (8, 4), (8, 8), (16, 8))
]


def named(target: Target) -> str:
    return f"{target.lanes}x{target.columns}"


def out_size(size: int, kernel: int, stride: int, dilation: int, before: int, after: int) -> int:
    return (size + before + after - (kernel - 1) * dilation - 1) // stride + 1


class Memory:
    """A scratchpad of bytes; what nothing was written to is garbage."""

    def __init__(self, seed: int) -> None:
        self.bytes = np.random.default_rng(seed).integers(-128, 128, 1 << 18).astype(np.int8)

    def store(self, values: np.ndarray, address: int, pixel_bytes: int) -> None:
        pixels = values.reshape(-1, values.shape[-1])
        for number, pixel in enumerate(pixels):
            start = address + number * pixel_bytes
            self.bytes[start : start + len(pixel)] = pixel

    def tokens(self, nest: Nest, lanes: int, pad_value: int) -> list[tuple[np.ndarray, int]]:
        """Each token's word, padding put in, and the byte in it that it asks for."""
        found = []
        for address, row, column in walk(nest.registers(ADDRESSES)):
            inside = 0 <= row < nest.height and 0 <= column < nest.width
            start = address // lanes * lanes
            word = self.bytes[start : start + lanes] if inside else np.full(lanes, pad_value, np.int8)
            found.append((word.astype(np.int64), address % lanes))
        return found


def run(job: Matrix, memory: Memory, target: Target) -> dict[int, int]:
    """Accumulators by the byte address where their result goes."""
    counts = [loop.count for loop in job.nest.loops]
    per_pixel = counts[0] * counts[1] * counts[2]
    tokens = memory.tokens(job.nest, target.lanes, job.pad_value)
    output = job.output
    history: list[np.ndarray] = [np.zeros(target.columns, np.int64)] * 7
    results = {}
    number, address = 0, ADDRESSES["ofm"]
    inner, outer = 1, 1
    for group, _, x in product(range(counts[5]), range(counts[4]), range(counts[3])):
        accumulator = np.zeros(target.columns, np.int64)
        for tap in range(per_pixel):
            word, offset = tokens[number]
            number += 1
            weights = job.weights[group, :, 0 if job.hold else tap].astype(np.int64)
            operand = np.tile(word, (target.columns, 1))
            if job.pick:
                first = offset // target.columns * target.columns
                history.append(word[first : first + target.columns])
                for lane in range(3):
                    operand[:, lane] = history[-1 - 3 * lane]
            accumulator += (operand * weights).sum(axis=1)
        if x < job.nest.skip or (x - job.nest.skip) % job.nest.stride:
            continue
        for column in range(target.columns):
            results[address + column] = int(accumulator[column])
        if inner < output.inner:
            address, inner = address + output.pixel, inner + 1
        elif outer < output.outer:
            address, inner, outer = address + output.row, 1, outer + 1
        else:
            address, inner, outer = address + output.group, 1, 1
    return results


def padded_input(x: np.ndarray, padding: tuple[int, int], after: tuple[int, int], value: int) -> np.ndarray:
    sides = [(before, behind) for before, behind in zip(padding, after, strict=True)]
    return np.pad(x, [*sides, (0, 0)], constant_values=value).astype(np.int64)


def windows(
    x: np.ndarray, y: int, z: int, job: Convolution | Depthwise, kernel: tuple[int, int]
) -> np.ndarray:
    (sy, sx), (dy, dx) = job.stride, job.dilation
    rows = [y * sy + dy * n for n in range(kernel[0])]
    columns = [z * sx + dx * n for n in range(kernel[1])]
    return x[np.ix_(rows, columns)]


CASES = [
    # input (height, width, channels), filters, kernel, stride, dilation, padding before, after
    ((5, 6, 8), 8, (1, 1), (1, 1), (1, 1), (0, 0), (0, 0)),
    ((5, 6, 3), 5, (3, 3), (1, 1), (1, 1), (1, 1), (1, 1)),
    ((7, 5, 11), 9, (3, 2), (2, 1), (1, 1), (0, 1), (1, 0)),
    ((6, 7, 1), 4, (4, 3), (2, 2), (1, 1), (1, 1), (2, 1)),
    ((7, 7, 5), 6, (3, 3), (1, 1), (2, 2), (2, 2), (2, 2)),
    ((1, 1, 37), 13, (1, 1), (1, 1), (1, 1), (0, 0), (0, 0)),
]  # fmt: skip


def convolution(case: tuple, seed: int) -> tuple[Convolution, np.ndarray, np.ndarray]:
    """A random layer, its input and its exact sums."""
    shape, filters, kernel, stride, dilation, before, after = case
    generator = np.random.default_rng(seed)
    out = tuple(
        out_size(*each) for each in zip(shape[:2], kernel, stride, dilation, before, after, strict=True)
    )
    layer = Convolution(
        op_index=0, op="CONV_2D", input=0, output=1, input_shape=shape, output_shape=(*out, filters),
        weights=generator.integers(-128, 128, (filters, *kernel, shape[2])).astype(np.int8),
        bias=np.zeros(filters, np.int64), stride=stride, dilation=dilation, padding=before, pad_value=-7,
        rescale=RESCALE,
    )  # fmt: skip
    x = generator.integers(-128, 128, shape).astype(np.int8)
    big = padded_input(x, before, after, -7)
    weights = layer.weights.astype(np.int64)
    exact = np.array([
        [(windows(big, y, z, layer, kernel)[None] * weights).sum(axis=(1, 2, 3)) for z in range(out[1])]
        for y in range(out[0])
    ])
    return layer, x, exact


def compare(results: dict[int, int], exact: np.ndarray, target: Target) -> None:
    """Every channel of every pixel stands where the plan of the OFM puts it, and nothing beyond it."""
    height, width, channels = exact.shape
    pixel_bytes = target.padded(channels)
    found = np.array([
        [[results[(y * width + x) * pixel_bytes + c] for c in range(channels)] for x in range(width)]
        for y in range(height)
    ])
    np.testing.assert_array_equal(found, exact)
    assert max(results) < height * width * pixel_bytes
    assert min(results) >= 0


@pytest.mark.parametrize("target", TARGETS, ids=named)
@pytest.mark.parametrize("case", CASES)
def test_direct_convolution(case: tuple, target: Target) -> None:
    layer, x, exact = convolution(case, 1)
    pixel_bytes = target.padded(x.shape[2])
    memory = Memory(0)
    memory.store(x, ADDRESSES["ifm"], pixel_bytes)
    job = direct(layer, target, "ifm", pixel_bytes, "ofm")
    compare(run(job, memory, target), exact, target)
    low, high = job.accumulator
    assert (exact >= low).all()
    assert (exact <= high).all()


@pytest.mark.parametrize("target", TARGETS, ids=named)
@pytest.mark.parametrize("case", CASES[1:5])
def test_unfolded_convolution(case: tuple, target: Target) -> None:
    """The mover's bytes, each pixel's from a word on (garbage behind them), then a 1x1 kernel over them."""
    layer, x, exact = convolution(case, 2)
    pixel_bytes, lanes = target.padded(x.shape[2]), target.lanes
    memory = Memory(3)
    memory.store(x, ADDRESSES["ifm"], pixel_bytes)
    move, packed = unfolded(layer, target, "ifm", pixel_bytes, "im2col", "ofm")
    taken = [int(word[offset]) for word, offset in memory.tokens(move.nest, lanes, move.pad_value)]
    for byte, address in zip(taken, written(move.output, ADDRESSES, 1), strict=True):
        memory.bytes[address] = byte
    compare(run(packed, memory, target), exact, target)


DEPTHWISE = [
    ((6, 7, 8), (3, 3), (1, 1), (1, 1), (1, 1), (1, 1)),
    ((7, 7, 5), (3, 3), (2, 2), (1, 1), (0, 0), (1, 1)),
    ((9, 4, 20), (3, 3), (1, 1), (1, 1), (1, 1), (1, 1)),
    ((5, 8, 6), (3, 3), (1, 2), (1, 1), (1, 0), (1, 1)),
    ((7, 7, 6), (5, 5), (1, 1), (1, 1), (2, 2), (2, 2)),
    ((9, 9, 4), (3, 3), (1, 1), (2, 2), (2, 2), (2, 2)),
    ((6, 5, 9), (2, 4), (2, 1), (1, 1), (0, 1), (0, 2)),
    ((4, 4, 8), (1, 1), (1, 1), (1, 1), (0, 0), (0, 0)),
    ((24, 3, 8), (3, 3), (20, 1), (1, 1), (0, 1), (0, 1)),
]  # fmt: skip


WINDOWED = DEPTHWISE[:4]
"""Those that the sliding window takes."""


def depthwise_layer(case: tuple, *, ones: bool = False) -> tuple[Depthwise, np.ndarray, np.ndarray]:
    shape, kernel, stride, dilation, before, after = case
    generator = np.random.default_rng(5)
    out = tuple(
        out_size(*each) for each in zip(shape[:2], kernel, stride, dilation, before, after, strict=True)
    )
    weights = generator.integers(-128, 128, (*kernel, shape[2])).astype(np.int8)
    layer = Depthwise(
        op_index=0, op="DEPTHWISE_CONV_2D", input=0, output=1, input_shape=shape,
        output_shape=(*out, shape[2]),
        weights=np.ones_like(weights) if ones else weights, bias=np.zeros(shape[2], np.int64), stride=stride,
        dilation=dilation, padding=before, pad_value=11, rescale=RESCALE,
    )  # fmt: skip
    x = generator.integers(-128, 128, shape).astype(np.int8)
    big = padded_input(x, before, after, 11)
    exact = np.array([
        [
            (windows(big, y, z, layer, kernel) * layer.weights.astype(np.int64)).sum(axis=(0, 1))
            for z in range(out[1])
        ]
        for y in range(out[0])
    ])
    return layer, x, exact


@pytest.mark.parametrize("target", TARGETS, ids=named)
@pytest.mark.parametrize("case", DEPTHWISE)
@pytest.mark.parametrize("ones", [False, True])
def test_depthwise(case: tuple, target: Target, ones: bool) -> None:
    """Window or taps, whichever is chosen; with weights of one (a pool) one word serves all taps."""
    layer, x, exact = depthwise_layer(case, ones=ones)
    pixel_bytes = target.padded(x.shape[2])
    memory = Memory(6)
    memory.store(x, ADDRESSES["ifm"], pixel_bytes)
    job = depthwise(layer, target, "ifm", pixel_bytes, "ofm")
    assert job.pick
    assert (job.nest.skip == 2) == (case in WINDOWED and not ones)
    assert job.hold == (ones or case[1] == (1, 1))
    if ones:
        assert job.weights.shape[2] == 1
    compare(run(job, memory, target), exact, target)


def test_the_window_is_chosen_where_it_is_cheaper() -> None:
    target = TARGETS[2]
    layer, *_ = depthwise_layer(DEPTHWISE[0])
    window = depthwise(layer, target, "ifm", 8, "ofm")
    taps = depthwise(layer, Target(**vars(target) | {"window": False}), "ifm", 8, "ofm")
    assert (window.weights.shape[2], taps.weights.shape[2]) == (3, 9)
    assert window.nest.tokens < taps.nest.tokens


@pytest.mark.parametrize("chain", [1, 2, 4, 8])
@pytest.mark.parametrize("case", DEPTHWISE)
def test_results_are_never_closer_than_the_requantizers_can_follow(case: tuple, chain: int) -> None:
    """Cycles between two emitting pixels, gaps counted, are at least the chain's length."""
    target = Target(lanes=8, columns=8, requantizers=8 // chain, scratchpad_bytes=1 << 20)
    for ones in (False, True):
        layer, _, _ = depthwise_layer(case, ones=ones)
        nest = depthwise(layer, target, "ifm", target.padded(case[0][2]), "ofm").nest
        counts = [loop.count for loop in nest.loops]
        pixel = counts[0] * counts[1] * counts[2] + nest.gap
        emits = [n for n in range(counts[3]) if n >= nest.skip and (n - nest.skip) % nest.stride == 0]
        rows = [n + counts[3] * row for row in range(2) for n in emits]
        assert all((after - before) * pixel >= chain for before, after in pairwise(rows))


def test_bounds_are_reached() -> None:
    weights = np.array([[1, -2, 127], [-128, -128, 0], [0, 0, 0]], np.int8)
    low, high = bounds(weights)
    assert low.tolist() == [-128 - 254 - 128 * 127, -2 * 128 * 127, 0]
    assert high.tolist() == [127 + 256 + 127 * 127, 2 * 128 * 128, 0]
