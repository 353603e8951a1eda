"""TILE and BROADCAST_TO: a map several times over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tfl2hw.ir.primitives import Copy
from tfl2hw.ops import movement_constraints as accepts
from tfl2hw.ops.movement import axis_steps, moved, placed
from tfl2hw.ops.node import Int8, Kind, Node, Numerics
from tfl2hw.ops.temporaries import Temporaries

Shapes = tuple[tuple[int, ...], ...]


def parse(table: Any) -> Mapping[str, Any]:
    """There are no options."""
    return {}


def infer_tiled(node: Node) -> Shapes:
    """The OFM's shape: the IFM's, as many times as the second input says."""
    shape, times = node.input(0).shape, accepts.integers(node, 1)
    if len(times) != len(shape) or min(times, default=1) < 1:
        raise ValueError(f"{times} times an IFM {shape}")
    return (tuple(size * number for size, number in zip(shape, times, strict=True)),)


def infer_broadcast(node: Node) -> Shapes:
    """The shape of the second input."""
    shape, whole = node.input(0).shape, tuple(accepts.integers(node, 1))
    own = (1,) * (len(whole) - len(shape)) + shape
    if len(own) != len(whole) or any(size not in (1, full) for size, full in zip(own, whole, strict=True)):
        raise ValueError(f"an IFM {shape} as {whole}")
    return (whole,)


def reference_tiled(node: Node, inputs: Sequence[Int8], numerics: Numerics) -> Int8:
    """The bytes, repeated along each axis."""
    return np.tile(inputs[0], accepts.integers(node, 1))


def reference_broadcast(node: Node, inputs: Sequence[Int8], numerics: Numerics) -> Int8:
    """The bytes, repeated along the axes of one index."""
    return np.broadcast_to(inputs[0], node.output.shape)


def lower(node: Node, numerics: Numerics, temporaries: Temporaries) -> tuple[Copy, ...]:
    """A Copy that reads each byte as often as it is written."""
    ifm, ofm = node.input(0), node.output
    own = (1,) * (len(ofm.shape) - len(ifm.shape)) + ifm.shape
    axes = []
    for size, full, read, write in zip(own, ofm.shape, axis_steps(own), axis_steps(ofm.shape), strict=True):
        axes.append(placed(np.arange(full) % size, read, np.arange(full), write))
    return moved(node, ifm.index, ofm.index, axes)


def _kind(name: str, infer: accepts.Infer, reference: Any, second: str, accepted: str) -> Kind:
    return Kind(
        name=name,
        options="TileOptions" if name == "TILE" else "BroadcastToOptions",
        parse=parse,
        constraints=(
            accepts.operands(2, 2, f"inputs are IFM and {second}; one OFM"),
            accepts.int8_data(slice(1)),
            accepts.one_quantisation(slice(1)),
            accepts.integer_constant(1, second),
            accepts.makes(infer, accepted),
        ),
        reference=reference,
        lower=lower,
        infer=infer,
    )


TILE = _kind(
    "TILE", infer_tiled, reference_tiled, "the repetitions", "each axis is repeated once or more often"
)
BROADCAST_TO = _kind(
    "BROADCAST_TO",
    infer_broadcast,
    reference_broadcast,
    "the new shape",
    "each axis of the IFM, the last ones aligned, has one index or the new shape's",
)
