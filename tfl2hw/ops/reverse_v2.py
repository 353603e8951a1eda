"""REVERSE_V2: axes of a map backwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tfl2hw.ir.primitives import Copy
from tfl2hw.ops import movement_constraints as accepts
from tfl2hw.ops.movement import axis_steps, moved, placed
from tfl2hw.ops.node import Int8, Kind, Node, Numerics
from tfl2hw.ops.temporaries import Temporaries


def parse(table: Any) -> Mapping[str, Any]:
    """There are no options."""
    return {}


def infer(node: Node) -> tuple[tuple[int, ...], ...]:
    """The OFM's shape, which is the IFM's."""
    shape, given = node.input(0).shape, accepts.integers(node, 1)
    axes = [accepts.axis_of(axis, len(shape)) for axis in given]
    if len(set(axes)) != len(axes):
        raise ValueError(f"axes {given}")
    return (shape,)


def reference(node: Node, inputs: Sequence[Int8], numerics: Numerics) -> Int8:
    """The bytes, backwards along the axes."""
    return np.flip(inputs[0], tuple(accepts.integers(node, 1)))


def lower(node: Node, numerics: Numerics, temporaries: Temporaries) -> tuple[Copy, ...]:
    """A Copy that reads backwards."""
    ifm, ofm = node.input(0), node.output
    backwards = {axis % len(ifm.shape) for axis in accepts.integers(node, 1)}
    axes = []
    for axis, (size, step) in enumerate(zip(ifm.shape, axis_steps(ifm.shape), strict=True)):
        indices = np.arange(size)
        axes.append(placed(indices[::-1] if axis in backwards else indices, step, indices, step))
    return moved(node, ifm.index, ofm.index, axes)


KIND = Kind(
    name="REVERSE_V2",
    options="ReverseV2Options",
    parse=parse,
    constraints=(
        accepts.operands(2, 2, "inputs are IFM and axes; one OFM"),
        accepts.int8_data(slice(1)),
        accepts.one_quantisation(slice(1)),
        accepts.rank(1, 6),
        accepts.integer_constant(1, "the axes"),
        accepts.makes(infer, "the axes are different ones of the IFM's, and OFM has its shape"),
    ),
    reference=reference,
    lower=lower,
    infer=infer,
)
