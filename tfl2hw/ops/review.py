"""What is accepted, said of the operators in general and of those of one graph."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import prod

from tfl2hw.ir.graph import Graph, Operator
from tfl2hw.ops.advice import advise
from tfl2hw.ops.node import Kind, Node, called, refusals, text
from tfl2hw.ops.registry import find
from tfl2hw.ops.table import OPERATORS

MAX_MAP = 1 << 22
"""Elements of the largest activation: refused early, since some operators make arrays of that size."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Verdict:
    """One operator of a graph, and why it is refused (nothing: it is accepted).

    ``advice`` is how to convert the model so that it would not be, where that is known.
    """

    operator: Operator
    reasons: tuple[str, ...]
    advice: str | None = None

    @property
    def accepted(self) -> bool:
        """Whether the compiler takes the operator."""
        return not self.reasons

    @property
    def sentence(self) -> str:
        """Why the operator is refused, and what to do."""
        reasons = "; ".join(self.reasons)
        return reasons if self.advice is None else f"{reasons}; {self.advice}"


def supported(kinds: Iterable[Kind] = tuple(OPERATORS.values())) -> list[tuple[str, list[str]]]:
    """The name of each of ``kinds``, ours by default, with the texts of its constraints."""
    return [(kind.name, [text(constraint) for constraint in kind.constraints]) for kind in kinds]


def review(graph: Graph) -> list[Verdict]:
    """A verdict on every operator of ``graph``, in order."""
    return [_verdict(graph, operator) for operator in graph.operators]


def _verdict(graph: Graph, operator: Operator) -> Verdict:
    reasons = tuple(_reasons(graph, operator))
    return Verdict(operator=operator, reasons=reasons, advice=advise(graph, operator) if reasons else None)


def _reasons(graph: Graph, operator: Operator) -> list[str]:
    kind = find(operator.op)
    if kind is None:
        return ["the operator is not supported (`tfl2hw ops` lists those that are)"]
    node = Node(graph=graph, operator=operator)
    return _shapes(node) or refusals(node, kind)


def _shapes(node: Node) -> list[str]:
    """A refusal where the shape of an activation is not known, or larger than any memory."""
    tensors = node.graph.tensors
    for index in (*node.operator.inputs, *node.operator.outputs):
        if index < 0 or tensors[index].is_constant:
            continue
        tensor = tensors[index]
        if not tensor.is_settled:
            found = f"{called(tensor)} has a dynamic shape, {tensor.signature or tensor.shape}"
            return [f"{found}; accepted: fixed shapes, of which the batch alone may be -1 (it is taken as 1)"]
        if prod(tensor.shape) > MAX_MAP:
            found = f"{called(tensor)} of shape {tensor.shape} has {prod(tensor.shape)} elements"
            return [f"{found}; accepted: at most {MAX_MAP}, more than any board can hold"]
    return []
