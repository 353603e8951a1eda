"""The graph as the file states it: frozen tensors and operators, nothing hardware-specific."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy.typing as npt

from tfl2hw.ir.conversion import Conversion
from tfl2hw.ir.quantisation import Quantisation

__all__ = ["Conversion", "Graph", "Operator", "Quantisation", "Tensor"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Tensor:
    """One tensor of the file. ``index`` is its number there; ``data`` is set for constants.

    ``shape`` is what the file records, until the static-shapes pass has worked it out. ``signature`` is
    the file's shape with -1 for what it leaves open; None where it leaves nothing open. Of a type that
    numpy lacks, and of a sparse tensor, ``data`` are the raw bytes: such models are only looked at.
    """

    index: int
    name: str
    shape: tuple[int, ...]
    dtype: str
    quantisation: Quantisation | None = None
    data: npt.NDArray[Any] | None = None
    signature: tuple[int, ...] | None = None
    is_variable: bool = False

    @property
    def is_constant(self) -> bool:
        """Whether the file carries the tensor's values."""
        return self.data is not None

    @property
    def is_settled(self) -> bool:
        """Whether the shape is known: every size, or all but a batch that is taken as 1."""
        return 0 not in self.shape and -1 not in (self.signature or ())[1:]


@dataclass(frozen=True, kw_only=True)
class Operator:
    """One operator: ``op`` is TFLite's builtin name; an absent optional input is -1."""

    index: int
    op: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, kw_only=True, eq=False)
class Graph:
    """A whole model: subgraph 0 of the file, operators in execution order.

    ``conversions``, by the file's tensor: the inputs and outputs that the host converts, where the
    network begins behind a QUANTIZE or ends before a DEQUANTIZE (or QUANTIZE) of the file.
    """

    file: str
    tensors: Mapping[int, Tensor]
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    conversions: Mapping[int, Conversion] = field(default_factory=lambda: MappingProxyType({}))
