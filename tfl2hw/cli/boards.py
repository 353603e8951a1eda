"""`tfl2hw boards`: what there is to build for."""

from __future__ import annotations

from tfl2hw.cli import backend
from tfl2hw.cli.options import Json
from tfl2hw.cli.terminal import print_json, print_table


def boards(json: Json = False) -> None:
    """List the boards."""
    known = backend.boards()
    if json:
        print_json({"boards": [board.as_json() for board in known]})
        return
    rows = [(b.name, b.chip, f"{b.lanes} x {b.columns}", b.clock_mhz, b.link) for b in known]
    print_table("", ("board", "chip", "lanes x columns", "clock MHz", "host link"), rows, "   r ")
