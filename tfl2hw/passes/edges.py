"""Edges: the QUANTIZE behind a float32 or uint8 input, and before such an output, go to the host."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from tfl2hw.ir.conversion import Conversion
from tfl2hw.ir.graph import Graph, Operator, Quantisation, Tensor
from tfl2hw.ops.arithmetic import multiply_double_rounding, quantize_multiplier
from tfl2hw.passes.uses import writer

HOST_TYPES = ("float32", "uint8")


def host_edges(graph: Graph) -> Graph:
    """``graph`` from int8 to int8; ``conversions`` says what the host does with the file's edge tensors.

    A QUANTIZE that alone reads a float32 or uint8 input is dropped, and its output is the input; the
    DEQUANTIZE or QUANTIZE that makes a float32 or uint8 output is dropped, and its input is the output.
    Where something else reads the tensor as well, everything stays, and is refused.
    """
    for index in graph.inputs:
        graph = _without_entry(graph, index)
    for index in dict.fromkeys(graph.outputs):
        graph = _without_exit(graph, index)
    return graph


def _without_entry(graph: Graph, index: int) -> Graph:
    readers = [operator for operator in graph.operators if index in operator.inputs]
    if len(readers) != 1 or index in graph.outputs or not _is_conversion(graph, readers[0], ("QUANTIZE",)):
        return graph
    (inner,) = readers[0].outputs
    read = any(inner in operator.inputs for operator in graph.operators)
    conversion = _conversion(graph.tensors[index], graph.tensors[inner], entering=True)
    if conversion is None or not read or inner in graph.outputs:
        return graph
    return replace(
        graph,
        operators=tuple(operator for operator in graph.operators if operator is not readers[0]),
        inputs=tuple(inner if each == index else each for each in graph.inputs),
        conversions=MappingProxyType({**graph.conversions, index: conversion}),
    )


def _without_exit(graph: Graph, index: int) -> Graph:
    last = writer(graph, index)
    read = any(index in operator.inputs for operator in graph.operators)
    if last is None or read or not _is_conversion(graph, last, ("DEQUANTIZE", "QUANTIZE")):
        return graph
    inner = last.inputs[0]
    conversion = _conversion(graph.tensors[index], graph.tensors[inner], entering=False)
    if conversion is None or writer(graph, inner) is None:
        return graph
    return replace(
        graph,
        operators=tuple(operator for operator in graph.operators if operator is not last),
        outputs=tuple(inner if each == index else each for each in graph.outputs),
        conversions=MappingProxyType({**graph.conversions, index: conversion}),
    )


def _is_conversion(graph: Graph, operator: Operator, names: tuple[str, ...]) -> bool:
    """Whether ``operator`` does nothing but convert one tensor, of an unchanged shape."""
    if operator.op not in names or len(operator.inputs) != 1 or len(operator.outputs) != 1:
        return False
    if operator.inputs[0] < 0:
        return False
    source, result = graph.tensors[operator.inputs[0]], graph.tensors[operator.outputs[0]]
    return source.shape == result.shape and not source.is_constant


def _conversion(outer: Tensor, inner: Tensor, *, entering: bool) -> Conversion | None:
    """How the host converts between the file's ``outer`` and int8 ``inner``; None where it cannot."""
    if outer.dtype not in HOST_TYPES or inner.dtype != "int8" or not _has_one_scale(inner):
        return None
    int8 = inner.quantisation
    assert int8 is not None
    if outer.dtype == "float32":
        return Conversion(tensor=inner.index, dtype=outer.dtype, int8=int8)
    if not _has_one_scale(outer):
        return None
    uint8 = outer.quantisation
    assert uint8 is not None
    unsigned, signed = np.arange(256), np.arange(-128, 128)
    table = (
        requantised(unsigned, uint8, int8, (-128, 127)).astype(np.int8)
        if entering
        else requantised(signed, int8, uint8, (0, 255)).astype(np.uint8)
    )
    return Conversion(tensor=inner.index, dtype=outer.dtype, int8=int8, table=table)


def requantised(
    values: npt.NDArray[Any], source: Quantisation, result: Quantisation, limits: tuple[int, int]
) -> npt.NDArray[np.int64]:
    """``values`` at the scale and zero point of ``result``, as TFLite's QUANTIZE between integers."""
    multiplier, shift = quantize_multiplier(source.scale / result.scale)
    steps = values.astype(np.int64) - source.zero_point
    scaled = multiply_double_rounding(steps, np.array(multiplier), np.array(shift))
    return np.clip(scaled + result.zero_point, *limits)


def _has_one_scale(tensor: Tensor) -> bool:
    quantisation, low = tensor.quantisation, 0 if tensor.dtype == "uint8" else -128
    return (
        quantisation is not None
        and len(quantisation.scales) == 1
        and quantisation.scale > 0
        and low <= quantisation.zero_point <= low + 255
    )
