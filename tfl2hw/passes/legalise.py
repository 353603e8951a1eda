"""Legalise: the door through which only accepted operators pass."""

from __future__ import annotations

from tfl2hw.errors import ModelError
from tfl2hw.ir.graph import Graph
from tfl2hw.ops import Verdict, review
from tfl2hw.ops.node import called

INDEX_TYPES = ("int32", "int64")
"""What a GATHER reads and an ARG_MAX writes; the operators' own constraints say where it is accepted."""


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
    for index in (*graph.inputs, *graph.outputs):
        tensor = graph.tensors[index]
        if tensor.dtype not in ("int8", *INDEX_TYPES):
            raise ModelError(
                f"{graph.file}: {called(tensor)} is an input or output of type {tensor.dtype}; accepted: "
                "int8 (convert with inference_input_type and inference_output_type tf.int8), or indices of "
                "int32 or int64"
            )
    return graph


def _sentence(graph: Graph, refused: list[Verdict]) -> str:
    first, others = refused[0], len(refused) - 1
    more = f" (and {others} more operators are refused: see tfl2hw inspect)" if others else ""
    return f"{graph.file}: operator {first.operator.index} ({first.operator.op}): {first.reasons[0]}{more}"
