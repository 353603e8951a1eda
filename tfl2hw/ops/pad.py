"""PAD and PADV2: a map with a border of one value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tfl2hw.ir.primitives import Copy
from tfl2hw.ops import movement_constraints as accepts
from tfl2hw.ops.constraints import not_quantised_int8
from tfl2hw.ops.movement import axis_steps, bordered, moved, placed
from tfl2hw.ops.node import Int8, Kind, Node, Numerics, called, constant, quantisation
from tfl2hw.ops.temporaries import Temporaries


def parse(table: Any) -> Mapping[str, Any]:
    """There are no options."""
    return {}


def cells(node: Node) -> list[tuple[int, int]]:
    """(before, after) of each axis, from the second input."""
    pairs = constant(node.input(1)).reshape(-1, 2)
    return [(int(before), int(after)) for before, after in pairs]


def some_cells(node: Node) -> str | None:
    """The paddings are (rank, 2) numbers of 0 or more."""
    tensor, ifm = node.input(1), node.input(0)
    if tensor.shape != (len(ifm.shape), 2):
        return f"{called(tensor)} has shape {tensor.shape} for an IFM {ifm.shape}"
    return f"paddings {cells(node)}" if min(accepts.integers(node, 1)) < 0 else None


def one_value(node: Node) -> str | None:
    """The padding value is one int8 constant with the IFM's scale and zero point."""
    tensor = node.input(2)
    if tensor.data is None or tensor.data.size != 1:
        return f"{called(tensor)} of shape {tensor.shape} is {'' if tensor.is_constant else 'not '}constant"
    wrong = not_quantised_int8(tensor)
    if wrong is not None:
        return f"{called(tensor)} {wrong}"
    value, ifm = quantisation(tensor), quantisation(node.input(0))
    if (value.scale, value.zero_point) != (ifm.scale, ifm.zero_point):
        return f"{called(tensor)} has scale {value.scale:g}, zero point {value.zero_point}"
    return None


def infer(node: Node) -> tuple[tuple[int, ...], ...]:
    """The OFM's shape."""
    pairs = zip(node.input(0).shape, cells(node), strict=True)
    return (tuple(before + size + after for size, (before, after) in pairs),)


def value(node: Node) -> int:
    """The byte that the border holds."""
    given = node.get(2)
    return quantisation(node.output).zero_point if given is None else int(constant(given).reshape(-1)[0])


def reference(node: Node, inputs: Sequence[Int8], numerics: Numerics) -> Int8:
    """The bytes within their border."""
    return np.pad(inputs[0], cells(node), constant_values=value(node))


def lower(node: Node, numerics: Numerics, temporaries: Temporaries) -> tuple[Copy, ...]:
    """Copies that fill the border, side by side, and one of the inside."""
    ifm, ofm = node.input(0), node.output
    inside, border = [], []
    reads, writes = axis_steps(ifm.shape), axis_steps(ofm.shape)
    for size, (before, after), read, write in zip(ifm.shape, cells(node), reads, writes, strict=True):
        own = np.arange(size)
        inside.append(placed(own, read, own + before, write))
        outer = np.concatenate([np.arange(before), np.arange(after) + before + size])
        border.append(placed(outer, (0, 0), outer, write))
    filled = bordered(node, ofm.index, inside, border, value(node))
    return (*filled, *moved(node, ifm.index, ofm.index, inside))


PAD = Kind(
    name="PAD",
    options="PadOptions",
    parse=parse,
    constraints=(
        accepts.operands(2, 2, "inputs are IFM and paddings; one OFM"),
        accepts.int8_data(slice(1)),
        accepts.one_quantisation(slice(1)),
        accepts.rank(1, 5),
        accepts.integer_constant(1, "paddings"),
        some_cells,
        accepts.makes(infer, "OFM has the IFM's shape with the paddings"),
    ),
    reference=reference,
    lower=lower,
    infer=infer,
)
PADV2 = Kind(
    name="PADV2",
    options="PadV2Options",
    parse=parse,
    constraints=(
        accepts.operands(3, 3, "inputs are IFM, paddings and padding value; one OFM"),
        *PAD.constraints[1:6],
        one_value,
        accepts.makes(infer, "OFM has the IFM's shape with the paddings"),
    ),
    reference=reference,
    lower=lower,
    infer=infer,
)
