"""A verdict on every operator of a model, fused ones included."""

from __future__ import annotations

from tfl2hw.ir.graph import Graph
from tfl2hw.ops import Verdict
from tfl2hw.ops import review as review_operators
from tfl2hw.passes.pipeline import FUSIONS, run


def review(graph: Graph) -> list[Verdict]:
    """A verdict on each operator of ``graph``, in order, after fusing.

    An operator that is fused into another is accepted; so is said what `lower` will do.
    """
    verdicts = {verdict.operator.index: verdict for verdict in review_operators(run(graph, FUSIONS))}
    return [
        Verdict(operator=operator, reasons=verdicts[operator.index].reasons)
        if operator.index in verdicts
        else Verdict(operator=operator, reasons=())
        for operator in graph.operators
    ]
