"""Who reads and who writes a tensor: what the fusing passes look up."""

from __future__ import annotations

from tfl2hw.ir.graph import Graph, Operator


def only_reader(graph: Graph, tensor: int) -> Operator | None:
    """The one operator that reads ``tensor``, as its first input and nowhere else; None otherwise."""
    readers = [operator for operator in graph.operators if tensor in operator.inputs]
    if len(readers) != 1 or tensor in graph.outputs:
        return None
    inputs = readers[0].inputs
    return readers[0] if inputs[0] == tensor and inputs.count(tensor) == 1 else None


def writer(graph: Graph, tensor: int) -> Operator | None:
    """The operator that writes ``tensor``; None for an input or a constant."""
    return next((operator for operator in graph.operators if tensor in operator.outputs), None)


def index_bound(graph: Graph, tensor: int) -> int:
    """Rows of the smallest table of which ``tensor`` names rows; 1 where it names none."""
    readers = [
        each
        for each in graph.operators
        if each.op == "GATHER" and tensor in (each.inputs[1], wrapped_index(graph, each.inputs[1]))
    ]
    return min((graph.tensors[each.inputs[0]].shape[each.options["axis"]] for each in readers), default=1)


def wrapped_index(graph: Graph, tensor: int) -> int | None:
    """x, if ``tensor`` is ``where(x < 0, x + n, x)`` of constants 0 and n; else None."""
    select = writer(graph, tensor)
    if select is None or select.op not in ("SELECT", "SELECT_V2") or len(select.inputs) != 3:
        return None
    less, add, source = writer(graph, select.inputs[0]), writer(graph, select.inputs[1]), select.inputs[2]
    if less is None or add is None or (less.op, add.op) != ("LESS", "ADD"):
        return None
    if any(len(each.inputs) != 2 or min(each.inputs) < 0 for each in (less, add)):
        return None
    if less.inputs[0] != source or add.inputs[0] != source or not graph.tensors[add.inputs[1]].is_constant:
        return None
    bound = graph.tensors[less.inputs[1]].data
    return source if bound is not None and not bound.any() else None


def same_bytes(graph: Graph, first: int, second: int) -> bool:
    """Whether two tensors are int8 with one scale and zero point, the same for both."""
    one, two = graph.tensors[first], graph.tensors[second]
    if one.dtype != "int8" or two.dtype != "int8" or one.quantisation is None or two.quantisation is None:
        return False
    return (
        len(one.quantisation.scales) == 1
        and one.quantisation.scales == two.quantisation.scales
        and one.quantisation.zero_points == two.quantisation.zero_points
    )
