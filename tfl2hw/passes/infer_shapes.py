"""Shapes where the file's record cannot be trusted: those that a dynamic batch leaves open."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import replace
from math import prod

from tfl2hw.frontend.tensors import MAX_ELEMENTS, MAX_RANK
from tfl2hw.ir.graph import Tensor
from tfl2hw.ops import Node, find

_NO_ANSWER = (AssertionError, ArithmeticError, IndexError, KeyError, TypeError, ValueError)
"""What `Kind.infer` may raise on a node that breaks the operator's constraints, which then say so."""


def inferred(node: Node, corrected: AbstractSet[int]) -> dict[int, Tensor]:
    """The outputs of ``node`` whose shape is another than the file's, where the file may be wrong.

    It may be where its record leaves sizes open (-1 in the signature, 0 in the shape), and behind a
    tensor of ``corrected``. Elsewhere a record that contradicts the operator is for the constraints.

    Parameters
    ----------
    corrected : tensors that this pass has changed, or folded to constants.
    """
    operator, tensors = node.operator, node.graph.tensors
    outputs = [tensors[index] for index in operator.outputs]
    behind = any(index in corrected for index in operator.inputs)
    open_ones = [tensor.signature is not None or not tensor.is_settled or behind for tensor in outputs]
    kind = find(operator.op)
    if kind is None or kind.infer is None or not any(open_ones):
        return {}
    try:
        shapes = kind.infer(node)
    except _NO_ANSWER:
        return {}
    if len(shapes) != len(outputs):
        return {}
    return {
        tensor.index: replace(tensor, shape=shape, signature=None)
        for tensor, shape, is_open in zip(outputs, shapes, open_ones, strict=True)
        if is_open and _possible(shape) and (shape != tensor.shape or not tensor.is_settled)
    }


def _possible(shape: tuple[int, ...]) -> bool:
    return len(shape) <= MAX_RANK and min(shape, default=1) >= 1 and prod(shape) <= MAX_ELEMENTS
