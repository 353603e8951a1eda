"""ADD and SUB: the elementwise sum and difference."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tfl2hw.ir.graph import Quantisation
from tfl2hw.ir.primitives import TableSum
from tfl2hw.ops import constraints
from tfl2hw.ops.activation import clamp_range
from tfl2hw.ops.arithmetic import multiply_double_rounding, quantize_multiplier
from tfl2hw.ops.elementwise import elementwise_kind, lowering, parse_activation
from tfl2hw.ops.node import Kind, Node, Numerics, quantisation
from tfl2hw.ops.rescale import FixedPointRescale, fixed_point
from tfl2hw.ops.shapes import map_shape
from tfl2hw.ops.table_operator import every_byte
from tfl2hw.ops.temporaries import Temporaries

Int64 = npt.NDArray[np.int64]

LEFT_SHIFT = 20


def scales_near(node: Node) -> str | None:
    """OFM's scale is above twice the larger operand's / 2**20 (TFLite aborts below)."""
    real = _output_multiplier(node)
    return None if real < 1 else f"an output multiplier of {real:g}"


def operand(values: Int64, ifm: Quantisation, largest: float, left_shift: int = LEFT_SHIFT) -> Int64:
    """One operand's bytes at the common scale: ``rq((x - z) << left_shift, s / (2 * largest))``."""
    multiplier, shift = quantize_multiplier(ifm.scale / (2.0 * largest))
    shifted = (values - ifm.zero_point) << left_shift
    return multiply_double_rounding(shifted, np.asarray(multiplier), np.asarray(shift))


def largest_scale(node: Node) -> float:
    """The larger of the operands' scales."""
    return max(quantisation(node.input(0)).scale, quantisation(node.input(1)).scale)


def rescale(node: Node) -> FixedPointRescale:
    """From the sum at the common scale to the output byte."""
    ofm = quantisation(node.output)
    clamp = clamp_range(node.option("activation"), ofm)
    return fixed_point(np.array([_output_multiplier(node)]), "double", ofm.zero_point, clamp)


def _output_multiplier(node: Node) -> float:
    return 2.0 * largest_scale(node) / ((1 << LEFT_SHIFT) * quantisation(node.output).scale)


def _terms(node: Node, sign: int, first: Int64, second: Int64) -> tuple[Int64, Int64]:
    """Both operands at the common scale, the second one times ``sign``."""
    largest = largest_scale(node)
    return (
        operand(first, quantisation(node.input(0)), largest),
        sign * operand(second, quantisation(node.input(1)), largest),
    )


def _kind(name: str, sign: int, options: str) -> Kind:
    def exact(node: Node, numerics: Numerics, first: Int64, second: Int64) -> Int64:
        """``clamp(rq(rq((x1-z1) << 20, M1) +- rq((x2-z2) << 20, M2), Mo) + zo)``."""
        terms = _terms(node, sign, first, second)
        total = terms[0] + terms[1]
        return rescale(node)(total, np.zeros_like(total))

    def combine(
        node: Node, numerics: Numerics, maps: tuple[int, int], temporaries: Temporaries
    ) -> tuple[TableSum]:
        """A TableSum: what an operand contributes depends on its byte alone."""
        return (
            TableSum(
                op_index=node.operator.index,
                op=node.operator.op,
                inputs=maps,
                output=node.output.index,
                shape=map_shape(node.output.shape),
                tables=np.stack(_terms(node, sign, every_byte(), every_byte())),
                rescale=rescale(node),
            ),
        )

    return elementwise_kind(
        name,
        exact,
        lowering(exact, combine),
        (constraints.known_activation, scales_near),
        options,
        parse_activation,
    )


KIND = _kind("ADD", 1, "AddOptions")
SUB = _kind("SUB", -1, "SubOptions")
