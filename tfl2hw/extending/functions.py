"""From a vector function to an operator."""

from __future__ import annotations

from collections.abc import Sequence

from tfl2hw.ir.primitives import Apply
from tfl2hw.ops.node import Node
from tfl2hw.ops.shapes import map_shape
from tfl2hw.rtl_templates.parts import VectorFunction


def applied(node: Node, function: VectorFunction, maps: Sequence[int], **fields: int) -> Apply:
    """The primitive that makes the OFM of ``node`` by ``function``.

    Parameters
    ----------
    maps : the operands, by their index; each of the OFM's shape.
    fields : a value for each of the function's fields.
    """
    return Apply(
        op_index=node.operator.index,
        op=node.operator.op,
        inputs=tuple(maps),
        output=node.output.index,
        shape=map_shape(node.output.shape),
        function=function.name,
        fields=fields,
        reference=function.reference,
    )
