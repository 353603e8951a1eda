"""Fusing PAD into the convolution that reads it. Its own output then exists nowhere."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

from tfl2hw.ir.graph import Graph, Operator
from tfl2hw.passes.uses import only_reader, same_bytes

READERS = ("CONV_2D", "DEPTHWISE_CONV_2D")
Cells = tuple[tuple[int, int], tuple[int, int]]


def fuse_pads(graph: Graph) -> Graph:
    """``graph`` with every PAD that a VALID convolution alone reads in that convolution's padding.

    Exact: PAD writes the zero point, which is what a convolution's own padding stands for.
    """
    for pad in graph.operators:
        reader = _reader(graph, pad)
        cells = _cells(graph, pad)
        if pad.op != "PAD" or reader is None or cells is None:
            continue
        fused = replace(
            reader,
            inputs=(pad.inputs[0], *reader.inputs[1:]),
            options=MappingProxyType({**reader.options, "padding": cells}),
        )
        kept = (
            fused if operator is reader else operator for operator in graph.operators if operator is not pad
        )
        graph = replace(graph, operators=tuple(kept))
    return graph


def _reader(graph: Graph, pad: Operator) -> Operator | None:
    """The convolution into which ``pad`` can go."""
    if pad.op != "PAD" or len(pad.inputs) != 2 or len(pad.outputs) != 1 or -1 in pad.inputs:
        return None
    reader = only_reader(graph, pad.outputs[0])
    if reader is None or reader.op not in READERS or reader.options.get("padding") != "VALID":
        return None
    return reader if same_bytes(graph, pad.inputs[0], pad.outputs[0]) else None


def _cells(graph: Graph, pad: Operator) -> Cells | None:
    """Constant ((top, bottom), (left, right)) cells of ``pad``, with none along batch and channels."""
    if pad.op != "PAD" or len(pad.inputs) != 2:
        return None
    amounts = graph.tensors[pad.inputs[1]].data if pad.inputs[1] >= 0 else None
    if amounts is None or amounts.shape != (4, 2) or amounts.dtype.name not in ("int32", "int64"):
        return None
    if amounts.min() < 0 or amounts[[0, 3]].any() or not _as_recorded(graph, pad, amounts.tolist()):
        return None
    (top, bottom), (left, right) = amounts[1].tolist(), amounts[2].tolist()
    return (top, bottom), (left, right)


def _as_recorded(graph: Graph, pad: Operator, amounts: list[list[int]]) -> bool:
    ifm, ofm = graph.tensors[pad.inputs[0]].shape, graph.tensors[pad.outputs[0]].shape
    if len(ifm) != 4 or len(ofm) != 4:
        return False
    return all(out == size + sum(cells) for size, out, cells in zip(ifm, ofm, amounts, strict=True))
