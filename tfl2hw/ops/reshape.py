"""RESHAPE: the same bytes under another shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

from tfl2hw.ir.primitives import Reshape
from tfl2hw.ops import constraints
from tfl2hw.ops.node import Int8, Kind, Node, Numerics, called, constant
from tfl2hw.ops.shapes import map_shape
from tfl2hw.ops.temporaries import Temporaries


def parse(table: Any) -> Mapping[str, Any]:
    """The new shape, where the options carry one (the second input, where present, outranks it)."""
    if table is None or table.NewShapeIsNone():
        return {}
    return {"new_shape": tuple(int(size) for size in table.NewShapeAsNumpy())}


def constant_shape(node: Node) -> str | None:
    """The new shape is an int32 constant, or among the options, and fits OFM's."""
    tensor = node.get(1)
    if tensor is not None and (tensor.data is None or tensor.dtype != "int32"):
        return f"{called(tensor)} is {tensor.dtype}, {'' if tensor.is_constant else 'not '}constant"
    new = new_shape(node)
    if new is None:
        return None
    shape = node.output.shape
    fits = len(new) == len(shape) and all(n in (-1, size) for n, size in zip(new, shape, strict=True))
    return None if fits else f"a new shape {new} where {called(node.output)} has {shape}"


def new_shape(node: Node) -> tuple[int, ...] | None:
    """The new shape, from the second input or the options; None where the file has none."""
    tensor = node.get(1)
    if tensor is None:
        new: tuple[int, ...] | None = node.operator.options.get("new_shape")
        return new
    return tuple(int(size) for size in constant(tensor).reshape(-1))


def infer(node: Node) -> tuple[tuple[int, ...], ...]:
    """OFM's shape: the new shape, its -1 worked out; the file's record where there is none."""
    new, size = new_shape(node), prod(node.input(0).shape)
    if new is None:
        return (node.output.shape,)
    known = prod(each for each in new if each != -1)
    return (tuple(size // known if each == -1 else each for each in new),)


def same_size(node: Node) -> str | None:
    """OFM has as many elements as IFM."""
    ifm, ofm = node.input(0).shape, node.output.shape
    return None if prod(ifm) == prod(ofm) else f"IFM {ifm} and OFM {ofm}"


def reference(node: Node, inputs: Sequence[Int8], numerics: Numerics) -> Int8:
    """The bytes, reshaped."""
    return inputs[0].reshape(node.output.shape)


def lower(node: Node, numerics: Numerics, temporaries: Temporaries) -> tuple[Reshape]:
    """A Reshape."""
    return (
        Reshape(
            op_index=node.operator.index,
            op=node.operator.op,
            input=node.input(0).index,
            output=node.output.index,
            input_shape=map_shape(node.input(0).shape),
            output_shape=map_shape(node.output.shape),
        ),
    )


KIND = Kind(
    name="RESHAPE",
    options="ReshapeOptions",
    parse=parse,
    constraints=(
        constraints.arity(1, 2, "inputs are IFM and optionally the new shape; one OFM"),
        constraints.int8_maps(1),
        constraints.same_quantisation,
        constant_shape,
        same_size,
    ),
    reference=reference,
    lower=lower,
    infer=infer,
)
