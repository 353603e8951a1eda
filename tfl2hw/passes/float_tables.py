"""Functions that the converter leaves in float32 between two int8 tensors become tables."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from types import MappingProxyType

from tfl2hw.ir.graph import Graph, Operator, Tensor
from tfl2hw.ops.float_table import FUNCTIONS, NAME, WITH_CONSTANT, Step
from tfl2hw.passes.uses import writer


def float_tables(graph: Graph) -> Graph:
    """``graph`` with a table for each QUANTIZE whose operand is a function of one int8 tensor.

    Float operators that nothing reads any more go.
    """
    tables = {operator.index: _table(graph, operator) for operator in graph.operators}
    made = [tables[operator.index] or operator for operator in graph.operators]
    for operator in reversed(graph.operators):
        read = {*graph.outputs, *(index for each in made for index in each.inputs)}
        if tables[operator.index] is None and _is_idle(graph, operator, read):
            made.remove(operator)
    return replace(graph, operators=tuple(made))


def _is_idle(graph: Graph, operator: Operator, read: set[int]) -> bool:
    """Whether ``operator`` makes float32 that nothing of ``read`` is."""
    floats = all(graph.tensors[index].dtype == "float32" for index in operator.outputs)
    return floats and bool(operator.outputs) and _is_step(operator) and read.isdisjoint(operator.outputs)


def _is_step(operator: Operator) -> bool:
    return operator.op in ("DEQUANTIZE", *FUNCTIONS, *WITH_CONSTANT)


def _table(graph: Graph, quantize: Operator) -> Operator | None:
    """``quantize`` with all before it, back to an int8 tensor, as one operator; None where that cannot be."""
    if quantize.op != "QUANTIZE" or not _plain(graph, quantize):
        return None
    steps: list[Step] = []
    index = quantize.inputs[0]
    while (before := writer(graph, index)) is not None and _is_step(before) and _plain(graph, before):
        index = before.inputs[0]
        if before.op == "DEQUANTIZE":
            return _made(graph, quantize, index, steps)
        step = _step(graph, before)
        if step is None:
            return None
        steps.insert(0, step)
    return None


def _made(graph: Graph, quantize: Operator, source: int, steps: list[Step]) -> Operator | None:
    ifm = graph.tensors[source]
    if ifm.dtype != "int8" or ifm.is_constant:
        return None
    options = MappingProxyType({"steps": tuple(steps)})
    return replace(quantize, op=NAME, inputs=(source,), options=options)


def _plain(graph: Graph, operator: Operator) -> bool:
    """Whether ``operator`` has one output of the shape of its first input, and reads or writes float32."""
    if not operator.inputs or operator.inputs[0] < 0 or len(operator.outputs) != 1:
        return False
    ends = graph.tensors[operator.inputs[0]], graph.tensors[operator.outputs[0]]
    return ends[0].shape == ends[1].shape and "float32" in (ends[0].dtype, ends[1].dtype)


def _step(graph: Graph, operator: Operator) -> Step | None:
    """``operator`` as a function of its first operand."""
    if len(operator.inputs) == 1 and operator.op in FUNCTIONS:
        return operator.op, None
    if len(operator.inputs) != 2 or operator.inputs[1] < 0 or operator.op not in WITH_CONSTANT:
        return None
    constant = _single(graph.tensors[operator.inputs[1]])
    return None if constant is None else (operator.op, constant)


def _single(tensor: Tensor) -> float | None:
    """The value of a constant of one element."""
    if tensor.data is None or tensor.dtype != "float32" or prod(tensor.shape) != 1:
        return None
    return float(tensor.data.reshape(-1)[0])
