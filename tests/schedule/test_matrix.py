"""Convolutions and channelwise layers, walked, against their definition; what is chosen where."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise, product

import numpy as np
import pytest

from tests.schedule.walker import TARGETS, agree, alone, named, target_of
from tfl2hw.ir.primitives import Convolution, Depthwise, MapShape, Region
from tfl2hw.ops.rescale import FixedPointRescale, IdentityRescale, fixed_point
from tfl2hw.schedule.channelwise import depthwise
from tfl2hw.schedule.jobs import matrices
from tfl2hw.schedule.matrix import Maps, Matrix, Move, bounds
from tfl2hw.schedule.schedule import Schedule
from tfl2hw.schedule.shape import Target

Pair = tuple[int, int]


def out_size(size: int, kernel: int, stride: int, dilation: int, before: int, after: int) -> int:
    return (size + before + after - (kernel - 1) * dilation - 1) // stride + 1


def spread(generator: np.random.Generator, weights: np.ndarray) -> FixedPointRescale:
    """A scale a channel (first axis) that makes bytes of all sizes of random sums."""
    norm = np.sqrt((weights.reshape(len(weights), -1).astype(float) ** 2).sum(axis=1)) + 1
    reals = generator.uniform(0.6, 1.2, len(weights)) / norm
    return fixed_point(reals, "double", int(generator.integers(-20, 20)), (-120, 127))


def convolution(case: tuple, groups: int = 1, seed: int = 1) -> tuple[Convolution, dict[int, MapShape]]:
    shape, filters, kernel, stride, dilation, before, after = case
    generator = np.random.default_rng(seed)
    out = tuple(
        out_size(*each) for each in zip(shape[:2], kernel, stride, dilation, before, after, strict=True)
    )
    weights = generator.integers(-128, 128, (filters, *kernel, shape[2] // groups)).astype(np.int8)
    layer = Convolution(
        op_index=0, op="CONV_2D", input=0, output=1, input_shape=shape, output_shape=(*out, filters),
        weights=weights, bias=generator.integers(-9000, 9000, filters), stride=stride, dilation=dilation,
        padding=before, pad_value=-7, rescale=spread(generator, weights), groups=groups,
    )  # fmt: skip
    return layer, {0: shape, 1: (*out, filters)}


CASES = [
    # input (height, width, channels), filters, kernel, stride, dilation, padding before, after
    ((5, 6, 8), 8, (1, 1), (1, 1), (1, 1), (0, 0), (0, 0)),
    ((5, 6, 3), 5, (3, 3), (1, 1), (1, 1), (1, 1), (1, 1)),
    ((7, 5, 11), 9, (3, 2), (2, 1), (1, 1), (0, 1), (1, 0)),
    ((6, 7, 1), 4, (4, 3), (2, 2), (1, 1), (1, 1), (2, 1)),
    ((7, 7, 5), 6, (3, 3), (1, 1), (2, 2), (2, 2), (2, 2)),
    ((1, 1, 37), 13, (1, 1), (1, 1), (1, 1), (0, 0), (0, 0)),
    ((6, 6, 1), 70, (3, 3), (1, 1), (1, 1), (1, 1), (1, 1)),  # im2col pays
]  # fmt: skip


@pytest.mark.parametrize("target", TARGETS, ids=named)
@pytest.mark.parametrize("case", CASES)
def test_convolution(case: tuple, target: Target) -> None:
    layer, shapes = convolution(case)
    agree(alone(layer, shapes=shapes), target)


def test_im2col_where_it_takes_fewer_cycles() -> None:
    """Nine taps of one channel: nine words of a pixel, or two words packed once for all filters."""
    layer, shapes = convolution(CASES[-1])
    jobs = agree(alone(layer, shapes=shapes), target_of()).layers[0].jobs
    assert [type(job) for job in jobs] == [Move, Matrix]
    assert jobs[1].weights.shape == (9, 8, 2, 8)
    few = replace(layer, weights=layer.weights[:8], bias=layer.bias[:8], rescale=IdentityRescale())
    few = replace(few, output_shape=(6, 6, 8))
    jobs = agree(alone(few, shapes={0: (6, 6, 1), 1: (6, 6, 8)}), target_of()).layers[0].jobs
    assert [type(job) for job in jobs] == [Matrix]


GROUPED = [
    # input, filters, groups, kernel
    ((4, 5, 16), 16, 2, (1, 1)),
    ((5, 4, 24), 12, 3, (3, 3)),
    ((4, 4, 12), 9, 3, (2, 2)),
    ((5, 5, 40), 40, 5, (1, 1)),
    ((3, 4, 6), 6, 6, (3, 2)),
    ((3, 3, 21), 35, 7, (1, 1)),
]


@pytest.mark.parametrize("target", TARGETS, ids=named)
@pytest.mark.parametrize(("shape", "filters", "groups", "kernel"), GROUPED)
def test_groups(shape: MapShape, filters: int, groups: int, kernel: Pair, target: Target) -> None:
    layer, shapes = convolution((shape, filters, kernel, (1, 1), (1, 1), (1, 0), (0, 1)), groups)
    agree(alone(layer, shapes=shapes), target)


def test_a_group_of_filters_reads_its_own_words_alone() -> None:
    """Five groups of 8 channels on 8 lanes: one job whose groups of K filters move on by a word each."""
    layer, shapes = convolution(((5, 5, 40), 40, (1, 1), (1, 1), (1, 1), (0, 0), (0, 0)), 5)
    (job,) = agree(alone(layer, shapes=shapes), target_of()).layers[0].jobs
    assert job.weights.shape == (5, 8, 1, 8)
    assert (job.nest.loops[0].count, job.nest.loops[5].step) == (1, 8)


def parts(layer: Convolution | Depthwise) -> list[Convolution | Depthwise]:
    """Four copies of a layer whose results go to the four corners of each 2 x 2 cell."""
    return [
        replace(layer, region=Region(row=y, column=x, row_step=2, column_step=2))
        for y, x in product((0, 1), (0, 1))
    ]


@pytest.mark.parametrize("target", TARGETS, ids=named)
@pytest.mark.parametrize("channelwise", [False, True])
def test_regions(channelwise: bool, target: Target) -> None:
    """Interleaved parts of one map, as a transposed convolution makes them."""
    if channelwise:
        layer, shapes = channel_layer(((4, 5, 9), (3, 3), (1, 1), (1, 1), (1, 1), (1, 1)))
    else:
        layer, shapes = convolution(((4, 5, 9), 9, (2, 2), (1, 1), (1, 1), (0, 1), (1, 0)))
    whole = (8, 10, 9)
    agree(alone(*parts(layer), shapes={0: shapes[0], 1: whole}), target)


@pytest.mark.parametrize("target", TARGETS, ids=named)
@pytest.mark.parametrize("channelwise", [False, True])
@pytest.mark.parametrize("kernel", [(1, 1), (3, 3)])
def test_maps_of_a_batch(channelwise: bool, kernel: Pair, target: Target) -> None:
    """Three maps below each other: padding does not see the neighbour's rows."""
    pad = (kernel[0] // 2, kernel[1] // 2)
    if channelwise:
        layer, _ = channel_layer(((4, 5, 6), kernel, (1, 1), (1, 1), pad, pad))
    else:
        layer, _ = convolution(((4, 5, 6), 7, kernel, (1, 1), (1, 1), pad, pad))
    single = layer.output_shape
    maps = [replace(layer, input_row=4 * n, region=Region(row=single[0] * n)) for n in range(3)]
    agree(alone(*maps, shapes={0: (12, 5, 6), 1: (3 * single[0], *single[1:])}), target)


def test_a_first_window_inside() -> None:
    """Padding below 0 skips rows and columns."""
    layer, shapes = convolution(((7, 8, 5), 6, (2, 2), (1, 1), (1, 1), (-2, -3), (0, 0)))
    agree(alone(layer, shapes=shapes), target_of())


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


def channel_layer(
    case: tuple, *, ones: bool = False, widest: int = 128
) -> tuple[Depthwise, dict[int, MapShape]]:
    shape, kernel, stride, dilation, before, after = case
    generator = np.random.default_rng(5)
    out = tuple(
        out_size(*each) for each in zip(shape[:2], kernel, stride, dilation, before, after, strict=True)
    )
    weights = generator.integers(-widest, widest, (*kernel, shape[2]))
    weights = np.ones_like(weights) if ones else weights
    layer = Depthwise(
        op_index=0, op="DEPTHWISE_CONV_2D", input=0, output=1, input_shape=shape,
        output_shape=(*out, shape[2]), weights=weights.astype(np.int8) if widest == 128 else weights,
        bias=generator.integers(-99, 99, shape[2]), stride=stride, dilation=dilation, padding=before,
        pad_value=11, rescale=spread(generator, np.moveaxis(weights, 2, 0)),
    )  # fmt: skip
    return layer, {0: shape, 1: (*out, shape[2])}


def only_job(planned: Schedule) -> Matrix:
    (job,) = matrices(planned.layers)
    return job


@pytest.mark.parametrize("target", TARGETS, ids=named)
@pytest.mark.parametrize("case", DEPTHWISE)
@pytest.mark.parametrize("ones", [False, True])
def test_depthwise(case: tuple, target: Target, ones: bool) -> None:
    """Window or taps, whichever is chosen; with weights of one (a pool) one word serves all taps."""
    layer, shapes = channel_layer(case, ones=ones)
    job = only_job(agree(alone(layer, shapes=shapes), target))
    assert job.pick
    assert job.nest.skip == job.window - 1
    assert job.hold == (job.weights.shape[2] == 1)
    if ones and job.window == 1 and not job.pair:
        assert job.hold


@pytest.mark.parametrize("target", TARGETS, ids=named)
@pytest.mark.parametrize("case", DEPTHWISE)
@pytest.mark.parametrize("reduction", ["maximum", "minimum"])
def test_extremes(case: tuple, reduction: str, target: Target) -> None:
    layer, shapes = channel_layer(case, ones=True)
    pad = -128 if reduction == "maximum" else 127
    layer = replace(
        layer, reduction=reduction, bias=np.zeros_like(layer.bias), rescale=IdentityRescale(low=-100),
        pad_value=pad,
    )  # fmt: skip
    job = only_job(agree(alone(layer, shapes=shapes), target))
    assert (job.hold, job.reduction) == (True, reduction)


@pytest.mark.parametrize("target", TARGETS, ids=named)
@pytest.mark.parametrize(("widest", "digits"), [(5000, 2), (1 << 19, 3), ((1 << 22) - 1, 4)])
def test_wide_weights(widest: int, digits: int, target: Target) -> None:
    """A digit of 7 bits at a time, the highest (8 bits) first, over the taps of strided windows."""
    case = ((7, 8, 10), (2, 2), (2, 3), (1, 1), (0, -1), (0, 0))
    layer, shapes = channel_layer(case, widest=widest)
    job = only_job(agree(alone(layer, shapes=shapes), target))
    assert job.digits
    assert job.weights.shape[2] == 4 * digits


def single(layer: Depthwise, target: Target) -> Matrix:
    maps = Maps(
        source="ifm",
        source_pixel=target.padded(layer.input_shape[2]),
        target="ofm",
        target_pixel=target.padded(layer.output_shape[2]),
        target_shape=layer.output_shape,
    )
    return depthwise(layer, target, maps)


def test_the_window_is_chosen_where_it_is_cheaper() -> None:
    layer, _ = channel_layer(DEPTHWISE[0])
    window, taps = (single(layer, target_of(window=most, pair=False)) for most in (3, 1))
    assert (window.weights.shape[2], taps.weights.shape[2]) == (3, 9)
    assert window.nest.tokens < taps.nest.tokens


@pytest.mark.parametrize("chain", [1, 2, 4, 8])
@pytest.mark.parametrize("case", DEPTHWISE)
def test_results_are_never_closer_than_the_requantizers_can_follow(case: tuple, chain: int) -> None:
    """Cycles between two emitting pixels, gaps counted, are at least the chain's length."""
    target = target_of(requantizers=8 // chain)
    for ones in (False, True):
        job = single(channel_layer(case, ones=ones)[0], target)
        nest, parts = job.nest, (1 + job.pair) * (1 + job.twin)
        counts = [loop.count for loop in nest.loops]
        pixel = counts[0] * counts[1] * counts[2] + nest.gap
        emits = [n for n in range(counts[3]) if n >= nest.skip and (n - nest.skip) % nest.stride == 0]
        rows = [n + counts[3] * row for row in range(2) for n in emits]
        assert all((after - before) * pixel >= parts * chain for before, after in pairwise(rows))


def test_bounds_are_reached() -> None:
    weights = np.array([[1, -2, 127], [-128, -128, 0], [0, 0, 0]], np.int8)
    low, high = bounds(weights)
    assert low.tolist() == [-128 - 254 - 128 * 127, -2 * 128 * 127, 0]
    assert high.tolist() == [127 + 256 + 127 * 127, 2 * 128 * 128, 0]
