"""How much of a simulation is done, by the cycles that the cycle model predicts."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, "float | None"], None]
"""Called with what is being done, and the share of it that is done (None: not known)."""


class Meter:
    """Adds up steps of a known number of cycles while the simulator counts its own.

    What a device does besides, as it takes inputs or gives tensors, counts as part of the step under way, but
    for no more than that step's cycles: the share never falls, and never runs ahead.

    Parameters
    ----------
    progress : is told the share, at the beginning of a step and whenever ``tick`` is called.
    total : cycles of all steps together.
    """

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress = progress
        self._total = max(total, 1)
        self._text = ""
        self._done = 0
        self._step = 0
        self._now = 0
        self._began = 0

    def begin(self, text: str, cycles: int) -> None:
        """The step before is over; one of so many ``cycles`` begins."""
        self._done += self._step
        self._text, self._step, self._began = text, cycles, self._now
        self._tell()

    def tick(self, cycles: int) -> None:
        """The simulator has run for so many ``cycles`` since it started."""
        self._now = cycles
        self._tell()

    def _tell(self) -> None:
        passed = min(self._now - self._began, self._step)
        self._progress(self._text, min((self._done + passed) / self._total, 1.0))
