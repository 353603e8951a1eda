"""SQUEEZE and EXPAND_DIMS: axes of one index dropped, and put in. The bytes stay as they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tfl2hw.ops import movement_constraints as accepts
from tfl2hw.ops import reshape
from tfl2hw.ops.node import Kind, Node

Shapes = tuple[tuple[int, ...], ...]


def parse_squeeze(table: Any) -> Mapping[str, Any]:
    """The axes to drop; none: all that have one index."""
    if table is None or table.SqueezeDimsIsNone():
        return {"axes": ()}
    return {"axes": tuple(int(axis) for axis in table.SqueezeDimsAsNumpy())}


def parse_expand(table: Any) -> Mapping[str, Any]:
    """There are no options."""
    return {}


def infer_squeeze(node: Node) -> Shapes:
    """The OFM's shape."""
    shape, given = node.input(0).shape, node.option("axes")
    dropped = {accepts.axis_of(axis, len(shape)) for axis in given}
    if any(shape[axis] != 1 for axis in dropped):
        raise ValueError(f"axes {given} of an IFM {shape}")
    if not given:
        dropped = {axis for axis, size in enumerate(shape) if size == 1}
    return (tuple(size for axis, size in enumerate(shape) if axis not in dropped),)


def infer_expand(node: Node) -> Shapes:
    """The OFM's shape."""
    shape, given = node.input(0).shape, accepts.integers(node, 1)
    if len(given) != 1:
        raise ValueError(f"{len(given)} axes")
    axis = accepts.axis_of(given[0], len(shape) + 1)
    return ((*shape[:axis], 1, *shape[axis:]),)


def _kind(
    name: str, options: str, parse: Any, infer: accepts.Infer, inputs: Sequence[Any], accepted: str
) -> Kind:
    return Kind(
        name=name,
        options=options,
        parse=parse,
        constraints=(
            inputs[0],
            accepts.int8_data(slice(1)),
            accepts.one_quantisation(slice(1)),
            *inputs[1:],
            accepts.makes(infer, accepted),
        ),
        reference=reshape.reference,
        lower=reshape.lower,
        infer=infer,
    )


SQUEEZE = _kind(
    "SQUEEZE",
    "SqueezeOptions",
    parse_squeeze,
    infer_squeeze,
    (accepts.operands(1, 1, "one IFM and one OFM"),),
    "the axes dropped have one index each",
)
EXPAND_DIMS = _kind(
    "EXPAND_DIMS",
    "ExpandDimsOptions",
    parse_expand,
    infer_expand,
    (
        accepts.operands(2, 2, "inputs are IFM and the axis; one OFM"),
        accepts.integer_constant(1, "the axis"),
    ),
    "OFM has the IFM's shape with one axis more",
)
