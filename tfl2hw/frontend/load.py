"""The frontend's door: nothing but a Graph or a ModelError comes out of it."""

from __future__ import annotations

import struct
from os import PathLike
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tfl2hw.errors import ModelError
from tfl2hw.frontend.file import ModelFile, read
from tfl2hw.frontend.operators import read_operators
from tfl2hw.frontend.tensors import read_tensors
from tfl2hw.ir.check import check_graph
from tfl2hw.ir.graph import Graph

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


def load(path: str | PathLike[str]) -> Graph:
    """The model at ``path`` as a Graph: subgraph 0, operators in execution order.

    Operators that the compiler does not support are loaded too, so that all of them can be named.

    Raises
    ------
    ModelError : one sentence; the file is missing, no TFLite flatbuffer, damaged, or has something
        that no later stage can accept (several subgraphs, dynamic shapes, a batch other than 1, ...).
    """
    try:
        return _graph(read(Path(path)))
    except _DAMAGE as error:
        raise ModelError(
            f"{path}: the flatbuffer is damaged or truncated (an offset in it leads outside the file: "
            f"{error}); copy or convert the model again"
        ) from error


def _graph(file: ModelFile) -> Graph:
    subgraphs = file.root.SubgraphsLength()
    if subgraphs != 1:
        raise file.refuse(f"the model has {subgraphs} subgraphs; accepted: one (no control flow)")
    subgraph = file.root.Subgraphs(0)
    graph = Graph(
        file=file.name,
        tensors=MappingProxyType(read_tensors(file, subgraph)),
        operators=read_operators(file, subgraph),
        inputs=_indices(file, subgraph.InputsAsNumpy(), "inputs"),
        outputs=_indices(file, subgraph.OutputsAsNumpy(), "outputs"),
    )
    check_graph(graph)
    _check_batch(graph)
    return graph


def _indices(file: ModelFile, vector: Any, what: str) -> tuple[int, ...]:
    return tuple(int(index) for index in file.numbers(vector, f"model {what}"))


def _check_batch(graph: Graph) -> None:
    for index in graph.inputs:
        tensor = graph.tensors[index]
        if tensor.shape[:1] not in ((), (1,)):
            raise ModelError(
                f"{graph.file}: input tensor {index} '{tensor.name}' has shape {tensor.shape}, a batch of "
                f"{tensor.shape[0]}; accepted: a batch of 1 (convert the model with one sample at a time)"
            )
