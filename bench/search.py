"""The shape that the search chooses against the best of all that there are.

``python bench/search.py [MODEL]... [--board B]... [--json]``

For each model and board every shape is compiled as if it had been asked for, and its expected latency is
compared with that of the shape chosen. Exits with 1 where a choice is more than 5 % slower than the best.
Without MODEL: those of ``bench/cycles.py``; without a board: iCEBreaker and the ULX3S 25F, 45F and 85F.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer
from cycles import models

from tfl2hw.boards import Board, get
from tfl2hw.cli.options import Json
from tfl2hw.cli.terminal import note, print_json, print_table, progress
from tfl2hw.codegen import Source, compile_source
from tfl2hw.codegen.estimate import estimate, expected_mhz
from tfl2hw.codegen.search import Candidate, excess, shapes_of
from tfl2hw.errors import DoesNotFit, Tfl2hwError, UsageError
from tfl2hw.schedule.shape import Shape

BOARDS = ("icebreaker", "ulx3s-25f", "ulx3s-45f", "ulx3s-85f")
MOST = 1.05
"""The choice's latency, at most, as a multiple of the best one's."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One model on one board. ``ratio`` is the choice's latency over the best one's.

    ``swept`` shapes were compiled, ``fitting`` of them fit; ``refused`` is why none does.
    """

    model: str
    board: str
    chosen: str | None
    chosen_cycles: int | None
    best: str | None
    best_cycles: int | None
    ratio: float | None
    seconds: float | None
    swept: int
    fitting: int
    refused: str | None

    @property
    def good(self) -> bool:
        """Whether the choice is near the best, or both find nothing."""
        if self.ratio is None:
            return not self.fitting
        return self.ratio <= MOST


def sweep(source: Source, board: Board, shape: Shape) -> Candidate:
    """``shape`` by itself."""
    try:
        compiled = compile_source(source, board.name, shape.lanes, shape.columns, shape.requantizers)
    except DoesNotFit as refusal:
        return Candidate(shape=shape, refused=str(refusal))
    resources = estimate(compiled.config, board.family)
    return Candidate(
        shape=shape,
        cycles=compiled.predicted_cycles,
        mhz=expected_mhz(compiled.config, board.family),
        resources=resources,
        refused=excess(resources, board),
    )


def measure(source: Source, board: Board) -> Row:
    """The row of a model on ``board``. Raises Tfl2hwError for one that is refused anywhere."""
    every = [sweep(source, board, shape) for shape in shapes_of(board, None, None)]
    fitting = [each for each in every if each.refused is None]
    best = min(fitting, key=lambda each: each.milliseconds or 0.0, default=None)
    chosen, seconds, refused = None, None, None
    try:
        found = compile_source(source, board.name).search
        assert found is not None, "a board with a chip has no search"
        chosen, seconds = found.chosen, round(found.seconds, 2)
    except DoesNotFit as refusal:
        refused = str(refusal).removeprefix(f"{source.path}: ")
    ratio = None
    if best is not None and chosen is not None:
        assert chosen.milliseconds is not None
        assert best.milliseconds is not None
        ratio = chosen.milliseconds / best.milliseconds
    return Row(
        model=source.path.stem, board=board.name,
        chosen=None if chosen is None else _named(chosen.shape),
        chosen_cycles=None if chosen is None else chosen.cycles,
        best=None if best is None else _named(best.shape),
        best_cycles=None if best is None else best.cycles,
        ratio=ratio, seconds=seconds, swept=len(every), fitting=len(fitting), refused=refused,
    )  # fmt: skip


def _named(shape: Shape) -> str:
    return f"{shape.lanes}x{shape.columns}, Q = {shape.requantizers}"


def main(
    named: Annotated[list[Path] | None, typer.Argument(metavar="[MODEL]...", show_default=False)] = None,
    boards: Annotated[list[str] | None, typer.Option("--board", help="May be repeated.")] = None,
    json: Json = False,
) -> None:
    """Compare the search's choice with the best shape of a sweep."""
    try:
        chosen = [get(name) for name in boards or BOARDS]
        if not all(board.chip for board in chosen):
            raise UsageError("a board without a chip has one shape alone: there is nothing to search for")
        rows = []
        with progress("sweeping") as tell:
            for source in map(Source, models(named or [])):
                for board in chosen:
                    tell(f"{source.path.stem} on {board.name}", None)
                    rows.append(measure(source, board))
    except (LookupError, Tfl2hwError) as problem:
        typer.echo(f"error: {problem.args[0]}", err=True)
        raise typer.Exit(2) from None
    if json:
        print_json({"rows": [asdict(row) | {"good": row.good} for row in rows]})
    else:
        _print(rows)
    raise typer.Exit(0 if all(row.good for row in rows) else 1)


def _print(rows: list[Row]) -> None:
    header = (
        "model",
        "board",
        "chosen",
        "cycles",
        "best",
        "cycles",
        "ratio",
        "seconds",
        "fit / swept",
        "good",
    )
    cells = [
        (
            row.model, row.board, row.chosen, row.chosen_cycles, row.best, row.best_cycles,
            None if row.ratio is None else f"{row.ratio:.3f}", row.seconds, f"{row.fitting} / {row.swept}",
            "yes" if row.good else "NO",
        )
        for row in rows
    ]  # fmt: skip
    print_table("The search's choice and the best of a sweep", header, cells, "   r rrrr ")
    for row in rows:
        if row.refused is not None:
            note(f"{row.model} on {row.board}: {row.refused}")


if __name__ == "__main__":
    typer.run(main)
