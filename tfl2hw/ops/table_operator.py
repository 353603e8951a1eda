"""Operators of one operand: a function of each byte alone, by a table or by a rescale."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from tfl2hw.ir.primitives import Depthwise, MapShape, Rescale, TableSum
from tfl2hw.ops import constraints
from tfl2hw.ops.node import Constraint, Int8, Kind, Node, Numerics, int8
from tfl2hw.ops.rescale import IdentityRescale
from tfl2hw.ops.shapes import map_shape
from tfl2hw.ops.temporaries import Temporaries

Int64 = npt.NDArray[np.int64]
Table = Callable[[Node, Numerics], Int64]
"""Gives the output byte of every input byte, (256,) from byte -128 on."""
Linear = Callable[[Node, Numerics], "tuple[int, Rescale]"]
"""Gives what is subtracted of a byte, and the rescale of the difference to the output byte."""


STEEP = 16.0
"""A slope with which hardly more than the signs of bytes are left: not worth a long mantissa."""


def every_byte() -> Int64:
    """The bytes -128 .. 127 in order."""
    return np.arange(-128, 128, dtype=np.int64)


def nothing_parsed(table: Any) -> Mapping[str, Any]:
    """No options."""
    return MappingProxyType({})


def one_shape(node: Node) -> str | None:
    """OFM has the shape of the IFM."""
    return constraints.shape_mismatch(node, node.input(0).shape)


def infer(node: Node) -> tuple[tuple[int, ...], ...]:
    """OFM's shape."""
    return (node.input(0).shape,)


UNARY: tuple[Constraint, ...] = (
    constraints.arity(1, 1, "one IFM and one OFM"),
    constraints.int8_maps(1),
    one_shape,
)


def table_kind(
    name: str,
    table: Table,
    extra: tuple[Constraint, ...] = (),
    options: str = "",
    parse: Callable[[Any], Mapping[str, Any]] = nothing_parsed,
) -> Kind:
    """An operator that maps each byte by ``table``, lowered to a TableSum of one operand."""

    def reference(node: Node, inputs: Sequence[Int8], numerics: Numerics) -> Int8:
        return int8(table(node, numerics)[inputs[0].astype(np.int64) + 128])

    def lower(node: Node, numerics: Numerics, temporaries: Temporaries) -> tuple[TableSum]:
        return (table_sum(node, node.input(0).index, table(node, numerics)),)

    return Kind(
        name=name,
        options=options,
        parse=parse,
        constraints=(*UNARY, *extra),
        reference=reference,
        lower=lower,
        infer=infer,
    )


def linear_kind(name: str, linear: Linear, extra: tuple[Constraint, ...] = ()) -> Kind:
    """An operator that rescales each byte, lowered to a Depthwise of one tap; a steep one to a table."""

    def reference(node: Node, inputs: Sequence[Int8], numerics: Numerics) -> Int8:
        zero, rescale = linear(node, numerics)
        total = inputs[0].astype(np.int64) - zero
        return int8(rescale(total, np.zeros_like(total)))

    def lower(node: Node, numerics: Numerics, temporaries: Temporaries) -> tuple[Depthwise | TableSum]:
        zero, rescale = linear(node, numerics)
        if rescale.slope[0] >= STEEP:
            total = every_byte() - zero
            return (table_sum(node, node.input(0).index, rescale(total, np.zeros_like(total))),)
        ones = np.ones(map_shape(node.output.shape)[2], np.int64)
        return (scaled_channels(node, (node.input(0).index, node.output.index), ones, zero, rescale),)

    return Kind(
        name=name,
        options="",
        parse=nothing_parsed,
        constraints=(*UNARY, *extra),
        reference=reference,
        lower=lower,
        infer=infer,
    )


def table_sum(node: Node, source: int, table: Int64) -> TableSum:
    """A TableSum that writes ``table[x + 128]`` of the map ``source`` into the OFM."""
    return TableSum(
        op_index=node.operator.index,
        op=node.operator.op,
        inputs=(source,),
        output=node.output.index,
        shape=map_shape(node.output.shape),
        tables=table[np.newaxis],
        rescale=IdentityRescale(),
    )


def scaled_channels(
    node: Node, maps: tuple[int, int], factors: Int64, zero_point: int, rescale: Rescale
) -> Depthwise:
    """A Depthwise of one tap: ``rescale((x - zero_point) * factors[channel])``.

    ``maps`` are the map read and the map written, both of the OFM's shape; ``factors`` is (channels,).
    """
    shape: MapShape = map_shape(node.output.shape)
    narrow = int(factors.min()) >= -128 and int(factors.max()) <= 127
    weights = factors.reshape(1, 1, -1)
    return Depthwise(
        op_index=node.operator.index,
        op=node.operator.op,
        input=maps[0],
        output=maps[1],
        input_shape=shape,
        output_shape=shape,
        weights=weights.astype(np.int8) if narrow else weights,
        bias=-zero_point * factors,
        stride=(1, 1),
        dilation=(1, 1),
        padding=(0, 0),
        pad_value=zero_point,
        rescale=rescale,
        macs_counted=False,
    )
