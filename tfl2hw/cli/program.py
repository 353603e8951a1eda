"""`tfl2hw program`: the bitstream onto the board."""

from __future__ import annotations

from tfl2hw.cli import backend
from tfl2hw.cli.options import Directory
from tfl2hw.cli.terminal import progress, say


def program(directory: Directory) -> None:
    """Load the bitstream in DIR onto its board."""
    with progress("programming") as tell:
        backend.program(directory, tell)
    say("programmed")
