"""Legalise: the door through which only accepted operators pass."""

from __future__ import annotations

from math import prod

from tfl2hw.errors import ModelError
from tfl2hw.ir.graph import Graph, Tensor
from tfl2hw.ops import Verdict, review
from tfl2hw.ops.node import called

INDEX_TYPES = ("int32", "int64")
"""What a GATHER reads and an ARG_MAX writes; the operators' own constraints say where it is accepted."""
MAX_READS = 1 << 27
"""Activations and constants that all operators read: what is made of them has to fit into memory."""


def legalise(graph: Graph) -> Graph:
    """``graph`` as it is, if everything in it is accepted.

    Raises
    ------
    ModelError : the first operator that is refused, with the number of others; or an input or
        output that is neither int8 nor of indices.
    """
    refused = [verdict for verdict in review(graph) if not verdict.accepted]
    if refused:
        raise ModelError(_sentence(graph, refused))
    for sentence in whole(graph):
        raise ModelError(f"{graph.file}: {sentence}")
    return graph


def whole(graph: Graph) -> list[str]:
    """A sentence on each thing for which the fused ``graph`` is refused beside its operators."""
    edges = (refused_edge(graph.tensors[index]) for index in dict.fromkeys((*graph.inputs, *graph.outputs)))
    sentences = [sentence for sentence in edges if sentence is not None]
    sizes = {index: prod(tensor.shape) for index, tensor in graph.tensors.items()}
    read = sum(sizes[index] for operator in graph.operators for index in operator.inputs if index >= 0)
    if read > MAX_READS:
        sentences.append(f"the operators read {read} values an inference; accepted: at most {MAX_READS}")
    return sentences


def refused_edge(tensor: Tensor) -> str | None:
    """Why an input or output of the network is not accepted, in a sentence; None: it is."""
    if tensor.dtype in ("int8", *INDEX_TYPES):
        return None
    return (
        f"{called(tensor)} is an input or output of type {tensor.dtype}; accepted: int8, or float32 or uint8 "
        "that one QUANTIZE alone reads or one DEQUANTIZE writes (convert with inference_input_type and "
        "inference_output_type tf.int8), or indices of int32 or int64"
    )


def _sentence(graph: Graph, refused: list[Verdict]) -> str:
    first, others = refused[0], len(refused) - 1
    more = f" (and {others} more operators are refused: see tfl2hw inspect)" if others else ""
    return f"{graph.file}: operator {first.operator.index} ({first.operator.op}): {first.sentence}{more}"
