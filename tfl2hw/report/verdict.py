"""The first thing that a reader wants to know: does it fit, is it exact, how fast is it, at what clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tfl2hw.codegen import Compiled
from tfl2hw.codegen.bitstream import pll_for
from tfl2hw.codegen.estimate import expected_mhz

from .built import Built
from .chip import Chip
from .exactness import Simulated, Verified


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The four answers; None is "not known yet".

    ``fullest`` is the resource of which the least is left. ``exact`` is None before a simulation. ``cycles``
    are an inference's: measured, or predicted, which is the same. ``fmax_mhz`` is an estimate before a build.
    """

    fullest: str | None
    fullest_share: float | None
    exact: bool | None
    cycles: int
    measured: bool
    latency_ms: float | None
    clock_mhz: float | None
    fmax_mhz: float | None
    built: bool
    meets_timing: bool | None


def verdict_of(
    compiled: Compiled,
    chip: Chip | None,
    built: Built | None,
    simulated: Simulated | None,
    verified: Sequence[Verified],
) -> Verdict:
    """The verdict on ``compiled``, with what later commands have found."""
    board = compiled.board
    checks = [*([simulated.exact] if simulated else []), *(stage.exact for stage in verified)]
    cycles = compiled.predicted_cycles if simulated is None else simulated.cycles
    clock: float | None = None
    fmax: float | None = None
    if board.chip is not None:
        clock = pll_for(board).mhz if built is None else built.target_mhz
        fmax = expected_mhz(compiled.config, board.family) if built is None else built.fmax_mhz
    fullest = max(chip.resources, key=lambda each: each.share) if chip else None
    return Verdict(
        fullest=fullest.name if fullest else None,
        fullest_share=fullest.share if fullest else None,
        exact=all(checks) if checks else None,
        cycles=cycles,
        measured=simulated is not None,
        latency_ms=cycles / clock / 1e3 if clock else None,
        clock_mhz=clock,
        fmax_mhz=fmax,
        built=built is not None,
        meets_timing=None if built is None else built.meets_timing,
    )
