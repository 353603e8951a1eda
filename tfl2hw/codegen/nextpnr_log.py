"""How far nextpnr is, by what its log says as it comes."""

from __future__ import annotations

import re
from collections.abc import Callable
from math import log1p

Report = Callable[[str, float], None]
"""Takes a phase ("placing, iteration 3") and the part of the whole run that is done."""

PLACED, REFINED, GLOBALS, ROUTED = 0.35, 0.45, 0.5, 0.95
"""Parts done when analytical placement, annealing, the global nets and all nets are through."""

ITERATION = 0.87
"""So much of a phase is left after an iteration as before it: nobody knows how many there will be."""

_LANDMARKS = (
    ("Packing ", "packing", 0.02),
    ("Creating initial", "placing", 0.08),
    ("Running main analytical placer", "placing", 0.1),
    ("Running simulated annealing", "refining the placement", PLACED),
    ("Routing globals", "routing the global nets", REFINED),
    ("Routing..", "routing", GLOBALS),
    ("Critical path report", "analysing the timing", 0.98),
)
_UTILISATION = re.compile(r"^Info:\s+(\w+):\s+(\d+)/\s*(\d+)\s+(\d+)%")
_ANALYTICAL = re.compile(r"^Info:\s+at iteration #(\d+), type")
_ANNEALING = re.compile(r"^Info:\s+at iteration #(\d+): temp")
_ARCS = re.compile(r"^Info: Routing (\d+) arcs")
_ROUTER1 = re.compile(r"^Info:\s+\d+ \|\s+\d+\s+\d+ \|\s+\d+\s+\d+ \|\s+(\d+)\|")
_ROUTER2 = re.compile(r"^Info:\s+iter=(\d+) .*overused=(\d+)")


class NextpnrLog:
    """Follows the log of one run, line by line, and reports each step; the part done never falls.

    ``usage`` maps a kind of cell to how many the design has and the chip offers, as soon as they are counted.
    """

    def __init__(self, report: Report) -> None:
        self.usage: dict[str, tuple[int, int]] = {}
        self._report = report
        self._done = 0.0
        self._phase = ""
        self._arcs = 0
        self._most_overused = 0

    def follow(self, line: str) -> None:
        """Take the next line."""
        used = _UTILISATION.match(line)
        if used:
            self.usage[used.group(1)] = (int(used.group(2)), int(used.group(3)))
            return
        found = self._landmark(line) or self._placing(line) or self._routing(line)
        if found is None:
            return
        phase, done = found
        if phase != self._phase or done > self._done:
            self._phase, self._done = phase, max(done, self._done)
            self._report(phase, self._done)

    def _landmark(self, line: str) -> tuple[str, float] | None:
        for text, phase, done in _LANDMARKS:
            if text in line:
                return phase, done
        return None

    def _placing(self, line: str) -> tuple[str, float] | None:
        for pattern, phase, first, last in (
            (_ANALYTICAL, "placing", 0.1, PLACED),
            (_ANNEALING, "refining the placement", PLACED, REFINED),
        ):
            found = pattern.match(line)
            if found:
                number = int(found.group(1))
                return f"{phase}, iteration {number}", last - (last - first) * ITERATION**number
        return None

    def _routing(self, line: str) -> tuple[str, float] | None:
        """Router1 counts the arcs that are left, router2 the wires that several nets still want."""
        arcs, left, iteration = (pattern.match(line) for pattern in (_ARCS, _ROUTER1, _ROUTER2))
        if arcs:
            self._arcs = int(arcs.group(1))
        if left:
            number = int(left.group(1))
            self._arcs = max(self._arcs, number)
            share = 1 - number / max(self._arcs, 1)
            return f"routing, {number:,} arcs left", GLOBALS + (ROUTED - GLOBALS) * share
        if iteration:
            number = int(iteration.group(2))
            self._most_overused = max(self._most_overused, number)
            share = 1 - log1p(number) / max(log1p(self._most_overused), 1.0)
            text = f"routing, iteration {iteration.group(1)}, {number:,} wires overused"
            return text, GLOBALS + (ROUTED - GLOBALS) * max(share, 0.0)
        return None
