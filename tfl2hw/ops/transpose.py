"""TRANSPOSE: the axes of a map in another order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tfl2hw.ir.primitives import Copy
from tfl2hw.ops import movement_constraints as accepts
from tfl2hw.ops.movement import axis_steps, box
from tfl2hw.ops.node import Int8, Kind, Node, Numerics
from tfl2hw.ops.temporaries import Temporaries


def parse(table: Any) -> Mapping[str, Any]:
    """There are no options."""
    return {}


def order(node: Node) -> list[int]:
    """For each axis of the OFM, the axis of the IFM.

    Raises
    ------
    ValueError : it is no order of the IFM's axes.
    """
    shape, given = node.input(0).shape, accepts.integers(node, 1)
    axes = [accepts.axis_of(axis, len(shape)) for axis in given]
    if sorted(axes) != list(range(len(shape))):
        raise ValueError(f"axes {given} of an IFM {shape}")
    return axes


def infer(node: Node) -> tuple[tuple[int, ...], ...]:
    """The OFM's shape."""
    shape = node.input(0).shape
    return (tuple(shape[axis] for axis in order(node)),)


def reference(node: Node, inputs: Sequence[Int8], numerics: Numerics) -> Int8:
    """The bytes, transposed."""
    return inputs[0].transpose(order(node))


def lower(node: Node, numerics: Numerics, temporaries: Temporaries) -> tuple[Copy, ...]:
    """A Copy."""
    ifm, ofm = node.input(0), node.output
    steps = axis_steps(ifm.shape)
    moves = ([steps[axis] for axis in order(node)], axis_steps(ofm.shape))
    return box(node, ifm.index, ofm.index, ofm.shape, moves=moves)


KIND = Kind(
    name="TRANSPOSE",
    options="TransposeOptions",
    parse=parse,
    constraints=(
        accepts.operands(2, 2, "inputs are IFM and the axes' order; one OFM"),
        accepts.int8_data(slice(1)),
        accepts.one_quantisation(slice(1)),
        accepts.rank(1, 6),
        accepts.integer_constant(1, "the axes' order"),
        accepts.makes(infer, "the order names each axis of the IFM once, and OFM has the axes so"),
    ),
    reference=reference,
    lower=lower,
    infer=infer,
)
