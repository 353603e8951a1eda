"""ADD: the elementwise sum of two activations of one shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tfl2hw.ir.graph import Quantisation
from tfl2hw.ir.primitives import TableSum
from tfl2hw.ops import constraints, options
from tfl2hw.ops.activation import clamp_range
from tfl2hw.ops.arithmetic import multiply_double_rounding, quantize_multiplier
from tfl2hw.ops.node import Int8, Kind, Node, Numerics, Temporaries, int8, quantisation
from tfl2hw.ops.rescale import FixedPointRescale, fixed_point
from tfl2hw.ops.shapes import map_shape

LEFT_SHIFT = 20


def parse(table: Any) -> Mapping[str, Any]:
    """The activation."""
    return {"activation": options.activation(table)}


def one_shape(node: Node) -> str | None:
    """Both operands and OFM have the same shape (no broadcast)."""
    shapes = [node.input(0).shape, node.input(1).shape, node.output.shape]
    return None if len(set(shapes)) == 1 else f"operands {shapes[0]} and {shapes[1]}, OFM {shapes[2]}"


def scales_near(node: Node) -> str | None:
    """OFM's scale is above twice the larger operand's / 2**20 (TFLite aborts below)."""
    real = _output_multiplier(node)
    return None if real < 1 else f"an output multiplier of {real:g}"


def operand(values: npt.NDArray[np.int64], ifm: Quantisation, largest: float) -> npt.NDArray[np.int64]:
    """One operand's bytes at the common scale: ``rq((x - z) << 20, s / (2 * largest))``."""
    multiplier, shift = quantize_multiplier(ifm.scale / (2.0 * largest))
    shifted = (values - ifm.zero_point) << LEFT_SHIFT
    return multiply_double_rounding(shifted, np.int64(multiplier), np.int64(shift))  # type: ignore[arg-type]


def rescale(node: Node) -> FixedPointRescale:
    """From the sum at the common scale to the output byte."""
    ofm = quantisation(node.output)
    clamp = clamp_range(node.option("activation"), ofm)
    return fixed_point(np.array([_output_multiplier(node)]), "double", ofm.zero_point, clamp)


def reference(node: Node, inputs: Sequence[Int8], numerics: Numerics) -> Int8:
    """``clamp(rq(rq((x1-z1) << 20, M1) + rq((x2-z2) << 20, M2), Mo) + zo)``."""
    largest = _largest_scale(node)
    first, second = (
        operand(values.astype(np.int64), quantisation(node.input(position)), largest)
        for position, values in enumerate(inputs)
    )
    total = first + second
    return int8(rescale(node)(total, np.zeros_like(total)))


def lower(node: Node, numerics: Numerics, temporaries: Temporaries) -> tuple[TableSum]:
    """A TableSum: what an operand contributes depends on its byte alone."""
    every_byte, largest = np.arange(-128, 128, dtype=np.int64), _largest_scale(node)
    tables = [operand(every_byte, quantisation(node.input(position)), largest) for position in (0, 1)]
    return (
        TableSum(
            op_index=node.operator.index,
            op=node.operator.op,
            inputs=(node.input(0).index, node.input(1).index),
            output=node.output.index,
            shape=map_shape(node.output.shape),
            tables=np.stack(tables),
            rescale=rescale(node),
        ),
    )


def _largest_scale(node: Node) -> float:
    return max(quantisation(node.input(0)).scale, quantisation(node.input(1)).scale)


def _output_multiplier(node: Node) -> float:
    return 2.0 * _largest_scale(node) / ((1 << LEFT_SHIFT) * quantisation(node.output).scale)


KIND = Kind(
    name="ADD",
    options="AddOptions",
    parse=parse,
    constraints=(
        constraints.arity(2, 2, "inputs are two activations; one OFM"),
        constraints.int8_maps(2),
        constraints.known_activation,
        one_shape,
        scales_near,
    ),
    reference=reference,
    lower=lower,
)
