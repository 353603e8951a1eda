"""SLICE: a box of a map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tfl2hw.ir.primitives import Copy
from tfl2hw.ops import movement_constraints as accepts
from tfl2hw.ops.movement import at, axis_steps, box
from tfl2hw.ops.node import Int8, Kind, Node, Numerics
from tfl2hw.ops.temporaries import Temporaries


def parse(table: Any) -> Mapping[str, Any]:
    """There are no options."""
    return {}


def infer(node: Node) -> tuple[tuple[int, ...], ...]:
    """The OFM's shape: the sizes, of which -1 is what is left of the axis."""
    shape, begin, size = node.input(0).shape, accepts.integers(node, 1), accepts.integers(node, 2)
    if not len(shape) == len(begin) == len(size):
        raise ValueError(f"begin {begin} and size {size} of an IFM {shape}")
    made = tuple(s - b if n == -1 else n for s, b, n in zip(shape, begin, size, strict=True))
    if any(b < 0 or n < 1 or b + n > s for s, b, n in zip(shape, begin, made, strict=True)):
        raise ValueError(f"begin {begin} and size {size} of an IFM {shape}")
    return (made,)


def reference(node: Node, inputs: Sequence[Int8], numerics: Numerics) -> Int8:
    """The box."""
    begin, (size,) = accepts.integers(node, 1), infer(node)
    return inputs[0][tuple(slice(b, b + n) for b, n in zip(begin, size, strict=True))]


def lower(node: Node, numerics: Numerics, temporaries: Temporaries) -> tuple[Copy, ...]:
    """A Copy."""
    ifm, ofm = node.input(0), node.output
    steps = axis_steps(ifm.shape)
    start = at(steps, accepts.integers(node, 1))
    moves = (steps, axis_steps(ofm.shape))
    return box(node, ifm.index, ofm.index, ofm.shape, moves=moves, starts=(start, (0, 0)))


KIND = Kind(
    name="SLICE",
    options="SliceOptions",
    parse=parse,
    constraints=(
        accepts.operands(3, 3, "inputs are IFM, begin and size; one OFM"),
        accepts.int8_data(slice(1)),
        accepts.one_quantisation(slice(1)),
        accepts.rank(1, 5),
        accepts.integer_constant(1, "begin"),
        accepts.integer_constant(2, "size"),
        accepts.makes(infer, "the box lies in the IFM and is as large as the OFM (size -1: up to the end)"),
    ),
    reference=reference,
    lower=lower,
    infer=infer,
)
