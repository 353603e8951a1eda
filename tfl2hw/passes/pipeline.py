"""The passes in order, with a check between them."""

from __future__ import annotations

from collections.abc import Callable

from tfl2hw.errors import UsageError
from tfl2hw.ir.check import check_graph, check_network
from tfl2hw.ir.graph import Graph
from tfl2hw.ir.primitives import Network
from tfl2hw.ops import NUMERICS, Numerics
from tfl2hw.passes.fuse_activations import fuse_activations
from tfl2hw.passes.fuse_pads import fuse_pads
from tfl2hw.passes.integer_only import integer_only
from tfl2hw.passes.legalise import legalise

Pass = Callable[[Graph], Graph]

FUSIONS: tuple[tuple[str, Pass], ...] = (
    ("fuse pads", fuse_pads),
    ("fuse activations", fuse_activations),
)
LEGAL: tuple[tuple[str, Pass], ...] = (*FUSIONS, ("legalise", legalise))


def run(graph: Graph, passes: tuple[tuple[str, Pass], ...]) -> Graph:
    """``graph`` after ``passes``, its invariants checked after each."""
    for _, rewrite in passes:
        graph = rewrite(graph)
        check_graph(graph)
    return graph


def legal(graph: Graph) -> Graph:
    """The fused graph, every operator of which passes its constraints.

    Raises
    ------
    ModelError : an operator, an input or an output is not accepted.
    """
    return run(graph, LEGAL)


def lower(graph: Graph, numerics: str) -> Network:
    """The integer-only network of ``graph`` under ``numerics`` ("litert-ref" or "tflm").

    Raises
    ------
    ModelError : an operator, an input or an output is not accepted.
    UsageError : no such numerics.
    """
    network = integer_only(legal(graph), known_numerics(numerics))
    check_network(network)
    return network


def known_numerics(numerics: str) -> Numerics:
    """``numerics`` as one that there is."""
    if numerics not in NUMERICS:
        raise UsageError(f"numerics '{numerics}' are unknown; accepted: {', '.join(NUMERICS)}")
    return numerics
