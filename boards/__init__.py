"""The boards, by name. A new one is one value in one file, and one row here."""

from __future__ import annotations

from difflib import get_close_matches

from .board import Board, Chip
from .icebreaker import ICEBREAKER
from .sim_large import SIM_LARGE
from .ulx3s import ULX3S_12F, ULX3S_25F, ULX3S_45F, ULX3S_85F

__all__ = ["BOARDS", "Board", "Chip", "UnknownBoard", "get"]

BOARDS: dict[str, Board] = {
    board.name: board for board in (ICEBREAKER, ULX3S_12F, ULX3S_25F, ULX3S_45F, ULX3S_85F, SIM_LARGE)
}


class UnknownBoard(LookupError):
    """No board has this name; the message lists those that there are."""


def get(name: str) -> Board:
    """The board called ``name``.

    Raises
    ------
    UnknownBoard : there is none.
    """
    if name in BOARDS:
        return BOARDS[name]
    near = get_close_matches(name.lower(), BOARDS, n=1)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    raise UnknownBoard(f"there is no board {name!r}{hint}; the boards are {', '.join(BOARDS)}")
