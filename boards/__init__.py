"""The boards, by name. A new one is one value in one file, and one row here.

A board from outside this package is either an entry point of the group ``tfl2hw.boards``, whose object is a
``Board``, or a Python file with a variable ``BOARD``, which stands where the name of a board does.
"""

from __future__ import annotations

import runpy
from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path

from .board import Board, Chip
from .colorlight import COLORLIGHT_I5, COLORLIGHT_I9
from .ecp5_evn import ECP5_EVN
from .ecpix5 import ECPIX5_45F, ECPIX5_85F
from .ice40_hx8k import ICE40_HX8K_B_EVN
from .icebreaker import ICEBREAKER
from .icesugar import ICESUGAR
from .orangecrab import ORANGECRAB_25F, ORANGECRAB_85F
from .overlay import SUFFIX, overlay
from .sim_large import SIM_LARGE
from .ulx3s import ULX3S_12F, ULX3S_25F, ULX3S_45F, ULX3S_85F
from .upduino import UPDUINO_V3

__all__ = [
    "OURS", "SUFFIX", "Board", "BrokenBoard", "Chip", "UnknownBoard", "boards", "get", "overlay",
]  # fmt: skip

GROUP = "tfl2hw.boards"
"""The group of entry points that name boards."""

OURS = (
    ICEBREAKER, ICESUGAR, UPDUINO_V3, ICE40_HX8K_B_EVN,
    ULX3S_12F, ULX3S_25F, ULX3S_45F, ULX3S_85F, COLORLIGHT_I5, COLORLIGHT_I9,
    ORANGECRAB_25F, ORANGECRAB_85F, ECPIX5_45F, ECPIX5_85F, ECP5_EVN, overlay(ULX3S_85F), SIM_LARGE,
)  # fmt: skip


class UnknownBoard(LookupError):
    """No board has this name; the message lists those that there are."""


class BrokenBoard(LookupError):
    """A board from outside is not described as it must be; the message says where and why."""


@cache
def boards() -> Mapping[str, Board]:
    """All boards by name: ours, then those of other installed packages.

    Raises
    ------
    BrokenBoard : an entry point gives something else than a board, or a name that is taken.
    """
    known = {board.name: board for board in OURS}
    for entry in entry_points(group=GROUP):
        package = "" if entry.dist is None else f" of the package {entry.dist.name} {entry.dist.version}"
        where = f"the entry point {entry.name!r} = {entry.value!r} of the group {GROUP}{package}"
        try:
            found = entry.load()
        except Exception as problem:
            raise BrokenBoard(f"{where} cannot be loaded: {problem}") from problem
        board = _checked(found, where)
        if board.name in known:
            raise BrokenBoard(f"{where} is a board named {board.name!r}, which there is already")
        known[board.name] = board
    return known


def get(name: str) -> Board:
    """The board called ``name``, or the one in the Python file ``name``.

    Raises
    ------
    UnknownBoard : there is none.
    BrokenBoard : the file has no board, or another package's board is broken.
    """
    if name.endswith(".py"):
        return _from_file(Path(name))
    ours = {board.name: board for board in OURS}
    if name in ours:  # without looking at other packages, whose boards may be made from ours
        return ours[name]
    known = boards()
    if name in known:
        return known[name]
    near = get_close_matches(name.lower(), known, n=1)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    raise UnknownBoard(f"there is no board {name!r}{hint}; the boards are {', '.join(known)}")


def _from_file(file: Path) -> Board:
    if not file.is_file():
        raise UnknownBoard(f"{file}: no such file; a board is a name or a Python file with a variable BOARD")
    try:
        found = runpy.run_path(str(file))
    except Exception as problem:
        raise BrokenBoard(f"{file}: cannot be run: {type(problem).__name__}: {problem}") from problem
    if "BOARD" not in found:
        raise BrokenBoard(f"{file}: has no variable BOARD; it must hold a tfl2hw.boards.Board")
    return _checked(found["BOARD"], f"{file}: BOARD")


def _checked(found: object, where: str) -> Board:
    if not isinstance(found, Board):
        raise BrokenBoard(f"{where} is {type(found).__name__}, not a tfl2hw.boards.Board")
    return found
