"""Estimated resources and clocks against those of routed designs.

``python bench/estimates.py DIR... [--json]``, where each DIR is what `tfl2hw build -o DIR` or
``bench/fmax.py`` has built, for example ``python bench/estimates.py build/fmax/*``.

What `tfl2hw inspect` estimates before any synthesis is compared with what nextpnr reported. Exits with 1
where DSPs or block RAMs differ, or the median error of logic cells is above a tenth.
"""

from __future__ import annotations

import json as json_format
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Annotated

import typer

from tfl2hw.cli.options import Json
from tfl2hw.cli.store import kept
from tfl2hw.cli.terminal import print_json, print_table
from tfl2hw.codegen.bitstream import RESULT
from tfl2hw.codegen.estimate import estimate, expected_mhz
from tfl2hw.codegen.write import board_config
from tfl2hw.errors import Tfl2hwError, UsageError

TOLERANCE = 0.1
NAMES = {"LC": "luts", "LUT": "luts", "FF": "flip_flops", "DSP": "dsps", "block RAM": "block_rams"}
"""nextpnr's resources, and those of an estimate."""

APPROXIMATE = {"luts": "LUT (LC)", "flip_flops": "FF", "mhz": "Fmax MHz"}
EXACT = {"dsps": "DSP", "block_rams": "block RAM"}


@dataclass(frozen=True, kw_only=True)
class Row:
    """One build: what was estimated and what was reported, by the same names."""

    model: str
    board: str
    shape: str
    estimated: dict[str, float]
    reported: dict[str, float]

    def error(self, name: str) -> float:
        """The share by which the estimate of ``name`` is too high."""
        return self.estimated[name] / self.reported[name] - 1


def measure(directory: Path) -> Row:
    """The row of the build in ``directory``. Raises UsageError where none ended there."""
    file = directory / "build" / RESULT
    if not file.is_file():
        raise UsageError(f"{directory}: no build ended there (build/{RESULT} is missing)")
    compiled, facts = kept(directory), json_format.loads(file.read_text())
    config, family = board_config(compiled), compiled.board.family
    guess = estimate(config, family)
    return Row(
        model=compiled.file.stem if compiled.file.stem != "model" else directory.name.split("-")[0],
        board=compiled.board.name,
        shape=f"{config.lanes}x{config.columns}, Q = {config.requantizers}",
        estimated=asdict(guess) | {"mhz": expected_mhz(config, family)},
        reported={NAMES[name]: used for name, (used, _) in facts["resources"].items() if name in NAMES}
        | {"mhz": facts["fmax_mhz"]},
    )


def summary(rows: list[Row]) -> dict[str, dict[str, float]]:
    """Median and worst error, without sign, of each quantity."""
    errors = {
        name: [abs(row.error(name)) for row in rows if name in row.reported] for name in APPROXIMATE | EXACT
    }
    return {
        name: {"median": median(values), "worst": max(values)} for name, values in errors.items() if values
    }


def main(
    directories: Annotated[list[Path], typer.Argument(metavar="DIR...", show_default=False)],
    json: Json = False,
) -> None:
    """Compare builds with their estimates."""
    try:
        rows = [measure(directory) for directory in directories]
    except Tfl2hwError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(error.exit_code) from None
    totals = summary(rows)
    if json:
        print_json({"rows": [asdict(row) for row in rows], "summary": totals})
    else:
        _print(rows, totals)
    good = totals["luts"]["median"] <= TOLERANCE and not any(totals[name]["worst"] for name in EXACT)
    raise typer.Exit(0 if good else 1)


def _print(rows: list[Row], totals: dict[str, dict[str, float]]) -> None:
    """A row a build, and the errors of all."""
    names = APPROXIMATE | EXACT
    header = ["model", "board", "array", *(f"{title}, estimated / nextpnr" for title in names.values())]
    cells = [[row.model, row.board, row.shape, *(_compared(row, name) for name in names)] for row in rows]
    print_table("Estimates", header, cells, "   rrrrr")
    errors = [
        [title, *(f"{totals[name][kind]:.1%}" for kind in ("median", "worst"))]
        for name, title in names.items()
        if name in totals
    ]
    print_table(f"Errors of {len(rows)} builds", ["what", "median", "worst"], errors, " rr")


def _compared(row: Row, name: str) -> str:
    if name not in row.reported:
        return ""
    error = "" if name in EXACT else f" ({row.error(name):+.0%})"
    return f"{row.estimated[name]:,.0f} / {row.reported[name]:,.0f}{error}"


if __name__ == "__main__":
    typer.run(main)
