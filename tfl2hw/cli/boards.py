"""`tfl2hw boards`: what there is to build for."""

from __future__ import annotations

from typing import Annotated

import typer

from tfl2hw import boards as known_boards
from tfl2hw.boards import Board
from tfl2hw.cli.document import boards_page
from tfl2hw.cli.options import Json
from tfl2hw.cli.report import Object
from tfl2hw.cli.terminal import print_json, print_table


def boards(
    json: Json = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print docs/boards.md.")] = False,
) -> None:
    """List the boards."""
    if markdown:
        typer.echo(boards_page(), nl=False)
        return
    known = [_facts(board) for board in known_boards.boards().values()]
    if json:
        print_json({"boards": known})
        return
    rows = [
        (b["name"], b["title"], b["chip"] or "-", f"{b['lanes']} x {b['columns']}", b["target_mhz"])
        for b in known
    ]
    print_table("", ("name", "board", "chip", "lanes x columns", "clock MHz"), rows, "    r")


def _facts(board: Board) -> Object:
    return {
        "name": board.name,
        "title": board.title,
        "chip": None if board.chip is None else board.chip.name,
        "lanes": board.lanes,
        "columns": board.columns,
        "target_mhz": board.target_mhz,
        "link": board.link,
        "baud": board.baud,
    }
