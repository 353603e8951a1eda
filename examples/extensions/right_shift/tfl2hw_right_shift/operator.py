"""RIGHT_SHIFT: the operator, which the vector function makes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tfl2hw.extending import (
    Apply,
    Node,
    Numerics,
    Temporaries,
    applied,
    elementwise_kind,
    lowering,
    quantisation,
)
from tfl2hw_right_shift.unit import RIGHT_SHIFT, shifted


def plain_bytes(node: Node) -> str | None:
    """Operands and OFM have zero point 0, and OFM the scale of what is shifted: TFLite shifts the bytes."""
    value, by, ofm = (quantisation(each) for each in (node.input(0), node.input(1), node.output))
    if value.zero_point or by.zero_point or ofm.zero_point:
        return f"zero points {value.zero_point}, {by.zero_point} and {ofm.zero_point}"
    return None if value.scale == ofm.scale else f"scales {value.scale:g} and {ofm.scale:g}"


def exact(
    node: Node, numerics: Numerics, value: npt.NDArray[np.int64], by: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """The OFM of two arrays of bytes."""
    return shifted((value, by), {})


def combine(
    node: Node, numerics: Numerics, maps: tuple[int, int], temporaries: Temporaries
) -> tuple[Apply, ...]:
    """The primitive that makes the OFM of two maps of its shape."""
    return (applied(node, RIGHT_SHIFT, maps),)


KIND = elementwise_kind("RIGHT_SHIFT", exact, lowering(exact, combine), (plain_bytes,))
