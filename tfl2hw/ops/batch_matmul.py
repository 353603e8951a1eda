"""BATCH_MATMUL: products of matrices, of two activations or of one and a constant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from tfl2hw.ir.graph import Tensor
from tfl2hw.ir.primitives import Convolution, MatMul, Primitive, Region
from tfl2hw.ops import constraints
from tfl2hw.ops.activation import INT8_MAX, INT8_MIN
from tfl2hw.ops.matrix_product import overflowing, product
from tfl2hw.ops.movement import axis_steps, copy
from tfl2hw.ops.node import Int8, Kind, Node, Numerics, called, constant, int8, quantisation
from tfl2hw.ops.rescale import FixedPointRescale, fixed_point
from tfl2hw.ops.shapes import map_shape
from tfl2hw.ops.temporaries import Temporaries

MAX_RANK = 5
MAX_PRODUCTS = 256


def parse(table: Any) -> Mapping[str, Any]:
    """Which operands are transposed before the product."""
    return {"adjoint": (bool(table.AdjX()), bool(table.AdjY()))}


def int8_operands(node: Node) -> str | None:
    """Operands and OFM are int8 with one finite scale above 0 and a zero point in -128..127; one operand is
    an activation, and so is OFM.
    """
    operands = (node.input(0), node.input(1))
    for tensor in (*operands, node.output):
        wrong = constraints.not_quantised_int8(tensor)
        if wrong is not None:
            return f"{called(tensor)} {wrong}"
    if all(tensor.is_constant for tensor in operands) or node.output.is_constant:
        return "nothing but constants"
    return None


def matrices(node: Node) -> str | None:
    """Operands have rank 2 to 5, the same depth, and leading axes that are equal or 1."""
    ranks = [len(node.input(position).shape) for position in (0, 1)]
    shapes = f"operands {node.input(0).shape} and {node.input(1).shape}"
    if min(ranks) < 2 or max(ranks) > MAX_RANK:
        return shapes
    (*first, _, depth), (*second, other, _) = _operand_shapes(node)
    fits = all(a == b or 1 in (a, b) for a, b in zip(first[::-1], second[::-1], strict=False))
    return None if depth == other and fits else shapes


def inferred_shape(node: Node) -> str | None:
    """OFM has the shape that the operands make; it is made of 256 matrices at most."""
    (shape,) = infer(node)
    if prod(shape[:-2]) > MAX_PRODUCTS:
        return f"{prod(shape[:-2])} products of matrices"
    return constraints.shape_mismatch(node, shape)


def infer(node: Node) -> tuple[tuple[int, ...], ...]:
    """OFM's shape."""
    (*first, rows, _), (*second, _, columns) = _operand_shapes(node)
    return ((*np.broadcast_shapes(tuple(first), tuple(second)), rows, columns),)


def fitting_accumulators(node: Node) -> str | None:
    """Accumulators stay in int32, shifted left by the multiplier's exponent too, for every input."""
    operands = quantisation(node.input(0)), quantisation(node.input(1))
    return overflowing(_operand_shapes(node)[0][-1], operands, rescale(node, "tflm"))


def rescale(node: Node, numerics: Numerics) -> FixedPointRescale:
    """``M = s1 * s2 / s_out``, double rounding; litert-ref multiplies the scales in float32."""
    first, second, ofm = (quantisation(t) for t in (node.input(0), node.input(1), node.output))
    scale = first.scale * second.scale
    reals = np.array([(scale if numerics == "tflm" else float(np.float32(scale))) / ofm.scale])
    return fixed_point(reals, "double", ofm.zero_point, (INT8_MIN, INT8_MAX))


def reference(node: Node, inputs: Sequence[Int8], numerics: Numerics) -> Int8:
    """``clamp(requantize(sum((a - za) * (b - zb))) + zp_out)`` of the operands, transposed where stated."""
    first, second = (
        np.swapaxes(values, -1, -2) if transposed else values
        for values, transposed in zip(inputs, node.option("adjoint"), strict=True)
    )
    total = product(
        first.astype(np.int64) - quantisation(node.input(0)).zero_point,
        second.astype(np.int64) - quantisation(node.input(1)).zero_point,
    )
    return int8(rescale(node, numerics)(total, np.zeros_like(total)))


def lower(node: Node, numerics: Numerics, temporaries: Temporaries) -> tuple[Primitive, ...]:
    """1x1 Convolutions where the second operand is a constant with zero point 0, else MatMuls.

    An operand that does not stand as a primitive reads it is transposed before.
    """
    before: list[Primitive] = []
    adjoint_first, adjoint_second = node.option("adjoint")
    first = _pixels(node, 0, adjoint_first, temporaries, before)
    second = node.input(1)
    if second.is_constant and quantisation(second).zero_point == 0:
        filters = np.swapaxes(constant(second), -1, -2) if not adjoint_second else constant(second)
        flat = np.ascontiguousarray(filters).reshape(-1, *filters.shape[-2:])
        return (*before, *(_convolution(node, numerics, first, flat, place) for place in _products(node)))
    by_rows = _pixels(node, 1, not adjoint_second, temporaries, before)
    return (*before, *(_matmul(node, numerics, (first, by_rows), place) for place in _products(node)))


def _operand_shapes(node: Node) -> list[tuple[int, ...]]:
    """(..., rows, depth) and (..., depth, columns)."""
    shapes = (node.input(0).shape, node.input(1).shape)
    return [
        (*shape[:-2], shape[-1], shape[-2]) if transposed else shape
        for shape, transposed in zip(shapes, node.option("adjoint"), strict=True)
    ]


def _products(node: Node) -> list[tuple[int, int, int, int]]:
    """(matrix of the first operand, of the second, first matrix of OFM, matrices of rows in one go)."""
    first, second = _operand_shapes(node)
    leading = node.output.shape[:-2]
    if prod(second[:-2]) == 1:
        return [(0, 0, 0, prod(leading))]
    numbers = [
        np.broadcast_to(np.arange(prod(shape[:-2])).reshape(shape[:-2]), leading).reshape(-1)
        for shape in (first, second)
    ]
    return [(int(a), int(b), place, 1) for place, (a, b) in enumerate(zip(*numbers, strict=True))]


def _pixels(
    node: Node, position: int, transposed: bool, temporaries: Temporaries, before: list[Primitive]
) -> int:
    """The map of an operand, its last two axes exchanged if ``transposed``; ``before`` gets the Copy."""
    tensor = node.input(position)
    if tensor.is_constant:
        values = constant(tensor)
        turned = np.ascontiguousarray(np.swapaxes(values, -1, -2) if transposed else values)
        return temporaries.constant(turned.reshape(map_shape(turned.shape)))
    if not transposed:
        return tensor.index
    return _transposed(node, tensor, temporaries, before)


def _transposed(node: Node, tensor: Tensor, temporaries: Temporaries, before: list[Primitive]) -> int:
    shape = tensor.shape
    turned = (*shape[:-2], shape[-1], shape[-2])
    *leading, rows, columns = axis_steps(turned)
    index = temporaries.map(map_shape(turned))
    before.append(copy(node, tensor.index, index, shape, (axis_steps(shape), [*leading, columns, rows])))
    return index


def _matmul(
    node: Node, numerics: Numerics, maps: tuple[int, int], place: tuple[int, int, int, int]
) -> MatMul:
    (*_, rows, depth), (*_, columns) = _operand_shapes(node)
    first, second, target, count = place
    return MatMul(
        op_index=node.operator.index,
        op=node.operator.op,
        inputs=maps,
        output=node.output.index,
        rows=rows * count,
        columns=columns,
        depth=depth,
        zero_points=(quantisation(node.input(0)).zero_point, quantisation(node.input(1)).zero_point),
        rescale=rescale(node, numerics),
        starts=(first * rows, second * columns, target * rows),
    )


def _convolution(
    node: Node,
    numerics: Numerics,
    source: int,
    filters: npt.NDArray[np.int8],
    place: tuple[int, int, int, int],
) -> Convolution:
    """A 1x1 kernel over the rows of one matrix (or of all); ``filters`` is (matrices, columns, depth)."""
    *_, rows, depth = _operand_shapes(node)[0]
    first, second, target, count = place
    weights, zero = filters[second], quantisation(node.input(0)).zero_point
    return Convolution(
        op_index=node.operator.index,
        op=node.operator.op,
        input=source,
        output=node.output.index,
        input_shape=(count, rows, depth),
        output_shape=(count, rows, len(weights)),
        weights=weights[:, np.newaxis, np.newaxis, :],
        bias=-zero * weights.astype(np.int64).sum(axis=1),
        stride=(1, 1),
        dilation=(1, 1),
        padding=(0, 0),
        pad_value=zero,
        rescale=rescale(node, numerics),
        input_row=first,
        region=Region(row=target),
    )


KIND = Kind(
    name="BATCH_MATMUL",
    options="BatchMatMulOptions",
    parse=parse,
    constraints=(
        constraints.arity(2, 2, "two operands and one OFM"),
        int8_operands,
        matrices,
        inferred_shape,
        fitting_accumulators,
    ),
    reference=reference,
    lower=lower,
    infer=infer,
)
