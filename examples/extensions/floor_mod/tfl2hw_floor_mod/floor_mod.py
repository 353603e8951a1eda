"""FLOOR_MOD: the remainder of a division that rounds down, on the bytes as they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tfl2hw.extending import (
    Kind,
    Node,
    Numerics,
    TableSum,
    Temporaries,
    called,
    constant,
    constraints,
    every_byte,
    int8,
    nothing_parsed,
    quantisation,
    table_sum,
)


def one_divisor(node: Node) -> str | None:
    """The divisor is a constant int8 of one element, and not 0."""
    divisor = node.input(1)
    if divisor.data is None or divisor.dtype != "int8" or divisor.data.size != 1:
        return (
            f"{called(divisor)} is {divisor.dtype} of shape {divisor.shape}, constant: {divisor.is_constant}"
        )
    return None if _divisor(node) else f"{called(divisor)} is 0"


def plain_bytes(node: Node) -> str | None:
    """IFM and OFM have one scale and zero point 0: TFLite divides the bytes as they are."""
    ifm, ofm = quantisation(node.input(0)), quantisation(node.output)
    if ifm.zero_point or ofm.zero_point or ifm.scale != ofm.scale:
        return f"scales {ifm.scale:g} and {ofm.scale:g}, zero points {ifm.zero_point} and {ofm.zero_point}"
    return None


def same_shape(node: Node) -> str | None:
    """OFM has the shape of the IFM."""
    return constraints.shape_mismatch(node, node.input(0).shape)


def remainder(node: Node, values: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """``x - floor(x / d) * d``: it has the sign of the divisor, and so is a byte again."""
    return np.mod(values, _divisor(node))


def reference(node: Node, inputs: Sequence[Any], numerics: Numerics) -> npt.NDArray[np.int8]:
    """The OFM of ``inputs``, one array an input."""
    return int8(remainder(node, inputs[0].astype(np.int64)))


def lower(node: Node, numerics: Numerics, temporaries: Temporaries) -> tuple[TableSum]:
    """One look-up a byte: the hardware needs nothing new."""
    return (table_sum(node, node.input(0).index, remainder(node, every_byte())),)


def infer(node: Node) -> tuple[tuple[int, ...], ...]:
    """OFM's shape, for files that leave it open."""
    return (node.input(0).shape,)


def _divisor(node: Node) -> int:
    return int(constant(node.input(1)).reshape(-1)[0])


KIND = Kind(
    name="FLOOR_MOD",
    options="",
    parse=nothing_parsed,
    constraints=(
        constraints.arity(2, 2, "one IFM, the divisor and one OFM"),
        constraints.int8_maps(1),
        one_divisor,
        plain_bytes,
        same_shape,
    ),
    reference=reference,
    lower=lower,
    infer=infer,
)
