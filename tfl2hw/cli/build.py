"""`tfl2hw build`: the bitstream."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from tfl2hw.cli import report
from tfl2hw.cli.options import Arithmetic, Board, Clock, Columns, Json, Lanes, Output, Seeds
from tfl2hw.cli.overlay import build_overlay
from tfl2hw.cli.store import Settings, keep
from tfl2hw.cli.terminal import print_json, print_table, progress, say
from tfl2hw.codegen.bitstream import build_bitstream, build_fastest, pll_for
from tfl2hw.codegen.write import board_config, write_files
from tfl2hw.errors import UsageError
from tfl2hw.rtl_templates.core import Core


def build(
    board: Board,
    output: Output,
    model: Annotated[
        Path | None, typer.Argument(metavar="MODEL", help="An int8 .tflite file.", show_default=False)
    ] = None,
    numerics: Arithmetic = "litert-ref",
    lanes: Lanes = None,
    columns: Columns = None,
    seeds: Seeds = 1,
    clock: Clock = None,
    overlay: Annotated[
        bool,
        typer.Option("--overlay", help="Without MODEL: one core, onto which any model that fits is loaded."),
    ] = False,
    json: Json = False,
) -> None:
    """Compile, synthesise, place, route and pack: the bitstream of MODEL for a board.

    Exits with 1 where the routed design misses its clock.
    """
    if overlay:
        others = (numerics, lanes, columns, clock) != ("litert-ref", None, None, None)
        facts, title = build_overlay(model, board, output, seeds, others=others)
        _finish(title, facts, json=json)
    if model is None:
        raise UsageError("build takes a MODEL, or --overlay: a bitstream onto which models are loaded")
    auto = clock == "auto"
    settings = Settings(
        board=board,
        numerics=numerics,
        lanes=lanes,
        columns=columns,
        clock_mhz=None if clock is None or auto else _megahertz(clock),
    )
    with progress("compiling") as tell:
        compiled = settings.compile(model)
        pll_for(compiled.board)  # refuses a board that has no chip before anything is written
        write_files(compiled, output)
        settings = settings.settled(compiled)
        keep(model, settings, output)
        result = (build_fastest if auto else build_bitstream)(
            lambda: Core(board_config(compiled), compiled.core_image),
            compiled.board,
            output,
            tell,
            seeds=range(1, seeds + 1),
        )
        if auto:
            compiled = compiled.at_clock(result.target_mhz)
            write_files(compiled, output)
            keep(model, replace(settings, clock_mhz=result.target_mhz), output)
    if not json:
        report.print_search(compiled)
    _finish(f"{model.name} on {board}", report.build(compiled, result), json=json)


def _finish(title: str, facts: report.Object, *, json: bool) -> NoReturn:
    """Print what was built and exit."""
    if json:
        print_json(facts)
    else:
        _print(title, facts)
    raise typer.Exit(0 if facts["meets_timing"] else 1)


def _megahertz(text: str) -> float:
    """The clock that --clock names."""
    try:
        mhz = float(text)
    except ValueError:
        mhz = 0.0
    if not 0 < mhz < inf:
        raise UsageError(f"--clock {text}: not a clock; accepted: a number of MHz above 0, or auto.")
    return mhz


def _print(title: str, facts: report.Object) -> None:
    """Resources, clock, latency and where the file is."""
    rows = [
        (name, count["used"], count["available"], f"{count['used'] / count['available']:.0%}")
        for name, count in facts["resources"].items()
        if count["available"]
    ]
    print_table(title, ("resource", "used", "available", "share"), rows, " rrr")
    target = facts["target_mhz"]
    verdict = "met" if facts["meets_timing"] else "MISSED"
    say(f"Fmax {facts['fmax_mhz']:.1f} MHz, target {target:.1f} MHz: timing {verdict}")
    if "predicted_cycles" in facts:
        cycles, latency = facts["predicted_cycles"], facts["latency_ms"]
        say(f"{cycles:,} cycles an inference: {latency:.3f} ms at {target:.1f} MHz")
    say(f"bitstream: {facts['bitstream']}")
