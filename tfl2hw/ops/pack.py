"""PACK and UNPACK: maps stacked along a new axis, and taken apart along one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tfl2hw.ir.primitives import Copy
from tfl2hw.ops import movement_constraints as accepts
from tfl2hw.ops.movement import at, axis_steps, box, operand
from tfl2hw.ops.node import Int8, Kind, Node, Numerics
from tfl2hw.ops.temporaries import Temporaries

Shapes = tuple[tuple[int, ...], ...]


def parse_pack(table: Any) -> Mapping[str, Any]:
    """Axis and number of inputs."""
    return {"axis": table.Axis(), "count": table.ValuesCount()}


def parse_unpack(table: Any) -> Mapping[str, Any]:
    """Axis and number of outputs."""
    return {"axis": table.Axis(), "count": table.Num()}


def infer_pack(node: Node) -> Shapes:
    """The OFM's shape."""
    shapes = [node.input(position).shape for position in range(len(node.operator.inputs))]
    if len(set(shapes)) != 1 or node.option("count") != len(shapes):
        raise ValueError(f"inputs {shapes} where the options have {node.option('count')}")
    axis = accepts.axis_of(node.option("axis"), len(shapes[0]) + 1)
    return ((*shapes[0][:axis], len(shapes), *shapes[0][axis:]),)


def infer_unpack(node: Node) -> Shapes:
    """The outputs' shapes."""
    shape, count = node.input(0).shape, node.option("count")
    axis = accepts.axis_of(node.option("axis"), len(shape))
    if shape[axis] != count:
        raise ValueError(f"{count} outputs of an axis of {shape[axis]}")
    return tuple((*shape[:axis], *shape[axis + 1 :]) for _ in range(shape[axis]))


def reference_pack(node: Node, inputs: Sequence[Int8], numerics: Numerics) -> Int8:
    """The bytes, stacked."""
    return np.stack(inputs, node.option("axis"))


def reference_unpack(node: Node, inputs: Sequence[Int8], numerics: Numerics) -> tuple[Int8, ...]:
    """The bytes, taken apart."""
    return tuple(np.moveaxis(inputs[0], node.option("axis"), 0))


def lower_pack(node: Node, numerics: Numerics, temporaries: Temporaries) -> tuple[Copy, ...]:
    """A Copy an input."""
    ofm = node.output
    axis, steps = node.option("axis") % len(ofm.shape), axis_steps(ofm.shape)
    others = (*steps[:axis], *steps[axis + 1 :])
    copies: list[Copy] = []
    for position in range(len(node.operator.inputs)):
        tensor = node.input(position)
        source, start = operand(tensor, temporaries), at([steps[axis]], [position])
        moves = (axis_steps(tensor.shape), others)
        copies += box(node, source, ofm.index, tensor.shape, moves=moves, starts=((0, 0), start))
    return tuple(copies)


def lower_unpack(node: Node, numerics: Numerics, temporaries: Temporaries) -> tuple[Copy, ...]:
    """A Copy an output."""
    ifm = node.input(0)
    axis, steps = node.option("axis") % len(ifm.shape), axis_steps(ifm.shape)
    others = (*steps[:axis], *steps[axis + 1 :])
    copies: list[Copy] = []
    for position, tensor in enumerate(node.outputs):
        start, moves = at([steps[axis]], [position]), (others, axis_steps(tensor.shape))
        copies += box(node, ifm.index, tensor.index, tensor.shape, moves=moves, starts=(start, (0, 0)))
    return tuple(copies)


PACK = Kind(
    name="PACK",
    options="PackOptions",
    parse=parse_pack,
    constraints=(
        accepts.operands(1, None, "one input or more, none absent; one OFM"),
        accepts.int8_data(slice(None), constants=True),
        accepts.one_quantisation(slice(None)),
        accepts.rank(0, 6),
        accepts.makes(infer_pack, "the inputs, as many as the options say, have one shape; OFM stacks them"),
    ),
    reference=reference_pack,
    lower=lower_pack,
    infer=infer_pack,
)
UNPACK = Kind(
    name="UNPACK",
    options="UnpackOptions",
    parse=parse_unpack,
    constraints=(
        accepts.operands(1, 1, "one IFM; one OFM or more", many_outputs=True),
        accepts.int8_data(slice(None)),
        accepts.one_quantisation(slice(None)),
        accepts.rank(1, 6),
        accepts.makes(infer_unpack, "there are as many outputs as the axis has indices, without that axis"),
    ),
    reference=reference_unpack,
    lower=lower_unpack,
    infer=infer_unpack,
)
