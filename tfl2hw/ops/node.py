"""One operator of a graph seen from inside, and what a kind of operator has to define."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

import numpy as np
import numpy.typing as npt

from tfl2hw.ir.graph import Graph, Operator, Quantisation, Tensor
from tfl2hw.ir.primitives import Primitive
from tfl2hw.ops.temporaries import Temporaries

Array = npt.NDArray[Any]
Int8 = npt.NDArray[np.int8]
Numerics = Literal["litert-ref", "tflm"]
NUMERICS: tuple[Numerics, ...] = ("litert-ref", "tflm")


@dataclass(frozen=True, kw_only=True, eq=False)
class Node:
    """An operator together with the graph whose tensors it names."""

    graph: Graph
    operator: Operator

    def get(self, position: int) -> Tensor | None:
        """The input at ``position``, or None where it is absent."""
        inputs = self.operator.inputs
        if position >= len(inputs) or inputs[position] < 0:
            return None
        return self.graph.tensors[inputs[position]]

    def input(self, position: int) -> Tensor:
        """The input at ``position``, which the constraints have shown to be there."""
        tensor = self.get(position)
        assert tensor is not None
        return tensor

    @property
    def output(self) -> Tensor:
        """The first output."""
        return self.graph.tensors[self.operator.outputs[0]]

    @property
    def outputs(self) -> tuple[Tensor, ...]:
        """All outputs."""
        return tuple(self.graph.tensors[index] for index in self.operator.outputs)

    def option(self, name: str) -> Any:
        """The operator's option ``name``."""
        return self.operator.options[name]


def quantisation(tensor: Tensor) -> Quantisation:
    """The quantisation of a tensor that the constraints have shown to be quantised."""
    assert tensor.quantisation is not None
    return tensor.quantisation


def constant(tensor: Tensor) -> npt.NDArray[Any]:
    """The values of a tensor that the constraints have shown to be constant."""
    assert tensor.data is not None
    return tensor.data


def called(tensor: Tensor) -> str:
    """How messages name a tensor."""
    return f"tensor {tensor.index} '{tensor.name}'"


Constraint = Callable[[Node], "str | None"]
"""Says what it found wrong, or None. Its docstring is what is accepted: the user reads both.

Constraints run in the order that the operator lists; each may rely on those before it.
"""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of operator: all that the compiler knows about it.

    Parameters
    ----------
    name : TFLite's builtin name.
    options : name of the flatbuffer table with its options; empty where none are read.
    parse : options as plain values, from that table (None where the file has none).
    constraints : what is accepted, in order.
    reference : exact integer result (TFLite's output shape; a tuple for several outputs) from one array an
        input, constants included, None where it is absent.
    lower : the primitives, in order, from a node that passed every constraint. Maps that exist only between
        them come from the Temporaries.
    infer : the shape of each output, from the inputs' shapes, constants and options; the file's record
        of the outputs is not to be used. It may raise what Python raises on a node that breaks the
        constraints. None: the file's record has to be right.
    """

    name: str
    options: str
    parse: Callable[[Any], Mapping[str, Any]]
    constraints: tuple[Constraint, ...]
    reference: Callable[[Node, Sequence[Any], Numerics], Array | tuple[Array, ...]]
    lower: Callable[[Node, Numerics, Temporaries], Sequence[Primitive]]
    infer: Callable[[Node], Sequence[tuple[int, ...]]] | None = None


def text(constraint: Constraint) -> str:
    """What a constraint accepts, as one line."""
    return " ".join((constraint.__doc__ or "").split()).rstrip(".")


def refusals(node: Node, kind: Kind) -> list[str]:
    """Why ``node`` is not accepted: found and accepted, for the first constraint that it breaks."""
    for constraint in kind.constraints:
        found = constraint(node)
        if found is not None:
            accepted = text(constraint)
            if accepted[1:2].islower():
                accepted = accepted[0].lower() + accepted[1:]
            return [f"{found}; accepted: {accepted}"]
    return []


def int8(values: npt.NDArray[np.int64]) -> Int8:
    """Bytes from values that are in their range already."""
    return cast(Int8, values.astype(np.int8))
