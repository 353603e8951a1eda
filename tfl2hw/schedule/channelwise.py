"""Depthwise convolutions, pools and per-channel scaling on the systolic array: a column a channel."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tfl2hw.ir.primitives import Depthwise, Int8
from tfl2hw.rtl_templates.isa import DIGIT_BITS

from .matrix import Maps, Matrix, bounds, channel_words, map_output
from .nest import Loop, Nest
from .shape import Target
from .windows import by_window


def depthwise(layer: Depthwise, target: Target, maps: Maps) -> Matrix:
    """The cheapest form (see ``windows``), or a digit at a time where weights are wider than a byte."""
    digits = _digits(layer.weights)
    if len(digits) > 1:
        return _by_digits(layer, target, maps, digits)
    return by_window(layer, target, maps)


def _digits(weights: npt.NDArray[np.int8] | npt.NDArray[np.int64]) -> list[Int8]:
    """``weights`` as digits of DIGIT_BITS, highest first; all but that are in -64..63."""
    rest, base = weights.astype(np.int64), 1 << DIGIT_BITS
    digits: list[Int8] = []
    while rest.min() < -128 or rest.max() > 127:
        digit = (rest + base // 2) % base - base // 2
        digits.append(digit.astype(np.int8))
        rest = (rest - digit) >> DIGIT_BITS
    return [*reversed([*digits, rest.astype(np.int8)])]


def _by_digits(layer: Depthwise, target: Target, maps: Maps, digits: list[Int8]) -> Matrix:
    """Weights wider than a byte: the taps once for each digit, the accumulator moving up in between."""
    height, width, channels = layer.input_shape
    kernel_height, kernel_width, _ = layer.weights.shape
    (sy, sx), (dy, dx) = layer.stride, layer.dilation
    row_bytes, taps = width * maps.source_pixel, kernel_height * kernel_width
    first = tuple(-cells for cells in layer.padding)
    last = [first[n] + (layer.output_shape[n] - 1) * layer.stride[n]
            + (layer.weights.shape[n] - 1) * layer.dilation[n] for n in (0, 1)]  # fmt: skip
    assert min(first) >= 0, "wide weights do not go with padding"
    assert last[0] < height, "wide weights do not go with padding"
    assert last[1] < width, "wide weights do not go with padding"
    words = np.zeros((channels, len(digits) * taps, target.lanes), np.int8)
    words[:, :, 0] = np.concatenate([digit.reshape(taps, channels) for digit in digits]).T
    return Matrix(
        nest=Nest(
            source=maps.source,
            loops=(
                Loop(kernel_width, dx * maps.source_pixel),
                Loop(kernel_height, dy * row_bytes),
                Loop(len(digits)),
                Loop(layer.output_shape[1], sx * maps.source_pixel),
                Loop(layer.output_shape[0], sy * row_bytes),
                Loop(target.groups(channels), target.columns),
            ),
            offset=(layer.input_row + first[0]) * row_bytes + first[1] * maps.source_pixel,
            gap=max(0, target.chain - len(digits) * taps),
        ),
        output=map_output(maps, layer.output_shape, layer.region, target, by_column=False),
        weights=channel_words(words, target),
        bias=layer.bias,
        accumulator=bounds(layer.weights.reshape(taps, channels).T),
        rescale=layer.rescale,
        pad_value=layer.pad_value,
        pick=True,
        digits=True,
    )
