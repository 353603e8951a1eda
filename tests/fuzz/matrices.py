"""Rows of the table: operators with weights, and pools."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import prod

import numpy as np

from tests.fuzz.maker import CannotPlaceError, Maker, Shape
from tests.ops.agree import SAME, VALID
from tfl2hw.ops.shapes import window

Pair = tuple[int, int]
MOST_MACS = 400_000


def kernel_of(model: Maker, size: Pair) -> tuple[Pair, Pair, Pair, int]:
    """Kernel, stride, dilation and padding for a map of ``size``, with one output cell at least."""
    for _ in range(20):
        side = model.pick([1, 3, 3, model.whole(1, 5)])
        kernel = (side, side) if model.chance(0.6) else (model.whole(1, 5), model.whole(1, 5))
        step = model.pick([1, 1, 2, model.whole(1, 4)])
        stride = (step, step) if model.chance(0.7) else (model.whole(1, 3), model.whole(1, 3))
        dilation = (1, 1) if model.chance(0.75) else (model.whole(1, 3), model.whole(1, 3))
        padding = model.pick([SAME, VALID])
        if min(_output(size, kernel, stride, dilation, padding)) >= 1:
            return kernel, stride, dilation, padding
    raise CannotPlaceError


def _output(size: Pair, kernel: Pair, stride: Pair, dilation: Pair, padding: int) -> Pair:
    return window(size, kernel, stride, dilation, "SAME" if padding == SAME else "VALID").output


def weights(model: Maker, shape: Shape, axis: int) -> int:
    """Weights with one scale, or one a channel."""
    if model.chance(0.3):
        scales = [model.scale(0.002, 0.05)]
    else:
        base = model.scale(0.002, 0.05)
        scales = [model.near(base) if model.chance(0.5) else base for _ in range(shape[axis])]
    return model.tensor(shape, scale=scales, axis=axis, data=model.values(shape))


def biased(model: Maker, ifm: int, kernel: int, filters: int, *, needed: bool) -> list[int]:
    """The inputs of an operator with weights."""
    if not needed and model.chance(0.15):
        return [ifm, kernel]
    bias = model.bias(ifm, kernel, filters)
    reach = model.pick([None, None, None, 0, 300, 1 << 24])
    if reach is not None:
        values = model.random.integers(-reach, reach + 1, filters).astype(np.int32)
        model.tensors[bias] = replace(model.tensors[bias], data=values.tobytes())
    return [ifm, kernel, bias]


def summed_scale(model: Maker, ifm: int, kernel: int, taps: int) -> float:
    """A scale for sums of ``taps`` products."""
    scale = model.output_scale(ifm, kernel, taps)
    return model.near(scale) if model.chance(0.15) else scale


def conv_2d(model: Maker) -> None:
    """Perhaps of several images and in groups."""
    ifm = model.source((4,))
    batch, height, width, depth = model.shape(ifm)
    kernel, stride, dilation, padding = kernel_of(model, (height, width))
    rows, columns = _output((height, width), kernel, stride, dilation, padding)
    divisors = [n for n in range(1, depth + 1) if depth % n == 0]
    groups = model.pick(divisors) if model.chance(0.2) else 1
    filters = max(1, model.channels() // groups) * groups
    cost = batch * rows * columns * prod(kernel) * depth
    while filters > groups and filters * cost // groups > MOST_MACS:
        filters = max(1, filters // groups // 2) * groups
    filter_tensor = weights(model, (filters, *kernel, depth // groups), 0)
    model.compute(
        "CONV_2D",
        biased(model, ifm, filter_tensor, filters, needed="litert-ref" in model.numerics),
        (batch, rows, columns, filters),
        scale=summed_scale(model, ifm, filter_tensor, prod(kernel) * depth // groups),
        **_window_options(stride, dilation, padding),
        **model.fused(),
    )


def depthwise_conv_2d(model: Maker) -> None:
    """Perhaps of several images, with several filters a channel."""
    ifm = model.source((4,))
    batch, height, width, depth = model.shape(ifm)
    kernel, stride, dilation, padding = kernel_of(model, (height, width))
    rows, columns = _output((height, width), kernel, stride, dilation, padding)
    multiplier = model.whole(1, 8 if depth == 1 else 3) if depth == 1 or model.chance(0.2) else 1
    filters = depth * multiplier
    filter_tensor = weights(model, (1, *kernel, filters), 3)
    model.compute(
        "DEPTHWISE_CONV_2D",
        biased(model, ifm, filter_tensor, filters, needed=False),
        (batch, rows, columns, filters),
        scale=summed_scale(model, ifm, filter_tensor, prod(kernel)),
        DepthMultiplier=multiplier,
        **_window_options(stride, dilation, padding),
        **model.fused(),
    )


def _window_options(stride: Pair, dilation: Pair, padding: int) -> dict[str, int]:
    return {
        "Padding": padding,
        "StrideH": stride[0],
        "StrideW": stride[1],
        "DilationHFactor": dilation[0],
        "DilationWFactor": dilation[1],
    }


def transpose_conv(model: Maker) -> None:
    """The usual output size, or one row or column more or less."""
    ifm = model.source((4,), lambda shape: prod(shape) <= 600)
    batch, height, width, depth = model.shape(ifm)
    kernel = (model.whole(1, 5), model.whole(1, 5))
    stride = (model.whole(1, 3), model.whole(1, 3))
    padding = model.pick([SAME, VALID])
    more = [0, 0] if padding == SAME else [max(k - s, 0) for k, s in zip(kernel, stride, strict=True)]
    size = [n * s + m for n, s, m in zip((height, width), stride, more, strict=True)]
    if padding == SAME and model.chance(0.3):
        size = [n - model.whole(0, s - 1) for n, s in zip(size, stride, strict=True)]
    filters = model.pick([1, model.whole(1, 6), model.whole(1, 18)])
    filter_tensor = weights(model, (filters, *kernel, depth), 0)
    made = (batch, *size, filters)
    known = biased(model, ifm, filter_tensor, filters, needed=False)
    taps = depth * max(prod(kernel) // prod(stride), 1)
    model.compute(
        "TRANSPOSE_CONV",
        [model.numbers(made), filter_tensor, ifm, *known[2:]],
        made,
        scale=summed_scale(model, ifm, filter_tensor, taps),
        Padding=padding,
        StrideH=stride[0],
        StrideW=stride[1],
        **model.fused(),
    )


def fully_connected(model: Maker) -> None:
    ifm = model.source((2, 3, 4), lambda shape: prod(shape) <= 4000)
    shape = model.shape(ifm)
    keep = model.chance(0.4)
    depth = shape[-1] if keep or model.chance(0.5) else prod(shape)
    rows = prod(shape) // depth
    filters = model.pick([1, model.whole(1, 12), model.whole(1, 70)])
    while filters > 1 and filters * prod(shape) > MOST_MACS // 4:
        filters //= 2
    filter_tensor = weights(model, (filters, depth), 0)
    model.compute(
        "FULLY_CONNECTED",
        biased(model, ifm, filter_tensor, filters, needed=False),
        (*shape[:-1], filters) if keep else (rows, filters),
        scale=summed_scale(model, ifm, filter_tensor, depth),
        KeepNumDims=keep,
        **model.fused(),
    )


def pool(name: str) -> Callable[[Maker], None]:
    def place(model: Maker) -> None:
        ifm = model.source((4,))
        batch, height, width, depth = model.shape(ifm)
        if model.chance(0.3) and height * width < 256:
            kernel, stride, padding = (height, width), (1, 1), VALID
        else:
            padding = model.pick([SAME, VALID])
            most = 5 if padding == SAME else min(4, height, width)
            kernel = (model.whole(1, most), model.whole(1, most))
            stride = (model.whole(1, 3), model.whole(1, 3))
        rows, columns = _output((height, width), kernel, stride, (1, 1), padding)
        model.apply(
            name,
            [ifm],
            (batch, rows, columns, depth),
            Padding=padding,
            FilterHeight=kernel[0],
            FilterWidth=kernel[1],
            StrideH=stride[0],
            StrideW=stride[1],
            **model.fused(),
        )

    return place


def reduction(name: str) -> Callable[[Maker], None]:
    """Any axes; MEAN and SUM to a scale of their own, or the same."""

    def place(model: Maker) -> None:
        ifm = model.source((2, 3, 4, 5))
        shape = model.shape(ifm)
        axes = sorted({model.whole(0, len(shape) - 1) for _ in range(model.pick([1, 2, 2, 3]))})
        if model.chance(0.3) and len(shape) == 4:
            axes = [1, 2]
        keep = model.chance(0.5)
        made = tuple(
            1 if axis in axes else size for axis, size in enumerate(shape) if keep or axis not in axes
        )
        given = model.numbers([axis - len(shape) if model.chance(0.2) else axis for axis in axes])
        if name in ("REDUCE_MAX", "REDUCE_MIN") or model.chance(0.2):
            model.apply(name, [ifm, given], made, KeepDims=keep)
            return
        count = prod(shape[axis] for axis in axes)
        gain = 1 / np.sqrt(count) if name == "MEAN" else np.sqrt(count)
        scale = model.near(float(model.same(ifm)["scale"] * gain))
        model.compute(name, [ifm, given], made, scale=scale, KeepDims=keep)

    return place


def batch_matmul(model: Maker) -> None:
    """Two activations, or one and a constant; each perhaps transposed."""
    first = model.source((2, 3, 4), lambda shape: prod(shape) <= 1500)
    *leading, rows, depth = model.shape(first)
    turned, other_turned = model.chance(0.3), model.chance(0.5)
    if turned:
        rows, depth = depth, rows
    columns = model.whole(1, 12)
    ahead = [size if model.chance(0.6) else 1 for size in leading]
    if ahead:
        ahead[0] = leading[0]
    constant = model.chance(0.4)
    if constant and model.chance(0.5):
        ahead = []
    shape = (*ahead, columns, depth) if other_turned else (*ahead, depth, columns)
    if constant:
        zero = 0 if model.chance(0.7) else model.zero()
        second = model.constant(shape, scale=model.scale(0.002, 0.05), zero_point=zero)
    else:
        second = model.partner(shape)
    if not leading and ahead:
        raise CannotPlaceError
    model.compute(
        "BATCH_MATMUL",
        [first, second],
        (*leading, rows, columns),
        scale=summed_scale(model, first, second, depth),
        AdjX=turned,
        AdjY=other_turned,
    )
