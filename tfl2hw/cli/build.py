"""`tfl2hw build`: the bitstream."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from pathlib import Path

import typer

from tfl2hw.cli import report
from tfl2hw.cli.options import (
    Arithmetic,
    Clock,
    Columns,
    Json,
    Lanes,
    Model,
    OptionalBoard,
    Output,
    Reusable,
    Reuse,
    Seeds,
)
from tfl2hw.cli.reuse import check_options, reuse_build
from tfl2hw.cli.store import Settings, keep
from tfl2hw.cli.terminal import print_json, print_table, progress, say
from tfl2hw.codegen import Compiled
from tfl2hw.codegen.bitstream import BuildResult, build_bitstream, build_fastest, pll_for
from tfl2hw.codegen.write import board_config, write_files
from tfl2hw.errors import UsageError
from tfl2hw.rtl_templates.core import Core


def build(
    model: Model,
    output: Output,
    board: OptionalBoard = None,
    numerics: Arithmetic = "litert-ref",
    lanes: Lanes = None,
    columns: Columns = None,
    seeds: Seeds = 1,
    clock: Clock = None,
    reuse: Reuse = None,
    reusable: Reusable = False,
    json: Json = False,
) -> None:
    """Compile, synthesise, place, route and pack: the bitstream of MODEL for a board.

    Exits with 1 where the routed design misses its clock.
    """
    if reuse is not None:
        check_options(reuse, board, numerics, lanes or columns or clock or reusable or seeds > 1)
        with progress("compiling") as tell:
            compiled, result = reuse_build(model, reuse, output, tell)
    else:
        if board is None:
            raise UsageError("--board is missing: `tfl2hw boards` lists their names.")
        settings = Settings(
            board=board,
            numerics=numerics,
            lanes=lanes,
            columns=columns,
            clock_mhz=None if clock in (None, "auto") else _megahertz(clock),
            headroom=reusable,
        )
        compiled, result = _build(model, settings, output, seeds, auto=clock == "auto")
    facts = report.build(compiled, result) | {"reused": reuse is not None}
    if json:
        print_json(facts)
    else:
        report.print_search(compiled)
        _print(f"{model.name} on {compiled.board.name}", facts)
    raise typer.Exit(0 if result.meets_timing else 1)


def _build(
    model: Path, settings: Settings, output: Path, seeds: int, *, auto: bool
) -> tuple[Compiled, BuildResult]:
    """Everything from MODEL to bitstream."""
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
    say(
        f"{facts['predicted_cycles']:,} cycles an inference: {facts['latency_ms']:.3f} ms at {target:.1f} MHz"
    )
    say(f"bitstream: {facts['bitstream']}")
