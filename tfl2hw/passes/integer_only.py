"""Integer-only lowering: each operator becomes the primitive that its kind makes of it."""

from __future__ import annotations

from tfl2hw.ir.graph import Graph
from tfl2hw.ir.primitives import Network
from tfl2hw.ops import OPERATORS, Node, Numerics
from tfl2hw.ops.shapes import map_shape


def integer_only(graph: Graph, numerics: Numerics) -> Network:
    """The network of a legal graph: no scales any more, zero points folded into the biases."""
    primitives = tuple(
        OPERATORS[operator.op].lower(Node(graph=graph, operator=operator), numerics)
        for operator in graph.operators
    )
    activations = {*graph.inputs, *(index for operator in graph.operators for index in operator.outputs)}
    return Network(
        file=graph.file,
        numerics=numerics,
        primitives=primitives,
        inputs=graph.inputs,
        outputs=graph.outputs,
        shapes={index: map_shape(graph.tensors[index].shape) for index in activations},
    )
