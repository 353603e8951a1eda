"""CONCATENATION: maps one behind the other along an axis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tfl2hw.ir.primitives import Copy
from tfl2hw.ops import movement_constraints as accepts
from tfl2hw.ops import options
from tfl2hw.ops.movement import at, axis_steps, box, operand
from tfl2hw.ops.node import Int8, Kind, Node, Numerics
from tfl2hw.ops.temporaries import Temporaries


def parse(table: Any) -> Mapping[str, Any]:
    """Axis and activation."""
    return {"axis": table.Axis(), "activation": options.activation(table)}


def no_activation(node: Node) -> str | None:
    """The fused activation is NONE (the interpreters know no other)."""
    activation = node.option("activation")
    return None if activation == "NONE" else f"fused activation {activation}"


def infer(node: Node) -> tuple[tuple[int, ...], ...]:
    """The OFM's shape."""
    shapes = [node.input(position).shape for position in range(len(node.operator.inputs))]
    axis = accepts.axis_of(node.option("axis"), len(shapes[0]))
    others = {(*shape[:axis], *shape[axis + 1 :]) for shape in shapes}
    if len(others) != 1 or len({len(shape) for shape in shapes}) != 1:
        raise ValueError(f"inputs {shapes} along axis {axis}")
    total = sum(shape[axis] for shape in shapes)
    return ((*shapes[0][:axis], total, *shapes[0][axis + 1 :]),)


def reference(node: Node, inputs: Sequence[Int8], numerics: Numerics) -> Int8:
    """The bytes, joined."""
    return np.concatenate(inputs, axis=node.option("axis"))


def lower(node: Node, numerics: Numerics, temporaries: Temporaries) -> tuple[Copy, ...]:
    """A Copy an input; a constant one becomes a constant map."""
    ofm, first = node.output, 0
    steps, axis = axis_steps(ofm.shape), node.option("axis") % len(ofm.shape)
    copies: list[Copy] = []
    for position in range(len(node.operator.inputs)):
        tensor = node.input(position)
        start = at([steps[axis]], [first])
        moves = (axis_steps(tensor.shape), steps)
        source = operand(tensor, temporaries)
        copies += box(node, source, ofm.index, tensor.shape, moves=moves, starts=((0, 0), start))
        first += tensor.shape[axis]
    return tuple(copies)


KIND = Kind(
    name="CONCATENATION",
    options="ConcatenationOptions",
    parse=parse,
    constraints=(
        accepts.operands(1, None, "one input or more, none absent; one OFM"),
        accepts.int8_data(slice(None), constants=True),
        accepts.one_quantisation(slice(None)),
        accepts.rank(1, 6),
        no_activation,
        accepts.makes(infer, "the inputs' shapes differ along the axis alone, and OFM has their sum there"),
    ),
    reference=reference,
    lower=lower,
    infer=infer,
)
