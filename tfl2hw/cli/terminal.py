"""What goes to the terminal: tables or JSON on stdout, progress on stderr and only where someone looks."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table

WIDTH = 140
"""Columns of a table that goes to a file or a pipe."""

Tell = Callable[[str, "float | None"], None]
"""Takes what is being done now, and how much of it is done (0 to 1, or None where nobody knows)."""


def say(line: str = "") -> None:
    """One line on stdout, never wrapped."""
    print(line)


def note(line: str) -> None:
    """One line on stderr."""
    print(line, file=sys.stderr)


def print_json(value: dict[str, Any]) -> None:
    """The one object that `--json` promises."""
    print(json.dumps(value, indent=2))


def print_table(title: str, header: Sequence[str], rows: Sequence[Sequence[object]], right: str = "") -> None:
    """A table on stdout. ``right`` has an ``r`` for each column that is set flush right, else a blank."""
    console = Console(width=None if sys.stdout.isatty() else WIDTH, highlight=False)
    table = Table(title=title or None, title_justify="left", title_style="bold", header_style="bold")
    for position, name in enumerate(header):
        flush = right[position : position + 1] == "r"
        table.add_column(name, justify="right" if flush else "left", overflow="fold")
    for row in rows:
        table.add_row(*(show(cell) for cell in row))
    console.print(table, markup=False)


def show(value: object) -> str:
    """A cell's text: thousands apart, two decimals, a dash for nothing."""
    if value is None:
        return "-"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.2f}"
    return str(value).replace("[", "\\[")


def short(name: str, most: int = 40) -> str:
    """A tensor's name, cut to ``most`` characters: TensorFlow's names list every node that was fused."""
    first = name.split(";")[0]
    return first if len(first) <= most else "…" + first[1 - most :]


@contextmanager
def progress(first: str, *, shown: bool = True) -> Iterator[Tell]:
    """A line on stderr: what goes on, how much of it is done, for how long; gone when it is over.

    Nothing is written unless ``shown``, or where stderr is no terminal that can move its cursor.
    """
    console = Console(stderr=True)
    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=30),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not (shown and sys.stderr.isatty() and not console.is_dumb_terminal),
    )
    with bar:
        task = bar.add_task(first, total=None)

        def tell(text: str, done: float | None = None) -> None:
            bar.update(task, description=text, total=None if done is None else 1.0, completed=done or 0.0)

        yield tell
