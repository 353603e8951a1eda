"""What is accepted of operators that move bytes. Each docstring is the text that users read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

from tfl2hw.ir.graph import Tensor
from tfl2hw.ops.constraints import documented, not_quantised_int8
from tfl2hw.ops.node import Constraint, Node, called, constant, quantisation

Shape = tuple[int, ...]
Infer = Callable[[Node], Sequence[Shape]]

MOST_ELEMENTS = 1 << 26
"""Elements of the largest OFM, as of the largest tensor of a file."""


def operands(least: int, most: int | None, accepted: str, *, many_outputs: bool = False) -> Constraint:
    """A constraint that ``least`` to ``most`` inputs are there, none absent, and one output (or more)."""

    @documented(accepted)
    def check(node: Node) -> str | None:
        inputs, outputs = node.operator.inputs, node.operator.outputs
        few_enough = most is None or len(inputs) <= most
        written = len(outputs) >= 1 if many_outputs else len(outputs) == 1
        if len(inputs) >= least and few_enough and min(inputs) >= 0 and written:
            return None
        return f"inputs {list(inputs)} and outputs {list(outputs)} (-1: absent)"

    return check


def data(node: Node, positions: slice) -> list[Tensor]:
    """The operator's int8 tensors: the inputs at ``positions`` and every output."""
    return [*(node.input(place) for place in range(len(node.operator.inputs))[positions]), *node.outputs]


def int8_data(positions: slice, *, constants: bool = False) -> Constraint:
    """A constraint on the inputs at ``positions`` and all outputs; ``constants`` among them or not."""
    kind = "int8, constants or activations," if constants else "int8 activations"

    @documented(f"IFM and OFM are {kind} with one finite scale above 0 and a zero point in -128..127")
    def check(node: Node) -> str | None:
        for tensor in data(node, positions):
            written = tensor.index in node.operator.outputs
            if tensor.is_constant and (written or not constants):
                return f"{called(tensor)} is a constant"
            wrong = not_quantised_int8(tensor)
            if wrong is not None:
                return f"{called(tensor)} {wrong}"
        return None

    return check


def one_quantisation(positions: slice) -> Constraint:
    """A constraint on the inputs at ``positions`` and all outputs."""

    @documented("every IFM and OFM has the same scale and zero point (bytes are moved as they are)")
    def check(node: Node) -> str | None:
        first, *others = data(node, positions)
        one = quantisation(first)
        for tensor in others:
            other = quantisation(tensor)
            if (one.scale, one.zero_point) != (other.scale, other.zero_point):
                return (
                    f"{called(first)} has scale {one.scale:g}, zero point {one.zero_point}, and "
                    f"{called(tensor)} has {other.scale:g}, {other.zero_point}"
                )
        return None

    return check


def integer_constant(position: int, what: str) -> Constraint:
    """A constraint that the input at ``position`` is an integer constant."""

    @documented(f"{what} is an int32 or int64 constant")
    def check(node: Node) -> str | None:
        tensor = node.input(position)
        if tensor.is_constant and tensor.dtype in ("int32", "int64"):
            return None
        return f"{called(tensor)} is {tensor.dtype}, {'' if tensor.is_constant else 'not '}constant"

    return check


def integers(node: Node, position: int) -> list[int]:
    """The values of the constant at ``position``, flattened."""
    return [int(value) for value in constant(node.input(position)).reshape(-1)]


def rank(least: int, most: int, position: int = 0) -> Constraint:
    """A constraint on the rank of the input at ``position``."""

    @documented(f"IFM has rank {least} to {most}" if least != most else f"IFM has rank {least}")
    def check(node: Node) -> str | None:
        shape = node.input(position).shape
        return None if least <= len(shape) <= most else f"IFM {shape}"

    return check


def makes(infer: Infer, accepted: str) -> Constraint:
    """A constraint that ``infer`` finds a shape for each output, and that the file records these.

    ``infer`` raises ValueError with what it found wrong.
    """

    @documented(accepted)
    def check(node: Node) -> str | None:
        try:
            shapes = list(infer(node))
        except ValueError as error:
            return str(error)
        if len(shapes) != len(node.outputs):
            return f"{len(node.outputs)} outputs where the operator makes {len(shapes)}"
        for tensor, shape in zip(node.outputs, shapes, strict=True):
            if tensor.shape != shape or prod(shape) > MOST_ELEMENTS:
                return f"{called(tensor)} is recorded as {tensor.shape} where the operator makes {shape}"
        return None

    return check


def axis_of(axis: int, dimensions: int) -> int:
    """``axis`` from 0, where below 0 it counts from the end.

    Raises
    ------
    ValueError : there is no such axis.
    """
    if not -dimensions <= axis < dimensions:
        raise ValueError(f"axis {axis} of {dimensions} axes")
    return axis % dimensions
