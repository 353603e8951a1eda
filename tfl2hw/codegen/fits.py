"""Which boards a model fits, and what its core would take of each: known before any synthesis."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, replace

from tfl2hw.boards import Board, boards
from tfl2hw.errors import Tfl2hwError

from .compile import Compiled, Source, compile_source
from .estimate import Resources, estimate, expected_mhz
from .write import board_config


@dataclass(frozen=True, kw_only=True, eq=False)
class Fit:
    """A model on ``board``: what it was ``compiled`` to, or why it was ``refused``.

    ``resources``, board top included, and ``mhz``, the clock that such a core can be expected to reach, are
    estimates; both are None on a board without a chip. See ``bench/estimates.py`` for how good they are.
    """

    board: Board
    compiled: Compiled | None = None
    refused: str | None = None
    resources: Resources | None = None
    mhz: float | None = None

    @property
    def milliseconds(self) -> float | None:
        """The latency at ``mhz``."""
        if self.compiled is None or self.mhz is None:
            return None
        return round(self.compiled.predicted_cycles / self.mhz / 1e3, 3)


def fits(source: Source) -> Iterator[Fit]:
    """``source`` on every board that there is. Boards with the same chip are searched once."""
    known: dict[Hashable, Fit] = {}
    for board in boards().values():
        key = _alike(board)
        if key not in known:
            known[key] = _fit(source, board)
        yield _renamed(known[key], board)


def _alike(board: Board) -> Hashable:
    """Equal for boards that get the same core."""
    chip = None if board.chip is None else replace(board.chip, name="", nextpnr=())
    return (
        board.family, chip, board.lanes, board.columns, board.requantizers, board.scratchpad,
        board.scratchpad_words, board.bank_depth, board.vector_lanes, board.core,
    )  # fmt: skip


def _fit(source: Source, board: Board) -> Fit:
    try:
        compiled = compile_source(source, board.name)
    except Tfl2hwError as refusal:
        return Fit(board=board, refused=str(refusal))
    if board.chip is None:
        return Fit(board=board, compiled=compiled)
    config = board_config(compiled)
    resources, mhz = estimate(config, board.family), expected_mhz(config, board.family)
    return Fit(board=board, compiled=compiled, resources=resources, mhz=mhz)


def _renamed(fit: Fit, board: Board) -> Fit:
    """The same on ``board``, which is like the other one in all that counts."""
    refused = None if fit.refused is None else fit.refused.replace(fit.board.name, board.name)
    return replace(fit, board=board, refused=refused)
