"""The graph as the file states it: frozen tensors and operators, nothing hardware-specific."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy.typing as npt


@dataclass(frozen=True, kw_only=True)
class Quantisation:
    """Affine quantisation: ``real = scale * (q - zero_point)``.

    ``scales`` are the file's float32 values widened to double; one entry, or one per channel of
    ``axis``. ``zero_points`` has the same length.
    """

    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    axis: int = 0

    @property
    def scale(self) -> float:
        """The single (or first) scale."""
        return self.scales[0]

    @property
    def zero_point(self) -> int:
        """The single (or first) zero point."""
        return self.zero_points[0]


@dataclass(frozen=True, kw_only=True, eq=False)
class Tensor:
    """One tensor of the file. ``index`` is its number there; ``data`` is set for constants."""

    index: int
    name: str
    shape: tuple[int, ...]
    dtype: str
    quantisation: Quantisation | None = None
    data: npt.NDArray[Any] | None = None

    @property
    def is_constant(self) -> bool:
        """Whether the file carries the tensor's values."""
        return self.data is not None


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
    """A whole model: subgraph 0 of the file, operators in execution order."""

    file: str
    tensors: Mapping[int, Tensor]
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
