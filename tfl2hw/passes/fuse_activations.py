"""Fusing a standalone activation into the operator before it, whose own output then exists nowhere."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

from tfl2hw.ir.graph import Graph, Operator
from tfl2hw.passes.uses import only_reader, same_bytes, writer

ACTIVATIONS = ("RELU", "RELU6", "RELU_N1_TO_1", "RELU_0_TO_1")
WRITERS = (
    "CONV_2D",
    "DEPTHWISE_CONV_2D",
    "TRANSPOSE_CONV",
    "FULLY_CONNECTED",
    "ADD",
    "SUB",
    "MUL",
    "AVERAGE_POOL_2D",
    "MAX_POOL_2D",
)


def fuse_activations(graph: Graph) -> Graph:
    """``graph`` with every activation that alone reads an operator's output in that operator's clamp.

    Exact where both outputs have one scale and zero point: the activation then only clamps.
    """
    for activation in graph.operators:
        before = _writer(graph, activation)
        if before is None:
            continue
        fused = replace(
            before,
            outputs=activation.outputs,
            options=MappingProxyType({**before.options, "activation": activation.op}),
        )
        kept = (fused if o is before else o for o in graph.operators if o is not activation)
        graph = replace(graph, operators=tuple(kept))
    return graph


def _writer(graph: Graph, activation: Operator) -> Operator | None:
    """The operator into which ``activation`` can go."""
    if activation.op not in ACTIVATIONS or len(activation.inputs) != 1 or len(activation.outputs) != 1:
        return None
    source, result = activation.inputs[0], activation.outputs[0]
    before = writer(graph, source)
    if before is None or before.op not in WRITERS or before.options.get("activation") != "NONE":
        return None
    if only_reader(graph, source) is not activation or len(before.outputs) != 1:
        return None
    same_shape = graph.tensors[source].shape == graph.tensors[result].shape
    return before if same_shape and same_bytes(graph, source, result) else None
