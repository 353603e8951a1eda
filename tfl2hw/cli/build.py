"""`tfl2hw build`: the bitstream."""

from __future__ import annotations

import typer

from tfl2hw.cli import backend
from tfl2hw.cli.options import Arithmetic, Board, Columns, Json, Lanes, Model, Output
from tfl2hw.cli.results import Bitstream
from tfl2hw.cli.store import keep_model
from tfl2hw.cli.terminal import print_json, print_table, progress, say


def build(
    model: Model,
    board: Board,
    output: Output,
    numerics: Arithmetic = "litert-ref",
    lanes: Lanes = None,
    columns: Columns = None,
    json: Json = False,
) -> None:
    """Compile, synthesise, place, route and pack: the bitstream of MODEL for a board."""
    with progress("compiling") as tell:
        compiled = backend.compile_model(model, board, numerics, lanes, columns)
        keep_model(model, output)
        backend.write_compiled(compiled, output)
        result = backend.build(compiled, output, tell)
    if json:
        print_json(result.as_json())
    else:
        _print(f"{model.name} on {board}", result)
    raise typer.Exit(0 if result.meets_timing else 1)


def _print(title: str, result: Bitstream) -> None:
    """Resources, clock, latency and where the file is."""
    rows = [
        (name, resource.used, resource.available, f"{resource.used / resource.available:.0%}")
        for name, resource in result.resources.items()
        if resource.available
    ]
    print_table(title, ("resource", "used", "available", "share"), rows, " rrr")
    verdict = "met" if result.meets_timing else "MISSED"
    say(f"Fmax {result.fmax_mhz:.1f} MHz, target {result.target_mhz:.1f} MHz: timing {verdict}")
    say(f"{result.cycles:,} cycles an inference: {result.latency_ms:.3f} ms at {result.target_mhz:.1f} MHz")
    say(f"bitstream: {result.file}")
