"""A verdict on every operator of a model, fused ones included."""

from __future__ import annotations

from dataclasses import replace

from tfl2hw.ir.graph import Graph
from tfl2hw.ops import Verdict
from tfl2hw.ops import review as review_operators
from tfl2hw.passes.legalise import whole
from tfl2hw.passes.pipeline import FUSIONS, run


def review(graph: Graph) -> list[Verdict]:
    """A verdict on each operator of ``graph``, in order, after fusing.

    An operator that is fused into another, folded to a constant or left to the host is accepted; so is
    said what `lower` will do.
    """
    verdicts = {verdict.operator.index: verdict for verdict in review_operators(run(graph, FUSIONS))}
    return [
        replace(verdicts[operator.index], operator=operator)
        if operator.index in verdicts
        else Verdict(operator=operator, reasons=())
        for operator in graph.operators
    ]


def objections(graph: Graph) -> list[str]:
    """A sentence on each input, output and size for which ``graph`` is refused beside its operators."""
    return whole(run(graph, FUSIONS))
