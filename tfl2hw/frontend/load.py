"""The frontend's door: nothing but a Graph or a ModelError comes out of it."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from math import prod
from os import PathLike
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tfl2hw.errors import ModelError
from tfl2hw.frontend.file import ModelFile, read
from tfl2hw.frontend.operators import read_operators
from tfl2hw.frontend.tensors import read_tensors, with_empty_constants
from tfl2hw.ir.check import check_graph
from tfl2hw.ir.graph import Graph, Tensor

MAX_READS = 1 << 31
_DAMAGE = (
    struct.error,
    IndexError,
    TypeError,
    ValueError,
    OverflowError,
    AttributeError,
    AssertionError,
    KeyError,
    MemoryError,
    RecursionError,
)
"""What the flatbuffers reader raises on offsets that lead outside the file."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Survey:
    """A model that may only be looked at: its main subgraph, and why it is refused as a whole, if so."""

    graph: Graph
    objections: tuple[str, ...]


def load(path: str | PathLike[str]) -> Graph:
    """The model at ``path`` as a Graph: subgraph 0, operators in execution order.

    Operators that the compiler does not support are loaded too, so that all of them can be named.

    Raises
    ------
    ModelError : one sentence; the file is missing, no TFLite flatbuffer, damaged, or has something
        that no later stage can accept (several subgraphs, dynamic shapes, a batch other than 1, ...).
    """
    found = survey(path)
    if found.objections:
        raise ModelError(f"{found.graph.file}: {found.objections[0]}")
    return found.graph


def survey(path: str | PathLike[str]) -> Survey:
    """The model at ``path``, even if ``load`` refuses it for what it has: for a diagnosis.

    Raises
    ------
    ModelError : the file is missing, no TFLite flatbuffer, or damaged.
    """
    try:
        file = read(Path(path))
        graph = _graph(file)
    except _DAMAGE as error:
        raise ModelError(
            f"{path}: the flatbuffer is damaged or truncated (an offset in it leads outside the file: "
            f"{error}); copy or convert the model again"
        ) from error
    return Survey(graph=graph, objections=tuple(file.objections.values()))


def _graph(file: ModelFile) -> Graph:
    subgraphs = file.root.SubgraphsLength()
    if subgraphs != 1:
        sentence = (
            f"the model has {subgraphs} subgraphs; accepted: one (no control flow and no state: convert with "
            "loops unrolled, recurrent layers with unroll=True)"
        )
        if subgraphs == 0:
            raise file.refuse(sentence)
        file.object_to("subgraphs", sentence)
    subgraph = file.root.Subgraphs(0)
    tensors, operators = read_tensors(file, subgraph), read_operators(file, subgraph)
    inputs = _indices(file, subgraph.InputsAsNumpy(), "inputs")
    graph = Graph(
        file=file.name,
        tensors=MappingProxyType(with_empty_constants(tensors, operators, inputs)),
        operators=operators,
        inputs=inputs,
        outputs=_indices(file, subgraph.OutputsAsNumpy(), "outputs"),
    )
    check_graph(graph)
    _check_reads(file, graph)
    for index in graph.inputs:
        _check_input(file, graph.tensors[index])
    return graph


def _indices(file: ModelFile, vector: Any, what: str) -> tuple[int, ...]:
    return tuple(int(index) for index in file.numbers(vector, f"model {what}"))


def _check_input(file: ModelFile, tensor: Tensor) -> None:
    """An objection to an input whose shape is not that of one sample."""
    where = f"input tensor {tensor.index} '{tensor.name}'"
    if not tensor.is_settled:
        file.object_to(
            "dynamic shape",
            f"{where} has a dynamic shape, {tensor.signature or tensor.shape}; accepted: fixed shapes, of "
            "which the batch alone may be -1 (it is taken as 1): convert the model with a fixed input shape",
        )
    elif tensor.shape[:1] not in ((), (1,)):
        file.object_to(
            "batch",
            f"{where} has shape {tensor.shape}, a batch of {tensor.shape[0]}; accepted: a batch of 1 "
            "(convert the model with one sample at a time)",
        )


def _check_reads(file: ModelFile, graph: Graph) -> None:
    """A refusal where one large tensor is read so often that looking at the model alone takes minutes."""
    sizes = {index: prod(tensor.shape) for index, tensor in graph.tensors.items()}
    read = sum(sizes[index] for operator in graph.operators for index in operator.inputs if index >= 0)
    if read > MAX_READS:
        raise file.refuse(f"the operators read {read} values; accepted: at most {MAX_READS}")
