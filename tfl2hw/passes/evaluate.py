"""The integer reference of a whole graph, operator by operator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from tfl2hw.errors import UsageError
from tfl2hw.ir.graph import Graph
from tfl2hw.ops import Node, known
from tfl2hw.passes.pipeline import known_numerics, legal

Array = npt.NDArray[Any]


def evaluate(graph: Graph, numerics: str, inputs: Sequence[npt.NDArray[Any]]) -> dict[int, Array]:
    """Every activation tensor of ``graph`` by its index, in TFLite's shape.

    Tensors that fusing removes (the input of a fused activation, the output of a fused PAD) are absent.

    Parameters
    ----------
    inputs : one array a model input, of the file's type, in its shape (or as many values in another).

    Raises
    ------
    ModelError : something in the graph is not accepted.
    UsageError : the inputs do not fit the model's, or no such numerics.
    """
    named, rounding, graph = bound_inputs(graph, inputs), known_numerics(numerics), legal(graph)
    values = device_inputs(graph, named)
    for operator in graph.operators:
        node = Node(graph=graph, operator=operator)
        given = [_value(graph, values, index) for index in operator.inputs]
        results = known(operator.op).reference(node, given, rounding)
        for index, result in zip(
            operator.outputs, results if isinstance(results, tuple) else (results,), strict=True
        ):
            values[index] = result
    return values


def _value(graph: Graph, values: Mapping[int, Array], index: int) -> Array | None:
    """What an operator reads: an activation, a constant, or nothing."""
    if index in values:
        return values[index]
    return graph.tensors[index].data if index >= 0 else None


def device_inputs(graph: Graph, given: Mapping[int, npt.NDArray[Any]]) -> dict[int, npt.NDArray[Any]]:
    """``given`` by the file's tensor as the int8 inputs of ``graph``, converted as the host does it."""
    converted = {
        conversion.tensor: conversion.to_device(given[index])
        for index, conversion in graph.conversions.items()
        if index in given
    }
    return {index: converted[index] if index in converted else given[index] for index in graph.inputs}


def bound_inputs(graph: Graph, inputs: Sequence[npt.NDArray[Any]]) -> dict[int, npt.NDArray[Any]]:
    """``inputs`` by tensor index, in the tensors' shapes and of their types."""
    if len(inputs) != len(graph.inputs):
        raise UsageError(f"{graph.file}: the model has {len(graph.inputs)} inputs, {len(inputs)} were given")
    values = {}
    for index, array in zip(graph.inputs, inputs, strict=True):
        tensor, given = graph.tensors[index], np.asarray(array)
        if given.dtype.name != tensor.dtype or given.size != prod(tensor.shape):
            raise UsageError(
                f"{graph.file}: input tensor {index} takes {tensor.dtype} {tensor.shape}; {given.dtype} "
                f"{given.shape} was given"
            )
        values[index] = given.reshape(tensor.shape)
    return values
