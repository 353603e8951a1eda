"""Constraints that several operators share. Each docstring is the text that users read."""

from __future__ import annotations

from collections.abc import Callable

from tfl2hw.ir.graph import Tensor
from tfl2hw.ops.activation import ACTIVATIONS, INT8_MAX, INT8_MIN
from tfl2hw.ops.node import Constraint, Node, called, quantisation

MAX_KERNEL = 4095


def documented(accepted: str) -> Callable[[Constraint], Constraint]:
    """A decorator that gives a made constraint the text that users read."""

    def mark(constraint: Constraint) -> Constraint:
        constraint.__doc__ = accepted
        return constraint

    return mark


def arity(least: int, most: int, accepted: str) -> Constraint:
    """A constraint on the number of inputs: the first ``least`` present, at most ``most``; one output."""

    @documented(accepted)
    def check(node: Node) -> str | None:
        inputs, outputs = node.operator.inputs, node.operator.outputs
        missing = any(node.get(position) is None for position in range(least))
        if missing or len(inputs) > most or len(outputs) != 1:
            return f"inputs {list(inputs)} and outputs {list(outputs)} (-1: absent)"
        return None

    return check


def int8_maps(count: int) -> Constraint:
    """A constraint that the first ``count`` inputs and the output are quantised int8 activations."""

    @documented(
        "IFM and OFM are int8 activations with one finite scale above 0 and a zero point in -128..127"
    )
    def check(node: Node) -> str | None:
        for tensor in [*(node.input(position) for position in range(count)), node.output]:
            wrong = _not_int8_map(tensor)
            if wrong is not None:
                return f"{called(tensor)} {wrong}"
        return None

    return check


def _not_int8_map(tensor: Tensor) -> str | None:
    return "is a constant" if tensor.is_constant else not_quantised_int8(tensor)


def not_quantised_int8(tensor: Tensor) -> str | None:
    """Found text where ``tensor``, constant or not, is not int8 with one usable scale and zero point."""
    if tensor.dtype != "int8":
        return f"is {tensor.dtype}"
    if tensor.quantisation is None:
        return "has no quantisation"
    if len(tensor.quantisation.scales) != 1:
        return f"has {len(tensor.quantisation.scales)} scales"
    if tensor.quantisation.scale <= 0:
        return f"has scale {tensor.quantisation.scale}"
    if not INT8_MIN <= tensor.quantisation.zero_point <= INT8_MAX:
        return f"has zero point {tensor.quantisation.zero_point}"
    return None


def known_activation(node: Node) -> str | None:
    """The fused activation is NONE, RELU, RELU_N1_TO_1, RELU_0_TO_1 or RELU6."""
    activation = node.option("activation")
    return None if activation in ACTIVATIONS else f"fused activation {activation}"


def feature_maps(node: Node) -> str | None:
    """IFM and OFM have rank 4 (batch, height, width, channels) and the same batch."""
    for tensor in (node.input(0), node.output):
        if len(tensor.shape) != 4 or tensor.shape[0] != node.input(0).shape[0]:
            return f"{called(tensor)} has shape {tensor.shape}"
    return None


def fitting_kernel(kernel: Callable[[Node], tuple[int, int]]) -> Constraint:
    """A constraint on the size that ``kernel`` finds."""

    @documented(f"the kernel has 1 to {MAX_KERNEL} rows and columns")
    def check(node: Node) -> str | None:
        size = kernel(node)
        return None if min(size) >= 1 and max(size) <= MAX_KERNEL else f"a kernel {size}"

    return check


def known_padding(node: Node) -> str | None:
    """The padding is SAME or VALID."""
    padding = node.option("padding")
    return None if padding in ("SAME", "VALID") or isinstance(padding, tuple) else f"padding {padding}"


def steps(node: Node) -> str | None:
    """Strides and dilations are 1 or more."""
    stride, dilation = node.option("stride"), node.option("dilation")
    if min(*stride, *dilation) < 1:
        return f"stride {stride} and dilation {dilation} (vertical, horizontal)"
    return None


def same_quantisation(node: Node) -> str | None:
    """OFM has the scale and the zero point of the IFM."""
    ifm, ofm = quantisation(node.input(0)), quantisation(node.output)
    if (ifm.scale, ifm.zero_point) != (ofm.scale, ofm.zero_point):
        return (
            f"{called(node.input(0))} has scale {ifm.scale:g}, zero point {ifm.zero_point}, and "
            f"{called(node.output)} has {ofm.scale:g}, {ofm.zero_point}"
        )
    return None


def shape_mismatch(node: Node, inferred: tuple[int, ...]) -> str | None:
    """Found text where the file's output shape is not the one that the operator makes."""
    if node.output.shape == inferred:
        return None
    return f"{called(node.output)} is recorded as {node.output.shape} where the operator makes {inferred}"
