"""Static shapes: with a batch of 1, everything that the file leaves to the run is known."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from types import MappingProxyType

from tfl2hw.ir.graph import Graph
from tfl2hw.ops import Node
from tfl2hw.passes.fold_constants import folded
from tfl2hw.passes.infer_shapes import inferred

MAX_FOLDED = 1 << 24
"""Elements of all constants that are made: a small file must not unfold into gigabytes."""


def static_shapes(graph: Graph) -> Graph:
    """``graph`` with constants folded and shapes inferred, in one walk: each needs the other.

    A shape is computed from the shapes before it, and a RESHAPE from the shape that was computed.
    """
    tensors, kept, corrected, room = dict(graph.tensors), [], set[int](), MAX_FOLDED
    walked = replace(graph, tensors=MappingProxyType(tensors))
    for operator in graph.operators:
        node = Node(graph=walked, operator=operator)
        made = folded(node, room)
        if made is None:
            kept.append(operator)
            made = inferred(node, corrected)
        else:
            room -= sum(prod(tensor.shape) for tensor in made.values())
        tensors.update(made)
        corrected.update(made)
    return replace(walked, operators=tuple(kept))
