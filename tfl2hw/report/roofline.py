"""The roofline: how much of the array a layer uses, against what the scratchpad can feed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .cycles import LayerCycles


@dataclass(frozen=True, kw_only=True)
class Point:
    """A layer that multiplies: MACs for each byte that it reads, and MACs a cycle that it makes."""

    index: int
    op: str
    name: str
    macs_per_byte: float
    macs_per_cycle: float


@dataclass(frozen=True, kw_only=True)
class Roofline:
    """The two limits, and the layers below them.

    The array makes ``peak`` MACs a cycle, the scratchpad hands out ``bytes_per_cycle``. Multiply-accumulates
    that the compiler leaves out do not count.
    """

    peak: int
    bytes_per_cycle: int
    points: tuple[Point, ...]

    @property
    def ridge(self) -> float:
        """MACs a byte from which on the array is the limit, not the memory."""
        return self.peak / self.bytes_per_cycle


def roofline_of(layers: Sequence[LayerCycles], lanes: int, columns: int) -> Roofline:
    """Where each of ``layers`` stands that makes products."""
    products = lanes * columns
    return Roofline(
        peak=products,
        bytes_per_cycle=lanes,
        points=tuple(
            Point(
                index=layer.index,
                op=layer.op,
                name=layer.name,
                macs_per_byte=layer.busy * products / (layer.words_read * lanes),
                macs_per_cycle=layer.busy * products / layer.cycles,
            )
            for layer in layers
            if layer.busy > 0 and layer.words_read and layer.cycles
        ),
    )
