"""Convolutions: direct, or by way of im2col."""

from __future__ import annotations

from dataclasses import replace
from math import prod

import numpy as np

from tfl2hw.ir.primitives import Convolution

from .matrix import Maps, Matrix, Move, WordCopy, direct
from .nest import Loop, Nest, Output
from .shape import Target


def convolution(
    conv: Convolution, target: Target, maps: Maps, buffer: str
) -> tuple[Move | WordCopy | Matrix, ...]:
    """The jobs of a convolution: direct, or through im2col into ``buffer`` where that takes fewer cycles."""
    plain = direct(conv, target, maps)
    if conv.groups > 1 or prod(conv.weights.shape[1:3]) == 1:
        return plain
    parts = range(target.lanes.bit_length() - 1) if target.unaligned else (0,)
    cycles, part = min((_unfolded_cycles(conv, target, 1 << each), 1 << each) for each in parts)
    if cycles >= sum(job.nest.tokens for job in plain):
        return plain
    move, packed = _unfolded(conv, target, maps, buffer, part)
    return (move, *packed)


def _unfolded_cycles(conv: Convolution, target: Target, part: int) -> int:
    """Tokens through im2col whose taps are copied ``part`` bytes at a time."""
    filters, kernel_height, kernel_width, channels = (int(each) for each in conv.weights.shape)
    copied = kernel_height * kernel_width * -(-channels // part)
    groups, words = target.groups(filters), target.words(copied * part)
    height, width, _ = conv.output_shape
    return height * width * (copied + groups * max(target.chain, words))


def _unfolded(
    conv: Convolution, target: Target, maps: Maps, buffer: str, part: int
) -> tuple[Move | WordCopy, tuple[Matrix, ...]]:
    """im2col: each pixel's whole window is laid out in words, the array sees a 1x1 kernel.

    A tap takes a multiple of ``part`` bytes, which are copied at a time; what is behind its channels has no
    weight.
    """
    height, width, channels = conv.input_shape
    filters, kernel_height, kernel_width, _ = conv.weights.shape
    out_height, out_width, _ = conv.output_shape
    row_bytes, tap = maps.row_bytes(width), -(-channels // part) * part
    (sy, sx), (dy, dx), (top, left) = conv.stride, conv.dilation, conv.padding
    taps = kernel_height * kernel_width * tap
    nest = Nest(
        source=maps.source,
        loops=(
            Loop(tap // part, part),
            Loop(kernel_width, dx * maps.source_pixel, 0, dx),
            Loop(kernel_height, dy * row_bytes, dy, 0),
            Loop(out_width, sx * maps.source_pixel, 0, sx),
            Loop(out_height, sy * row_bytes, sy, 0),
            Loop(),
        ),
        offset=maps.source_start + (conv.input_row - top) * row_bytes - left * maps.source_pixel,
        row=-top,
        column=-left,
        height=height,
        width=width,
    )
    output = Output(
        target=buffer,
        inner=taps // part,
        outer=out_height * out_width,
        pixel=part,
        row=target.padded(taps) - taps + part,
        group=0,
    )
    weights = np.zeros((*conv.weights.shape[:3], tap), np.int8)
    weights[..., :channels] = conv.weights
    flat = replace(
        conv,
        input_shape=(out_height, out_width, taps),
        weights=weights.reshape(filters, 1, 1, taps),
        stride=(1, 1),
        dilation=(1, 1),
        padding=(0, 0),
        input_row=0,
    )
    inner = replace(maps, source=buffer, source_pixel=target.padded(taps), source_row=None, source_start=0)
    move: Move | WordCopy = Move(nest=nest, output=output, pad_value=conv.pad_value)
    if part > 1:
        move = WordCopy(nest=nest, output=output, pad_value=conv.pad_value, part=part)
    return move, direct(flat, target, inner)
