"""`tfl2hw program`: the bitstream onto the board."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tfl2hw.boards import Board, get
from tfl2hw.cli.options import Directory
from tfl2hw.cli.store import kept_settings
from tfl2hw.cli.terminal import say
from tfl2hw.errors import ToolError, UsageError


def program(directory: Directory) -> None:
    """Load the bitstream in DIR onto its board."""
    board = get(kept_settings(directory).board)
    bitstreams = [file for suffix in (".bit", ".bin") for file in directory.glob(f"{board.name}{suffix}")]
    if not bitstreams:
        raise UsageError(
            f"{directory}: no bitstream for {board.name} there; `tfl2hw build MODEL -o DIR` makes one"
        )
    _load(board, bitstreams[0])
    say(f"{board.name} holds {bitstreams[0]}")


def _load(board: Board, bitstream: Path) -> None:
    """Call the first of the board's loaders that is installed; what it says goes to the terminal."""
    there = [command for command in board.program if shutil.which(command[0])]
    if not there:
        names = " or ".join(command[0] for command in board.program)
        raise ToolError(
            f"loading a bitstream onto {board.name} takes {names}, and none is on PATH: install one"
        )
    done = subprocess.run([*there[0], str(bitstream)], check=False)
    if done.returncode:
        raise ToolError(f"{there[0][0]} failed with code {done.returncode}: is the board plugged in?")
