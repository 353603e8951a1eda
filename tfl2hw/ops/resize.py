"""What both resizing operators share: sizes, options, and what is accepted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tfl2hw.ops import movement_constraints as accepts
from tfl2hw.ops.node import Constraint, Node

LARGEST = 1 << 14
"""Height and width up to which the interpreters' 32-bit arithmetic does not overflow."""


def parse(table: Any) -> Mapping[str, Any]:
    """Where the corners and the pixels' centres are."""
    return {"align_corners": bool(table.AlignCorners()), "half_pixels": bool(table.HalfPixelCenters())}


def infer(node: Node) -> tuple[tuple[int, ...], ...]:
    """The OFM's shape: the new height and width."""
    sizes, (batch, rows, columns, channels) = accepts.integers(node, 1), node.input(0).shape
    if len(sizes) != 2 or min(sizes) < 1 or max(*sizes, rows, columns) > LARGEST:
        raise ValueError(f"size {sizes} of an IFM of {rows} x {columns} pixels")
    return ((batch, *sizes, channels),)


def one_alignment(node: Node) -> str | None:
    """Corners are aligned or pixels have half-pixel centres, not both."""
    if node.option("align_corners") and node.option("half_pixels"):
        return "align_corners and half_pixel_centers"
    return None


CONSTRAINTS: tuple[Constraint, ...] = (
    accepts.operands(2, 2, "inputs are IFM and the new size; one OFM"),
    accepts.int8_data(slice(1)),
    accepts.one_quantisation(slice(1)),
    accepts.rank(4, 4),
    accepts.integer_constant(1, "the new size"),
    accepts.makes(infer, f"the new size is a height and a width of 1 to {LARGEST}, the OFM's"),
)
