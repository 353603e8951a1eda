"""What the search for a shape has considered."""

from __future__ import annotations

from dataclasses import dataclass

from tfl2hw.codegen import Compiled
from tfl2hw.codegen.search import Candidate


@dataclass(frozen=True, kw_only=True)
class Considered:
    """A shape of the core: its exact cycles, estimates of clock and size, and why it was refused."""

    lanes: int
    columns: int
    requantizers: int
    cycles: int | None
    expected_mhz: float | None
    expected_ms: float | None
    luts: int | None
    dsps: int | None
    refused: str | None
    chosen: bool

    @property
    def reason(self) -> str:
        """The refusal without the advice behind it."""
        return (self.refused or "").partition(";")[0].partition(". Choose")[0]


@dataclass(frozen=True, kw_only=True)
class Search:
    """The best of each lanes x columns, of all ``shapes`` that were considered."""

    shapes: int
    arrays: tuple[Considered, ...]


def search_of(compiled: Compiled) -> Search | None:
    """What was considered for ``compiled``; None where the shape was given."""
    search = compiled.search
    if search is None:
        return None
    arrays = sorted(search.by_array(), key=lambda each: each.shape.lanes * each.shape.columns)
    return Search(
        shapes=len(search.considered),
        arrays=tuple(_considered(each, each is search.chosen) for each in arrays),
    )


def _considered(candidate: Candidate, chosen: bool) -> Considered:
    resources = candidate.resources
    return Considered(
        lanes=candidate.shape.lanes,
        columns=candidate.shape.columns,
        requantizers=candidate.shape.requantizers,
        cycles=candidate.cycles,
        expected_mhz=candidate.mhz,
        expected_ms=candidate.milliseconds,
        luts=None if resources is None else resources.luts,
        dsps=None if resources is None else resources.dsps,
        refused=candidate.refused,
        chosen=chosen,
    )
