"""Keras counts an embedding's negative indices from the end: where they cannot be negative, that goes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tfl2hw.ir.graph import Graph, Operator
from tfl2hw.passes.uses import wrapped_index, writer


def drop_index_wraps(graph: Graph) -> Graph:
    """``graph`` where a GATHER reads its indices ``x`` themselves, not ``where(x < 0, x + n, x)``.

    An index that is given to the network is checked: it is one of a row that there is.
    """
    plain = {
        operator.inputs[1]: source
        for operator in graph.operators
        if operator.op == "GATHER"
        and len(operator.inputs) == 2
        and (source := wrapped_index(graph, operator.inputs[1])) in graph.inputs
    }
    if not plain:
        return graph
    made = [_reading(operator, plain) for operator in graph.operators]
    for operator in _wraps(graph, plain):
        read = {*graph.outputs, *(index for each in made for index in each.inputs)}
        if operator in made and read.isdisjoint(operator.outputs):
            made.remove(operator)
    return replace(graph, operators=tuple(made))


def _reading(operator: Operator, plain: Mapping[int, int | None]) -> Operator:
    """``operator``, a GATHER with its indices as they are in ``plain``."""
    is_gather = operator.op == "GATHER" and len(operator.inputs) == 2
    source = plain.get(operator.inputs[1]) if is_gather else None
    return operator if source is None else replace(operator, inputs=(operator.inputs[0], source))


def _wraps(graph: Graph, plain: Mapping[int, int | None]) -> list[Operator]:
    """What makes the tensors of ``plain``, readers first."""
    found = []
    for index in plain:
        select = writer(graph, index)
        assert select is not None
        found += [select, *(each for i in select.inputs[:2] if (each := writer(graph, i)) is not None)]
    return found
