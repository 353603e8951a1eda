"""MEAN, SUM, REDUCE_MAX and REDUCE_MIN: one element for all of those along some axes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tfl2hw.ir.primitives import Primitive, Reduction, TableSum
from tfl2hw.ops import constraints
from tfl2hw.ops.activation import INT8_MAX, INT8_MIN
from tfl2hw.ops.node import Constraint, Int8, Kind, Node, Numerics, int8, quantisation
from tfl2hw.ops.reduction import Work, axes, cells, few_cells, infer, inferred_shape, known_axes, reduced
from tfl2hw.ops.rescale import FixedPointRescale, IdentityRescale, fixed_point
from tfl2hw.ops.shapes import map_shape
from tfl2hw.ops.temporaries import Temporaries

Int64 = npt.NDArray[np.int64]
UNSIGNED = 128
"""What lies between a byte read as signed with its top bit turned over, and the byte read as unsigned."""


def parse(table: Any) -> Mapping[str, Any]:
    """Whether the reduced axes stay, with one element each."""
    return {"keep_dims": bool(table.KeepDims())}


def fitting_sums(node: Node) -> str | None:
    """Sums stay in int32, shifted left by the multiplier's exponent too, for every input."""
    most = cells(node) * 3 * UNSIGNED
    wrapping = any(made.overflows(np.array([-most]), np.array([most])).any() for made in _rescales(node))
    return f"sums of up to {most}" if wrapping else None


def _rescales(node: Node) -> tuple[FixedPointRescale, FixedPointRescale]:
    return sum_rescale(node), mean_rescale(node)


def sum_rescale(node: Node) -> FixedPointRescale:
    """``M = s_in / s_out``, double rounding in both numerics."""
    ifm, ofm = quantisation(node.input(0)), quantisation(node.output)
    return fixed_point(np.array([ifm.scale / ofm.scale]), "double", ofm.zero_point, (INT8_MIN, INT8_MAX))


def mean_rescale(node: Node) -> FixedPointRescale:
    """SUM's, its multiplier divided by the number of elements, rounded down with all bits that there are."""
    whole, count = sum_rescale(node), cells(node)
    shift = int(whole.shift[0])
    more = min(count.bit_length() - 1, 32, 31 + shift)
    return replace(whole, multiplier=(whole.multiplier << more) // count, shift=whole.shift - more)


def _sum_offset(node: Node) -> int:
    return -cells(node) * quantisation(node.input(0)).zero_point


def mean_reference(node: Node, inputs: Sequence[Int8], numerics: Numerics) -> Int8:
    """``clamp(requantize(sum(x - zp)) + zp_out)``."""
    return _rescaled(node, inputs[0].astype(np.int64), mean_rescale(node))


def sum_reference(node: Node, inputs: Sequence[Int8], numerics: Numerics) -> Int8:
    """``clamp(requantize(sum(x - zp)) + zp_out)``; litert-ref reads and writes the bytes as unsigned."""
    if numerics == "tflm":
        return _rescaled(node, inputs[0].astype(np.int64), sum_rescale(node))
    whole = replace(sum_rescale(node), low=0, high=2 * UNSIGNED - 1)
    return _rescaled(node, inputs[0].astype(np.int64) & 255, whole)


def _rescaled(node: Node, values: Int64, rescale: FixedPointRescale) -> Int8:
    total = np.asarray(values.sum(axis=axes(node)) + _sum_offset(node), np.int64)
    return int8(rescale(total, np.zeros_like(total))).reshape(node.output.shape)


def lower_mean(node: Node, numerics: Numerics, temporaries: Temporaries) -> tuple[Primitive, ...]:
    """A Depthwise, or a Convolution where channels are added up."""
    work = replace(_work(node, "sum"), rescale=mean_rescale(node), offset=_sum_offset(node))
    return reduced(node, work, temporaries)


def lower_sum(node: Node, numerics: Numerics, temporaries: Temporaries) -> tuple[Primitive, ...]:
    """As MEAN; for litert-ref, between two TableSums that turn over the bytes' top bits.

    LiteRT's reference kernel takes int8 for uint8 (google-ai-edge/LiteRT issue 4079).
    """
    work = replace(_work(node, "sum"), rescale=sum_rescale(node), offset=_sum_offset(node))
    if numerics == "tflm":
        return reduced(node, work, temporaries)
    turned, result = (temporaries.map(map_shape(t.shape)) for t in (node.input(0), node.output))
    whole = sum_rescale(node)
    unsigned = replace(
        work,
        source=turned,
        target=result,
        rescale=replace(whole, zero_point=whole.zero_point - UNSIGNED),
        offset=work.offset + cells(node) * UNSIGNED,
    )
    return (
        _turned_over(node, node.input(0).index, turned, node.input(0).shape),
        *reduced(node, unsigned, temporaries),
        _turned_over(node, result, node.output.index, node.output.shape),
    )


def _turned_over(node: Node, source: int, target: int, shape: tuple[int, ...]) -> TableSum:
    """Every byte with its top bit inverted."""
    return TableSum(
        op_index=node.operator.index,
        op=node.operator.op,
        inputs=(source,),
        output=target,
        shape=map_shape(shape),
        tables=(np.roll(np.arange(256), UNSIGNED) - UNSIGNED)[np.newaxis].astype(np.int64),
        rescale=IdentityRescale(),
    )


def _work(node: Node, reduction: Reduction) -> Work:
    return Work(
        source=node.input(0).index,
        shape=node.input(0).shape,
        target=node.output.index,
        target_shape=map_shape(node.output.shape),
        axes=axes(node),
        reduction=reduction,
        rescale=IdentityRescale(),
    )


def _extreme(name: str, reduction: Reduction) -> Kind:
    choose = np.max if reduction == "maximum" else np.min

    def reference(node: Node, inputs: Sequence[Int8], numerics: Numerics) -> Int8:
        return np.asarray(choose(inputs[0], axis=axes(node)), np.int8).reshape(node.output.shape)

    def lower(node: Node, numerics: Numerics, temporaries: Temporaries) -> tuple[Primitive, ...]:
        return reduced(node, _work(node, reduction), temporaries)

    return _kind(name, reference, lower, (*CONSTRAINTS, constraints.same_quantisation))


def _kind(name: str, reference: Any, lower: Any, accepted: tuple[Constraint, ...]) -> Kind:
    return Kind(
        name=name,
        options="ReducerOptions",
        parse=parse,
        constraints=accepted,
        reference=reference,
        lower=lower,
        infer=infer,
    )


CONSTRAINTS: tuple[Constraint, ...] = (
    constraints.arity(2, 2, "inputs are IFM and axes; one OFM"),
    constraints.int8_maps(1),
    known_axes,
    inferred_shape,
    few_cells,
)
MEAN = _kind("MEAN", mean_reference, lower_mean, (*CONSTRAINTS, fitting_sums))
SUM = _kind("SUM", sum_reference, lower_sum, (*CONSTRAINTS, fitting_sums))
REDUCE_MAX = _extreme("REDUCE_MAX", "maximum")
REDUCE_MIN = _extreme("REDUCE_MIN", "minimum")
