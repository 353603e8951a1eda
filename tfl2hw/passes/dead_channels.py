"""Leaving out channels that are constants: filters of zero weights, and all that follows from them.

A channel is a constant where its filter sees nothing but constants. What reads it takes it into its bias:
exactly, borders included, as it is done only where the padding holds the same constant, or there is none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import prod
from types import MappingProxyType
from typing import TypeGuard

import numpy as np
import numpy.typing as npt

from tfl2hw.ir.primitives import Constants, Convolution, Depthwise, Network, Primitive, Reshape, reads
from tfl2hw.ops.rescale import SelectedRescale
from tfl2hw.ops.shapes import placed_window

Bool = npt.NDArray[np.bool_]
Int64 = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class _Known:
    """Which channels of a map are constants, and their values."""

    is_constant: Bool
    values: Int64


def without_dead_channels(network: Network) -> Network:
    """``network`` with maps that lack their constant channels; ``network.dropped`` says what they were."""
    known = _constants(network)
    dropped = _dropped(network, known)
    if not dropped:
        return network
    primitives = tuple(_reduced(primitive, known, dropped) for primitive in network.primitives)
    shapes = dict(network.shapes)
    kept: dict[int, Constants] = {}
    for tensor, gone in dropped.items():
        height, width, channels = shapes[tensor]
        shapes[tensor] = (height, width, channels - int(gone.sum()))
        kept[tensor] = Constants(kept=np.flatnonzero(~gone), values=known[tensor].values)
    return replace(network, primitives=primitives, shapes=shapes, dropped=MappingProxyType(kept))


def _constants(network: Network) -> dict[int, _Known]:
    """What is known of every map's channels, from the inputs on."""
    known = {
        index: _Known(is_constant=np.zeros(shape[2], np.bool_), values=np.zeros(shape[2], np.int64))
        for index, shape in network.shapes.items()
    }
    for primitive in network.primitives:
        if isinstance(primitive, Convolution | Depthwise) and _whole(primitive, network):
            known[primitive.output] = _filtered(primitive, known[primitive.input])
        elif _relabels(primitive):
            known[primitive.output] = known[primitive.input]
    return known


def _whole(primitive: Convolution | Depthwise, network: Network) -> bool:
    """Whether the primitive makes all of its output, alone, from all of its input."""
    writers = sum(each.output == primitive.output for each in network.primitives)
    read = prod(primitive.input_shape) == prod(network.shapes[primitive.input])
    grouped = isinstance(primitive, Convolution) and primitive.groups > 1
    return writers == 1 and read and not grouped


def _relabels(primitive: Primitive) -> TypeGuard[Reshape]:
    """Whether the primitive is a reshape that keeps every pixel as it is."""
    return isinstance(primitive, Reshape) and primitive.input_shape[2] == primitive.output_shape[2]


def _foldable(primitive: Convolution | Depthwise, source: _Known) -> Bool:
    """Constant channels that look the same wherever the window is."""
    kernel = (0, 1) if isinstance(primitive, Depthwise) else (1, 2)
    win = placed_window(
        primitive.input_shape[:2],
        (primitive.weights.shape[kernel[0]], primitive.weights.shape[kernel[1]]),
        primitive.stride,
        primitive.dilation,
        primitive.padding,
        primitive.output_shape[:2],
    )
    return np.asarray(
        source.is_constant
        & (~np.bool_(max(*win.before, *win.after) > 0) | (source.values == primitive.pad_value))
    )


def _filtered(primitive: Convolution | Depthwise, source: _Known) -> _Known:
    """The output channels that see constants alone."""
    constant, weights = _foldable(primitive, source), primitive.weights.astype(np.int64)
    if isinstance(primitive, Convolution):
        seen = weights.sum(axis=(1, 2)) @ np.where(constant, source.values, 0)
        dead = np.logical_not(weights[:, :, :, ~constant].any(axis=(1, 2, 3)))
    elif primitive.reduction == "sum":
        seen = weights.sum(axis=(0, 1)) * np.where(constant, source.values, 0)
        dead = np.logical_or(constant, ~weights.any(axis=(0, 1)))
    else:
        seen, dead = np.where(constant, source.values, 0), constant
    values = primitive.rescale(primitive.bias + seen, np.arange(len(primitive.bias)))
    return _Known(is_constant=np.asarray(dead, np.bool_), values=np.where(dead, values, 0))


def _dropped(network: Network, known: Mapping[int, _Known]) -> dict[int, Bool]:
    """The channels to leave out of each map; maps of which nothing can be left out are not listed.

    What reads a map must be able to do without the channel: a convolution always; what works channel by
    channel only if its output does without the same one.
    """
    gone = {index: each.is_constant.copy() for index, each in known.items()}
    for index in (*network.inputs, *network.outputs, *network.constants):
        gone[index][:] = False
    for primitive in network.primitives:
        if not (isinstance(primitive, Convolution | Depthwise) and _whole(primitive, network)):
            for index in () if _relabels(primitive) else (*reads(primitive), primitive.output):
                gone[index][:] = False
        else:
            gone[primitive.input] &= _foldable(primitive, known[primitive.input])
    _settle(network, gone)
    for channels in gone.values():
        if channels.all():
            channels[0] = False
    _settle(network, gone)
    return {index: channels for index, channels in gone.items() if channels.any()}


def _settle(network: Network, gone: dict[int, Bool]) -> None:
    """Make maps agree that are read and written channel by channel."""
    changed = True
    while changed:
        changed = False
        for primitive in network.primitives:
            if isinstance(primitive, Depthwise) or _relabels(primitive):
                both = gone[primitive.input] & gone[primitive.output]
                changed |= bool(
                    (gone[primitive.input] != both).any() or (gone[primitive.output] != both).any()
                )
                gone[primitive.input], gone[primitive.output] = both, both.copy()


def _reduced(primitive: Primitive, known: Mapping[int, _Known], dropped: Mapping[int, Bool]) -> Primitive:
    """``primitive`` between maps that lack the dropped channels."""
    if isinstance(primitive, Reshape) and primitive.output in dropped:
        channels = int((~dropped[primitive.output]).sum())
        return replace(
            primitive,
            input_shape=(*primitive.input_shape[:2], channels),
            output_shape=(*primitive.output_shape[:2], channels),
        )
    if not isinstance(primitive, Convolution | Depthwise):
        return primitive
    if primitive.input not in dropped and primitive.output not in dropped:
        return primitive
    inputs, outputs = primitive.input_shape[2], primitive.output_shape[2]
    gone = dropped.get(primitive.input, np.zeros(inputs, np.bool_))
    left = np.flatnonzero(~dropped.get(primitive.output, np.zeros(outputs, np.bool_)))
    primitive = replace(
        primitive,
        input_shape=(*primitive.input_shape[:2], int((~gone).sum())),
        output_shape=(*primitive.output_shape[:2], len(left)),
        rescale=SelectedRescale(whole=primitive.rescale, selected=left),
    )
    if isinstance(primitive, Depthwise):
        return replace(primitive, weights=primitive.weights[:, :, left], bias=primitive.bias[left])
    constants = np.where(gone, known[primitive.input].values, 0)
    bias = primitive.bias + primitive.weights.astype(np.int64).sum(axis=(1, 2)) @ constants
    weights = np.ascontiguousarray(primitive.weights[left][:, :, :, ~gone])
    return replace(primitive, weights=weights, bias=bias[left])
