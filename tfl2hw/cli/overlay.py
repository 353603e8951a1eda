"""`tfl2hw build --overlay`: the bitstream of a board's one core, onto which models are loaded."""

from __future__ import annotations

from pathlib import Path

from tfl2hw import boards
from tfl2hw.boards import Board
from tfl2hw.cli import report
from tfl2hw.cli.store import Settings, keep_settings
from tfl2hw.cli.terminal import progress
from tfl2hw.codegen.bitstream import build_bitstream
from tfl2hw.codegen.configure import prebuilt
from tfl2hw.errors import UsageError
from tfl2hw.rtl_templates.core import Core
from tfl2hw.rtl_templates.image import EMPTY

ROUTER = "router2"
"""For a chip whose block RAMs are nearly all taken: nextpnr's default for ECP5 gets slow there."""


def build_overlay(
    model: Path | None, name: str, output: Path, seeds: int, *, others: bool, shown: bool
) -> tuple[report.Object, str]:
    """Build the overlay of the board called ``name``, or of the one that it is the overlay of.

    What `--json` prints, and a title. ``others`` : whether options were given that only a model's own core
    has. ``shown`` : whether progress is.

    Raises
    ------
    UsageError : the board has no overlay, or something was given that an overlay does not take.
    """
    board = _overlay_of(name)
    if model is not None or others:
        raise UsageError(
            "build --overlay takes no MODEL, --numerics, --lanes, --columns or --clock: one bitstream serves "
            f"every model that fits; `tfl2hw compile MODEL --board {board.name} -o DIR` makes what "
            "`tfl2hw run DIR` loads onto it."
        )
    with progress("elaborating", shown=shown) as tell:
        config = prebuilt(board)
        output.mkdir(parents=True, exist_ok=True)
        settings = Settings(board=board.name, numerics="litert-ref", lanes=None, columns=None)
        keep_settings(settings, output)
        result = build_bitstream(
            lambda: Core(config, EMPTY), board, output, tell, seeds=range(1, seeds + 1), router=ROUTER
        )
    return report.bitstream(result) | {"identity": config.identity}, f"the overlay {board.name}"


def _overlay_of(name: str) -> Board:
    try:
        board = boards.get(name)
        return board if board.core and board.chip else boards.get(board.name + boards.SUFFIX)
    except LookupError as problem:
        known = [each.name for each in boards.boards().values() if each.core and each.chip]
        if isinstance(problem, boards.UnknownBoard) and name in boards.boards():
            reason = f"there is no overlay for {name}; there is one for {', '.join(known)}"
            raise UsageError(reason.replace(boards.SUFFIX, "")) from None
        raise UsageError(str(problem.args[0])) from None
