"""Operators of two operands, element by element, with broadcasting."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from tfl2hw.ir.primitives import Primitive
from tfl2hw.ops import constraints, options
from tfl2hw.ops.movement import broadcast_operand
from tfl2hw.ops.node import Constraint, Int8, Kind, Node, Numerics, called, constant, int8
from tfl2hw.ops.table_operator import every_byte, nothing_parsed, table_sum
from tfl2hw.ops.temporaries import Temporaries

Int64 = npt.NDArray[np.int64]
Exact = Callable[[Node, Numerics, Int64, Int64], Int64]
"""Gives the output bytes of two arrays of bytes that broadcast."""
Combine = Callable[[Node, Numerics, "tuple[int, int]", Temporaries], "Sequence[Primitive]"]
"""Gives the primitives that combine two maps of the OFM's shape into the OFM."""
Lower = Callable[[Node, Numerics, Temporaries], "Sequence[Primitive]"]

MAX_RANK = 6


def int8_operands(node: Node) -> str | None:
    """Operands and OFM are int8 with one scale above 0 and a zero point in -128..127, one not constant."""
    operands = (node.input(0), node.input(1))
    for tensor in (*operands, node.output):
        wrong = constraints.not_quantised_int8(tensor)
        if wrong is not None:
            return f"{called(tensor)} {wrong}"
    if all(tensor.is_constant for tensor in operands):
        return "both operands are constants"
    return f"{called(node.output)} is a constant" if node.output.is_constant else None


def broadcast_shape(node: Node) -> str | None:
    """OFM has the shape that the operands' shapes broadcast to, of rank 6 at most."""
    first, second = node.input(0).shape, node.input(1).shape
    try:
        shape = np.broadcast_shapes(first, second)
    except ValueError:
        return f"operands {first} and {second}, which do not broadcast"
    if len(shape) > MAX_RANK:
        return f"operands {first} and {second}"
    return constraints.shape_mismatch(node, shape)


def infer(node: Node) -> tuple[tuple[int, ...], ...]:
    """OFM's shape."""
    return (np.broadcast_shapes(node.input(0).shape, node.input(1).shape),)


BINARY: tuple[Constraint, ...] = (
    constraints.arity(2, 2, "inputs are two operands; one OFM"),
    int8_operands,
    broadcast_shape,
)


def parse_activation(table: Any) -> Mapping[str, Any]:
    """The activation."""
    return {"activation": options.activation(table)}


def elementwise_kind(
    name: str,
    exact: Exact,
    lower: Lower,
    extra: tuple[Constraint, ...] = (),
    options: str = "",
    parse: Callable[[Any], Mapping[str, Any]] = nothing_parsed,
) -> Kind:
    """An operator that makes each output byte from one byte of each operand, as ``exact`` says."""

    def reference(node: Node, inputs: Sequence[Int8], numerics: Numerics) -> Int8:
        first, second = (values.astype(np.int64) for values in inputs)
        return int8(np.asarray(exact(node, numerics, first, second)))

    return Kind(
        name=name,
        options=options,
        parse=parse,
        constraints=(*BINARY, *extra),
        reference=reference,
        lower=lower,
        infer=infer,
    )


def lowering(exact: Exact, combine: Combine) -> Lower:
    """A table where an operand is a single constant; else both operands as maps, combined."""

    def lower(node: Node, numerics: Numerics, temporaries: Temporaries) -> Sequence[Primitive]:
        for position in (0, 1):
            tensor = node.input(position)
            if tensor.is_constant and prod(tensor.shape) == 1:
                single = constant(tensor).reshape(-1).astype(np.int64)
                pair = (single, every_byte()) if position == 0 else (every_byte(), single)
                source, copies = broadcast_operand(node, 1 - position, temporaries)
                return (*copies, table_sum(node, source, exact(node, numerics, *pair)))
        first, copies = broadcast_operand(node, 0, temporaries)
        second, more = broadcast_operand(node, 1, temporaries)
        return (*copies, *more, *combine(node, numerics, (first, second), temporaries))

    return lower
