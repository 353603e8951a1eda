"""What a graph asks for, counted on the graph itself: it works for models that are refused too."""

from __future__ import annotations

from math import prod

from tfl2hw.ir.graph import Graph, Operator


def count_macs(graph: Graph, operator: Operator) -> int:
    """Multiply-accumulates of one operator, padding included; 0 for those that multiply nothing."""
    if operator.op not in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED") or len(operator.inputs) < 2:
        return 0
    weights = graph.tensors[operator.inputs[1]].shape
    outputs = prod(graph.tensors[operator.outputs[0]].shape)
    return outputs * prod(weights[1:3] if operator.op == "DEPTHWISE_CONV_2D" else weights[1:])


def weight_bytes(graph: Graph, operator: Operator) -> int:
    """Bytes of the constants that one operator reads."""
    tensors = [graph.tensors[index] for index in operator.inputs if index >= 0]
    return sum(tensor.data.nbytes for tensor in tensors if tensor.data is not None)
