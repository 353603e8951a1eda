"""Chooses the shape of a core: every one that the board can hold, by the exact cycle model and estimates."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tfl2hw.boards import Board
from tfl2hw.errors import DoesNotFit
from tfl2hw.rtl_templates.config import CoreConfig
from tfl2hw.schedule.shape import COLUMNS, LANES, Shape

from .cycles import count_cycles
from .estimate import Resources, estimate, expected_mhz
from .program import Program

CEILING = {"ecp5": 0.8, "ice40": 0.95}
"""At most this part of a chip's logic cells may be taken, as estimated: routing needs room."""

TOLERANCE = 0.01
"""Shapes whose latency is so near to the best one's are as good; the smallest core of them is chosen."""

SOFT_PRODUCTS = 16
"""Of a chip without DSPs so many are tried. Where there are DSPs, the search makes no product without one:
``--lanes`` and ``--columns`` may."""

Attempt = Callable[[Shape], tuple[Program, CoreConfig]]
"""Makes the program and the core of a shape; raises DoesNotFit."""


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A shape that was considered.

    ``cycles`` are exact; ``resources`` and ``mhz`` are estimates. ``refused`` says why it does not fit; then
    the others may be None, where the search did not get so far.
    """

    shape: Shape
    cycles: int | None = None
    mhz: float | None = None
    resources: Resources | None = None
    refused: str | None = None

    @property
    def milliseconds(self) -> float | None:
        """The expected latency."""
        return None if self.cycles is None or self.mhz is None else self.cycles / self.mhz / 1e3


@dataclass(frozen=True, kw_only=True)
class Search:
    """What was ``considered``, which of it was ``chosen``, and the ``seconds`` that it took."""

    considered: tuple[Candidate, ...]
    chosen: Candidate
    seconds: float

    def by_array(self) -> list[Candidate]:
        """The best of each lanes x columns; where none of them fits, the one with fewest requantizers."""
        best: dict[tuple[int, int], Candidate] = {}
        for candidate in self.considered:
            key = (candidate.shape.lanes, candidate.shape.columns)
            if key not in best or _rank(candidate) < _rank(best[key]):
                best[key] = candidate
        chosen = self.chosen.shape
        return list((best | {(chosen.lanes, chosen.columns): self.chosen}).values())


def shapes_of(board: Board, lanes: int | None, columns: int | None) -> list[Shape]:
    """The shapes that the board could have, with what is given of them; none where there is no choice: on a
    board without a chip, or with a core that is there already.
    """
    if board.chip is None or board.core is not None:
        return []
    most = board.chip.multipliers or SOFT_PRODUCTS
    every = (board.lanes,) if board.streamed else LANES
    return [
        Shape(lanes=wide, columns=high, requantizers=1 << power)
        for wide in every
        for high in COLUMNS
        if wide % high == 0 and wide * high <= most
        if lanes in (None, wide) and columns in (None, high)
        for power in range(high.bit_length())
    ]


def search(attempt: Attempt, shapes: Sequence[Shape], board: Board, file: str) -> Search:
    """The shape with the least latency that fits ``board``.

    Raises
    ------
    DoesNotFit : none does; the sentence is that of the smallest one.
    """
    start = time.monotonic()
    considered = tuple(_candidate(attempt, shape, board, file) for shape in shapes)
    fitting = [each for each in considered if each.refused is None]
    if not fitting:
        raise DoesNotFit(f"{file}: {_smallest(considered).refused}")
    best = min(_latency(each) for each in fitting)
    near = [each for each in fitting if _latency(each) <= best * (1 + TOLERANCE)]
    chosen = min(near, key=lambda each: (_cells(each), _latency(each)))
    return Search(considered=considered, chosen=chosen, seconds=time.monotonic() - start)


def _candidate(attempt: Attempt, shape: Shape, board: Board, file: str) -> Candidate:
    """What becomes of a shape on ``board``; its core may have fewer requantizers than were asked for."""
    try:
        program, config = attempt(shape)
    except DoesNotFit as refusal:
        return Candidate(shape=shape, refused=str(refusal).removeprefix(f"{file}: "))
    resources = estimate(config, board.family)
    return Candidate(
        shape=Shape(lanes=config.lanes, columns=config.columns, requantizers=config.requantizers),
        cycles=count_cycles(program.words, config).total,
        mhz=expected_mhz(config, board.family),
        resources=resources,
        refused=excess(resources, board),
    )


def excess(resources: Resources, board: Board) -> str | None:
    """What of the board's chip the core takes too much of; None where it fits."""
    chip, ceiling = board.chip, CEILING[board.family]
    assert chip is not None, "a board without a chip has no limits"
    if resources.dsps > chip.dsps:
        return f"it needs {resources.dsps} DSPs, {chip.name} has {chip.dsps}"
    for what, needed, there in (
        ("LUTs", resources.luts, chip.luts),
        ("flip-flops", resources.flip_flops, chip.flip_flops),
    ):
        if needed > ceiling * there:
            most = int(ceiling * there)
            return f"it needs about {needed} {what}, at most {most} of {chip.name}'s {there} are taken"
    return None


def _smallest(considered: Sequence[Candidate]) -> Candidate:
    """Of candidates that do not fit the one to tell the user about: few products, then few requantizers."""
    return min(considered, key=lambda each: (each.shape.lanes * each.shape.columns, each.shape.requantizers))


def _rank(candidate: Candidate) -> tuple[bool, float, int]:
    refused = candidate.refused is not None
    return refused, 0.0 if refused else _latency(candidate), candidate.shape.requantizers


def _latency(candidate: Candidate) -> float:
    assert candidate.milliseconds is not None, "what fits has a latency"
    return candidate.milliseconds


def _cells(candidate: Candidate) -> int:
    return 0 if candidate.resources is None else candidate.resources.luts
