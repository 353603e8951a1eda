"""Builds bitstreams and says what clock they reach.

``python bench/fmax.py MODEL:BOARD[:LANESxCOLUMNS][@MHZ]... [--seed N]... [-o DIR] [--json]``, as in
``python bench/fmax.py examples/digits/digits_int8.tflite:icebreaker --seed 1 --seed 2``.

A build takes minutes. A row is printed as soon as it is there. Folders in DIR (default ``build/fmax``) are
those of `tfl2hw build`, logs included: `tfl2hw run`, `tfl2hw verify` and ``bench/estimates.py`` take them.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer

from tfl2hw.cli.options import Json
from tfl2hw.cli.store import Settings, keep
from tfl2hw.cli.terminal import note, print_json, print_table, progress
from tfl2hw.codegen.bitstream import build_bitstream
from tfl2hw.codegen.write import board_core, write_files
from tfl2hw.errors import Tfl2hwError, UsageError
from tfl2hw.report import write_report
from tfl2hw.report.built import built

_DESIGN = re.compile(
    r"(?P<model>.+\.tflite):(?P<board>[\w.-]+)"
    r"(?::(?P<lanes>\d+)x(?P<columns>\d+))?(?:@(?P<clock>[\d.]+))?"
)


@dataclass(frozen=True, kw_only=True)
class Row:
    """One build. ``resources`` maps a name to (used, available), ``seconds`` a stage to its duration.

    Where the build failed all is None but ``error``.
    """

    model: str
    board: str
    lanes: int | None = None
    columns: int | None = None
    seed: int
    fmax_mhz: float | None = None
    target_mhz: float | None = None
    predicted_cycles: int | None = None
    latency_ms: float | None = None
    resources: dict[str, tuple[int, int]] | None = None
    seconds: dict[str, float] | None = None
    error: str | None = None


def build(design: str, seed: int, out: Path) -> Row:
    """Build ``design`` with ``seed``; a refusal or a failed tool becomes the row's ``error``."""
    match = _DESIGN.fullmatch(design)
    if match is None:
        raise UsageError(f"{design!r}: a design is MODEL.tflite:BOARD[:LANESxCOLUMNS][@MHZ]")
    model, board = Path(match["model"]), match["board"]
    shape = (int(match["lanes"]), int(match["columns"])) if match["lanes"] else (None, None)
    clock = float(match["clock"]) if match["clock"] else None
    try:
        settings = Settings(
            board=board, numerics="litert-ref", lanes=shape[0], columns=shape[1], clock_mhz=clock
        )
        compiled = settings.compile(model)
        config = compiled.config
        directory = out / f"{model.stem}-{board}-{config.lanes}x{config.columns}-{seed}"
        write_files(compiled, directory)
        keep(model, settings.settled(compiled), directory)
        with progress(f"{model.stem} on {board}") as tell:
            result = build_bitstream(
                lambda: board_core(compiled),
                compiled.board,
                directory,
                tell,
                seeds=[seed],
            )
        write_report(compiled, directory, built=built(result))
    except Tfl2hwError as error:
        return Row(model=model.stem, board=board, seed=seed, error=str(error))
    return Row(
        model=model.stem,
        board=board,
        lanes=config.lanes,
        columns=config.columns,
        seed=seed,
        fmax_mhz=result.fmax_mhz,
        target_mhz=result.target_mhz,
        predicted_cycles=compiled.predicted_cycles,
        latency_ms=round(compiled.predicted_cycles / result.target_mhz / 1e3, 3),
        resources=result.resources,
        seconds=result.seconds,
    )


def main(
    designs: Annotated[list[str], typer.Argument(metavar="MODEL:BOARD[:CxK][@MHZ]...", show_default=False)],
    seeds: Annotated[list[int] | None, typer.Option("--seed", help="Of the placer; may be repeated.")] = None,
    out: Annotated[Path, typer.Option("-o", "--output", metavar="DIR")] = Path("build/fmax"),
    json: Json = False,
) -> None:
    """Build every design with every seed. Exits with 1 where one failed or missed its clock."""
    rows = []
    try:
        for design in designs:
            for seed in seeds or [1]:
                rows.append(build(design, seed, out))
                note(_line(rows[-1]))
    except UsageError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(error.exit_code) from None
    if json:
        print_json({"rows": [asdict(row) for row in rows]})
    else:
        _print(rows)
    raise typer.Exit(0 if all(_met(row) for row in rows) else 1)


def _met(row: Row) -> bool:
    return row.fmax_mhz is not None and row.target_mhz is not None and row.fmax_mhz >= row.target_mhz


def _line(row: Row) -> str:
    if row.error is not None:
        return f"{row.model} on {row.board}: {row.error}"
    verdict = "met" if _met(row) else "MISSED"
    return (
        f"{row.model} on {row.board}, seed {row.seed}: {row.fmax_mhz} MHz, target {row.target_mhz}: {verdict}"
    )


def _resources(row: Row) -> str:
    return ", ".join(f"{name} {used}/{there}" for name, (used, there) in (row.resources or {}).items())


def _print(rows: list[Row]) -> None:
    header = (
        "model",
        "board",
        "array",
        "seed",
        "Fmax MHz",
        "target",
        "met",
        "cycles",
        "ms",
        "resources",
        "s",
    )
    cells = [
        (
            row.model,
            row.board,
            None if row.lanes is None else f"{row.lanes}x{row.columns}",
            row.seed,
            row.fmax_mhz,
            row.target_mhz,
            "yes" if _met(row) else "NO",
            row.predicted_cycles,
            None if row.latency_ms is None else f"{row.latency_ms:.3f}",
            row.error or _resources(row),
            None if row.seconds is None else f"{sum(row.seconds.values()):.0f}",
        )
        for row in rows
    ]  # fmt: skip
    print_table("Clock after routing", header, cells, "   rrr rr r")


if __name__ == "__main__":
    typer.run(main)
