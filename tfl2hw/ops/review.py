"""What is accepted, said of the operators in general and of those of one graph."""

from __future__ import annotations

from dataclasses import dataclass

from tfl2hw.ir.graph import Graph, Operator
from tfl2hw.ops.node import Node, refusals, text
from tfl2hw.ops.table import OPERATORS


@dataclass(frozen=True, kw_only=True, eq=False)
class Verdict:
    """One operator of a graph, and why it is refused (nothing: it is accepted)."""

    operator: Operator
    reasons: tuple[str, ...]

    @property
    def accepted(self) -> bool:
        """Whether the compiler takes the operator."""
        return not self.reasons


def supported() -> list[tuple[str, list[str]]]:
    """Each operator's name with the texts of its constraints."""
    return [(name, [text(constraint) for constraint in kind.constraints]) for name, kind in OPERATORS.items()]


def review(graph: Graph) -> list[Verdict]:
    """A verdict on every operator of ``graph``, in order."""
    return [
        Verdict(operator=operator, reasons=tuple(_reasons(graph, operator))) for operator in graph.operators
    ]


def _reasons(graph: Graph, operator: Operator) -> list[str]:
    kind = OPERATORS.get(operator.op)
    if kind is None:
        return [f"the operator is not supported; accepted: {', '.join(OPERATORS)}"]
    return refusals(Node(graph=graph, operator=operator), kind)
