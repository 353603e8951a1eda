"""The passes in order, with a check between them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tfl2hw.errors import UsageError
from tfl2hw.ir.check import check_graph, check_network
from tfl2hw.ir.conversion import Conversion
from tfl2hw.ir.graph import Graph
from tfl2hw.ir.primitives import Network
from tfl2hw.ops import NUMERICS, Numerics
from tfl2hw.passes.edges import host_edges
from tfl2hw.passes.float_tables import float_tables
from tfl2hw.passes.fuse_activations import fuse_activations
from tfl2hw.passes.fuse_pads import fuse_pads
from tfl2hw.passes.index_wraps import drop_index_wraps
from tfl2hw.passes.integer_only import integer_only
from tfl2hw.passes.legalise import legalise
from tfl2hw.passes.static_shapes import static_shapes

Pass = Callable[[Graph], Graph]

SETTLED: tuple[tuple[str, Pass], ...] = (
    ("static shapes", static_shapes),
    ("index wraps", drop_index_wraps),
)
EDGES: tuple[tuple[str, Pass], ...] = (*SETTLED, ("edges", host_edges))
FUSIONS: tuple[tuple[str, Pass], ...] = (
    *EDGES,
    ("float tables", float_tables),
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


def settled(graph: Graph) -> Graph:
    """``graph`` with the shapes that it has when it runs, and without what computes shapes alone."""
    return run(graph, SETTLED)


def conversions(graph: Graph) -> Mapping[int, Conversion]:
    """What the host converts at the edges of ``graph``, by the file's tensor."""
    for _, rewrite in EDGES:
        graph = rewrite(graph)
    return graph.conversions


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
