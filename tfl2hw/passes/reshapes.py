"""Making the reshapes explicit that FULLY_CONNECTED does on the side."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

from tfl2hw.ir.graph import Graph, Operator, Tensor
from tfl2hw.ops import Node
from tfl2hw.ops.fully_connected import rows
from tfl2hw.ops.shapes import map_shape


def explicit_reshapes(graph: Graph) -> Graph:
    """``graph`` with a RESHAPE before and after each FULLY_CONNECTED whose maps are not (rows, 1, depth).

    The tensors between have new indices, beyond the file's; the RESHAPE has the operator's index.
    """
    tensors, operators = dict(graph.tensors), []
    for operator in graph.operators:
        if operator.op == "FULLY_CONNECTED" and not _maps_agree(Node(graph=graph, operator=operator)):
            operators += _with_reshapes(Node(graph=graph, operator=operator), tensors)
        else:
            operators.append(operator)
    return replace(graph, tensors=MappingProxyType(tensors), operators=tuple(operators))


def _maps_agree(node: Node) -> bool:
    """Whether the rows of IFM and OFM lie in the same cells of their maps."""
    (height, width, channels), ofm = map_shape(node.input(0).shape), map_shape(node.output.shape)
    return channels == node.input(1).shape[1] and ofm[:2] == (height, width)


def _with_reshapes(node: Node, tensors: dict[int, Tensor]) -> list[Operator]:
    """RESHAPE to rows, the operator on rows, RESHAPE to the OFM's shape."""
    operator, (outputs, depth) = node.operator, node.input(1).shape
    before = _like(node.input(0), (rows(node), depth), tensors)
    after = _like(node.output, (rows(node), outputs), tensors)
    return [
        _reshape(operator, node.input(0).index, before),
        replace(
            operator,
            inputs=(before, *operator.inputs[1:]),
            outputs=(after,),
            options=MappingProxyType({**operator.options, "keep_num_dims": False}),
        ),
        _reshape(operator, after, node.output.index),
    ]


def _like(tensor: Tensor, shape: tuple[int, ...], tensors: dict[int, Tensor]) -> int:
    """A new tensor like ``tensor`` of another shape; its index."""
    index = max(tensors) + 1
    tensors[index] = replace(tensor, index=index, shape=shape)
    return index


def _reshape(operator: Operator, source: int, result: int) -> Operator:
    return Operator(index=operator.index, op="RESHAPE", inputs=(source,), outputs=(result,))
