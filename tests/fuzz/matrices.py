"""Rows of the table: operators with weights, and pools."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from tests.fuzz.maker import CannotPlaceError, Maker, Shape
from tests.ops.agree import SAME, VALID
from tfl2hw.ops.shapes import window

Pair = tuple[int, int]
MOST_MACS = 400_000


def image(shape: Shape) -> bool:
    return shape[0] == 1


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
    if model.chance(0.2):
        values = np.zeros(filters, np.int32)
        model.tensors[bias] = _with_data(model.tensors[bias], values.tobytes())
    return [ifm, kernel, bias]


def _with_data(tensor: Any, data: bytes) -> Any:
    return type(tensor)(**{**vars(tensor), "data": data})


def summed_scale(model: Maker, ifm: int, kernel: int, taps: int) -> float:
    """A scale for sums of ``taps`` products."""
    scale = model.output_scale(ifm, kernel, taps)
    return model.near(scale) if model.chance(0.15) else scale


def conv_2d(model: Maker) -> None:
    ifm = model.source((4,), image)
    _, height, width, depth = model.shape(ifm)
    kernel, stride, dilation, padding = kernel_of(model, (height, width))
    rows, columns = _output((height, width), kernel, stride, dilation, padding)
    filters = model.channels()
    while filters > 1 and filters * depth * prod(kernel) * rows * columns > MOST_MACS:
        filters //= 2
    filter_tensor = weights(model, (filters, *kernel, depth), 0)
    model.compute(
        "CONV_2D",
        biased(model, ifm, filter_tensor, filters, needed="litert-ref" in model.numerics),
        (1, rows, columns, filters),
        scale=summed_scale(model, ifm, filter_tensor, prod(kernel) * depth),
        **_window_options(stride, dilation, padding),
        **model.fused(),
    )


def depthwise_conv_2d(model: Maker) -> None:
    ifm = model.source((4,), image)
    _, height, width, depth = model.shape(ifm)
    kernel, stride, dilation, padding = kernel_of(model, (height, width))
    rows, columns = _output((height, width), kernel, stride, dilation, padding)
    multiplier = model.whole(1, 8) if depth == 1 else 1
    filters = depth * multiplier
    filter_tensor = weights(model, (1, *kernel, filters), 3)
    model.compute(
        "DEPTHWISE_CONV_2D",
        biased(model, ifm, filter_tensor, filters, needed=False),
        (1, rows, columns, filters),
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


def average_pool_2d(model: Maker) -> None:
    ifm = model.source((4,), image)
    _, height, width, depth = model.shape(ifm)
    if model.chance(0.3) and height * width < 256:
        kernel, stride = (height, width), (1, 1)
    else:
        kernel = (model.whole(1, min(4, height)), model.whole(1, min(4, width)))
        stride = (model.whole(1, 3), model.whole(1, 3))
    rows, columns = _output((height, width), kernel, stride, (1, 1), VALID)
    model.apply(
        "AVERAGE_POOL_2D",
        [ifm],
        (1, rows, columns, depth),
        Padding=VALID,
        FilterHeight=kernel[0],
        FilterWidth=kernel[1],
        StrideH=stride[0],
        StrideW=stride[1],
        **model.fused(),
    )
