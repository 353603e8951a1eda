"""`tfl2hw build`: the bitstream."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from pathlib import Path
from typing import Annotated

import typer

from tfl2hw.cli import report
from tfl2hw.cli.options import (
    Arithmetic,
    Clock,
    Columns,
    Json,
    Lanes,
    Multiplier,
    OptionalBoard,
    Output,
    Overlay,
    Quiet,
    Reusable,
    Reuse,
    Seeds,
)
from tfl2hw.cli.overlay import build_overlay
from tfl2hw.cli.reuse import check_options, reuse_build
from tfl2hw.cli.store import Settings, keep
from tfl2hw.cli.terminal import note, print_json, print_table, progress, say
from tfl2hw.codegen import Compiled
from tfl2hw.codegen.bitstream import BuildResult, build_bitstream, build_fastest, pll_for, require_tools
from tfl2hw.codegen.write import board_core, write_files
from tfl2hw.errors import UsageError
from tfl2hw.report import write_report
from tfl2hw.report.built import built
from tfl2hw.runtime.flash import write_flash_image


def build(
    output: Output,
    model: Annotated[
        Path | None, typer.Argument(metavar="MODEL", help="An int8 .tflite file.", show_default=False)
    ] = None,
    board: OptionalBoard = None,
    numerics: Arithmetic = "litert-ref",
    lanes: Lanes = None,
    columns: Columns = None,
    multiplier: Multiplier = None,
    seeds: Seeds = 1,
    clock: Clock = None,
    reuse: Reuse = None,
    reusable: Reusable = False,
    overlay: Overlay = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Compile, synthesise, place, route and pack: the bitstream of MODEL for a board.

    Exits with 1 where the routed design misses its clock.
    """
    shown = not (json or quiet)
    other = bool(lanes or columns or clock or reusable or multiplier)
    if overlay:
        others = other or numerics != "litert-ref" or reuse is not None
        facts, title = build_overlay(model, _given(board), output, seeds, others=others, shown=shown)
    elif model is None:
        raise UsageError("build takes a MODEL, or --overlay: a bitstream onto which models are loaded")
    else:
        if reuse is not None:
            check_options(reuse, board, numerics, other or seeds > 1)
            with progress("compiling", shown=shown) as tell:
                compiled, result = reuse_build(model, reuse, output, tell)
        else:
            settings = Settings(
                board=_given(board),
                numerics=numerics,
                lanes=lanes,
                columns=columns,
                clock_mhz=None if clock in (None, "auto") else _megahertz(clock),
                headroom=reusable,
                multiplier=multiplier,
            )
            compiled, result = _build(model, settings, output, seeds, auto=clock == "auto", shown=shown)
        flash = write_flash_image(compiled, result.bitstream)
        pages = report.figures(*write_report(compiled, output, built=built(result)))
        facts = report.build(compiled, result) | report.flash(compiled, flash, result.target_mhz) | pages
        facts["reused"] = reuse is not None
        title = f"{model.name} on {compiled.board.name}"
        if not json:
            report.print_search(compiled)
    if json:
        print_json(facts)
    else:
        _print(title, facts)
        if "report" in facts:
            note(f"report: {facts['report']}")
    raise typer.Exit(0 if facts["meets_timing"] else 1)


def _given(board: str | None) -> str:
    if board is None:
        raise UsageError("--board is missing: `tfl2hw boards` lists their names.")
    return board


def _build(
    model: Path, settings: Settings, output: Path, seeds: int, *, auto: bool, shown: bool
) -> tuple[Compiled, BuildResult]:
    """Everything from MODEL to bitstream."""
    with progress("compiling", shown=shown) as tell:
        compiled = settings.compile(model)
        tell("writing Verilog", None)
        pll_for(compiled.board)  # refuses a board that has no chip before anything is written
        require_tools(compiled.board)
        write_files(compiled, output)
        settings = settings.settled(compiled)
        keep(model, settings, output)
        write_report(compiled, output, building=True)
        result = (build_fastest if auto else build_bitstream)(
            lambda: board_core(compiled),
            compiled.board,
            output,
            tell,
            seeds=range(1, seeds + 1),
        )
        if auto:
            compiled = compiled.at_clock(result.target_mhz)
            write_files(compiled, output)
            keep(model, replace(settings, clock_mhz=result.target_mhz), output)
    return compiled, result


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
    if facts.get("flash"):
        say(f"with the weights, for the board's flash: {facts['flash']}")
        say(f"the board answers {facts['boot_ms']:.0f} ms after its reset")
