"""Inputs that the host writes packed, or in strips: a kernel's row, or all of it, is one run of bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod

from tfl2hw.ir.primitives import Convolution, MapShape, Network, Reshape, reads

from .convolution import convolution
from .layout import Layout
from .matrix import Maps
from .shape import Target
from .strips import by_strips, strip_layout


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
    """Those inputs of ``network`` whose readers take fewer cycles if they are packed, or in strips."""
    if not target.unaligned:
        return ()
    found = []
    for tensor in network.inputs:
        users = _users(network, tensor)
        packed = None if users is None else _layout(network, users)
        if users is None or packed is None or packed.shape[2] % target.lanes == 0:
            continue
        layouts = [packed]
        strips = strip_layout(users.readers, packed) if target.strips else None
        if strips is not None:
            layouts.append(strips)
        best = min(layouts, key=lambda each: _cycles_with(users, each, target))  # the first one of equals
        if _cycles_with(users, best, target) < _cycles_without(users, packed, target):
            found.append(PackedInput(tensors=users.tensors, layout=best))
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


def _cycles_without(users: _Users, layout: Layout, target: Target) -> int:
    """Cycles of the readers, and of the copies that the reshapes are where the map is not packed."""
    plain = _maps(target.padded(layout.shape[2]), None, 0)
    copied = any(each.input_shape[2] != each.output_shape[2] for each in users.reshapes)
    return _cycles(users.readers, target, [plain] * len(users.readers)) + copied * prod(layout.shape)


def _cycles_with(users: _Users, layout: Layout, target: Target) -> int:
    """Cycles of the readers of a packed map, or of one in strips."""
    plain = _maps(target.padded(layout.shape[2]), None, 0)
    rows = [rearranged(reader, layout, plain) for reader in users.readers]
    return _cycles([reader for reader, _ in rows], target, [maps for _, maps in rows])


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


def rearranged(conv: Convolution, layout: Layout, maps: Maps) -> tuple[Convolution, Maps]:
    """``conv`` as the one that it is on a map which stands packed, or in strips."""
    return by_rows(conv, layout, maps) if layout.strips is None else by_strips(conv, layout, maps)


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
