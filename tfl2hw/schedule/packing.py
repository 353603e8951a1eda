"""Inputs that the host writes packed: a kernel's row is then one run of bytes, whatever the channels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod

from tfl2hw.ir.primitives import Convolution, MapShape, Network, Reshape, reads

from .convolution import convolution
from .layout import Layout
from .matrix import Maps
from .shape import Target


@dataclass(frozen=True, kw_only=True)
class PackedInput:
    """An input, with its reshapes, in one buffer. ``tensors`` are all of them, the input first."""

    tensors: tuple[int, ...]
    layout: Layout


@dataclass(frozen=True, kw_only=True)
class _Users:
    """An input and what becomes of it: its reshapes, and the convolutions that read any of them."""

    tensors: tuple[int, ...]
    reshapes: tuple[Reshape, ...]
    readers: tuple[Convolution, ...]


def packed_inputs(network: Network, target: Target) -> tuple[PackedInput, ...]:
    """Those inputs of ``network`` whose readers take fewer cycles if they are packed."""
    if not target.unaligned:
        return ()
    found = []
    for tensor in network.inputs:
        users = _users(network, tensor)
        layout = None if users is None else _layout(network, users)
        if users is not None and layout is not None and _gains(users, layout, target):
            found.append(PackedInput(tensors=users.tensors, layout=layout))
    return tuple(found)


def _users(network: Network, tensor: int) -> _Users | None:
    """None where anything but convolutions with dense rows reads the input, or nothing does."""
    tensors, reshapes, readers = [tensor], [], []
    for primitive in network.primitives:
        if not set(reads(primitive)) & set(tensors):
            continue
        if isinstance(primitive, Reshape):
            tensors.append(primitive.output)
            reshapes.append(primitive)
        elif isinstance(primitive, Convolution) and primitive.groups == 1 and primitive.dilation[1] == 1:
            readers.append(primitive)
        else:
            return None
    if not readers or set(tensors) & set(network.outputs):
        return None
    return _Users(tensors=tuple(tensors), reshapes=tuple(reshapes), readers=tuple(readers))


def _layout(network: Network, users: _Users) -> Layout | None:
    """The packed layout that serves all readers; None where they see the bytes as different maps."""
    shapes = {network.shapes[reader.input] for reader in users.readers}
    fills = {reader.pad_value for reader in users.readers}
    if len(shapes) > 1 or len(fills) > 1:
        return None
    ((height, width, channels),) = shapes
    if any(reader.input_shape[1:] != (width, channels) for reader in users.readers):
        return None
    sides = [_sides(reader) for reader in users.readers]
    left, right = (max(0, *(side[n] for side in sides)) for n in (0, 1))
    return Layout(
        shape=(height, width, channels),
        pixel=channels,
        row=(left + width + right) * channels,
        left=left * channels,
        fill=fills.pop(),
    )


def _sides(conv: Convolution) -> tuple[int, int]:
    """Pixels that the windows reach beyond a row's first and its last pixel."""
    reach = (conv.output_shape[1] - 1) * conv.stride[1] + conv.weights.shape[2]
    return conv.padding[1], reach - conv.padding[1] - conv.input_shape[1]


def _gains(users: _Users, layout: Layout, target: Target) -> bool:
    """Whether the readers, and the copies that the reshapes would be, take fewer cycles packed."""
    channels = layout.shape[2]
    if channels % target.lanes == 0:
        return False
    plain = _maps(target.padded(channels), None, 0)
    before = _cycles(users.readers, target, [plain] * len(users.readers))
    rows = [by_rows(reader, layout, plain) for reader in users.readers]
    after = _cycles([reader for reader, _ in rows], target, [maps for _, maps in rows])
    copied = any(each.input_shape[2] != each.output_shape[2] for each in users.reshapes)
    return after < before + copied * prod(layout.shape)


def _maps(pixel: int, row: int | None, start: int) -> Maps:
    shape: MapShape = (1, 1, 1)
    return Maps(
        source="", source_pixel=pixel, source_row=row, source_start=start,
        target="", target_pixel=pixel, target_shape=shape,
    )  # fmt: skip


def _cycles(readers: Sequence[Convolution], target: Target, maps: Sequence[Maps]) -> int:
    return sum(
        job.nest.tokens
        for reader, each in zip(readers, maps, strict=True)
        for job in convolution(reader, target, each, "im2col")
    )


def by_rows(conv: Convolution, layout: Layout, maps: Maps) -> tuple[Convolution, Maps]:
    """``conv`` on a packed map as one whose kernel has a single column: the row's pixels are its channels.

    The columns beyond the map's sides are in memory, so no column of windows is outside.
    """
    filters, kernel_height, kernel_width, channels = conv.weights.shape
    (top, left), (_, across), columns = conv.padding, conv.stride, conv.output_shape[1]
    rows = replace(
        conv,
        input_shape=(conv.input_shape[0], (columns - 1) * across + 1, kernel_width * channels),
        weights=conv.weights.reshape(filters, kernel_height, 1, kernel_width * channels),
        dilation=(conv.dilation[0], 1),
        padding=(top, 0),
    )
    start = layout.left - left * layout.pixel
    return rows, replace(maps, source_pixel=layout.pixel, source_row=layout.row, source_start=start)
