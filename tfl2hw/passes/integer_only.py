"""Integer-only lowering: each operator becomes the primitives that its kind makes of it."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from types import MappingProxyType

import numpy as np

from tfl2hw.ir.graph import Graph, Tensor
from tfl2hw.ir.primitives import Convolution, Depthwise, MapShape, MatMul, Network, Primitive
from tfl2hw.ops import Node, Numerics, known
from tfl2hw.ops.shapes import map_shape
from tfl2hw.ops.temporaries import Temporaries


def integer_only(graph: Graph, numerics: Numerics) -> Network:
    """The network of a legal graph: no scales any more, zero points folded into the biases."""
    temporaries = Temporaries(max(graph.tensors) + 1)
    primitives: list[Primitive] = []
    for operator in graph.operators:
        kind = known(operator.op)
        primitives += kind.lower(Node(graph=graph, operator=operator), numerics, temporaries)
    activations = {*graph.inputs, *(index for operator in graph.operators for index in operator.outputs)}
    shapes = {index: tensor_map(graph.tensors[index]) for index in sorted(activations)}
    return Network(
        file=graph.file,
        numerics=numerics,
        primitives=tuple(primitives),
        inputs=graph.inputs,
        outputs=graph.outputs,
        shapes=shapes | temporaries.shapes,
        constants=MappingProxyType(dict(temporaries.constants)),
        macs=MappingProxyType(multiply_accumulates(primitives)),
    )


def multiply_accumulates(primitives: Sequence[Primitive]) -> dict[int, int]:
    """Multiply-accumulates of each operator, as TFLite's users count them."""
    counts: dict[int, int] = {}
    for primitive in primitives:
        number = 0
        if isinstance(primitive, MatMul):
            number = primitive.rows * primitive.columns * primitive.depth
        elif isinstance(primitive, Convolution) or (
            isinstance(primitive, Depthwise) and primitive.macs_counted
        ):
            number = prod(primitive.output_shape[:2]) * int(primitive.weights.size)
        counts[primitive.op_index] = counts.get(primitive.op_index, 0) + number
    return counts


def tensor_map(tensor: Tensor) -> MapShape:
    """The map of ``tensor``, in bytes."""
    shape = map_shape(tensor.shape, np.dtype(tensor.dtype).itemsize)
    assert prod(shape) == prod(tensor.shape) * np.dtype(tensor.dtype).itemsize
    return shape
