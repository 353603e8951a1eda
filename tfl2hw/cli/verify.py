"""`tfl2hw verify`: the same vectors on every stage of a build, down to the routed netlist."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tfl2hw.cli import report
from tfl2hw.cli.inputs import load_samples, random_samples
from tfl2hw.cli.options import Directory, Inputs, Json, Quiet
from tfl2hw.cli.store import kept
from tfl2hw.cli.terminal import note, print_json, print_table, progress, say
from tfl2hw.errors import UsageError
from tfl2hw.report import write_report
from tfl2hw.report.exactness import verified
from tfl2hw.sim.verify import STAGES, StageResult, verify_build


def verify(
    directory: Directory,
    files: Inputs = None,
    samples: Annotated[
        int | None, typer.Option("--samples", min=0, help="Random inputs, besides those of --input.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the random inputs.")] = 0,
    stages: Annotated[
        list[str] | None,
        typer.Option("--stage", help=f"One of {', '.join(STAGES)}; may be repeated (default: all)."),
    ] = None,
    layers: Annotated[
        bool, typer.Option(help="Read every tensor of the first sample, not the outputs alone.")
    ] = True,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Run the same vectors on reference, RTL, synthesised and routed netlist, and compare all results.

    Without --input and --samples, one random input is run.
    """
    chosen_stages = _known(stages)
    with progress("compiling", shown=not (json or quiet)) as tell:
        compiled = kept(directory)
        _check_built(directory, compiled.board.family)
        inputs = files or []
        chosen = load_samples(compiled.graph, inputs)
        count = samples if samples is not None else 0 if inputs else 1
        chosen += random_samples(compiled.graph, count, seed)
        if not chosen:
            raise UsageError("nothing to verify: --samples 0 and no --input")
        results = verify_build(
            compiled,
            directory / "build",
            [sample.inputs for sample in chosen],
            compiled.network.numerics,
            tell,
            stages=chosen_stages,
            layers=layers,
        )
        found, pages = write_report(compiled, directory, verified=verified(results))
    facts = report.verification(compiled, results) | report.figures(found, pages)
    if json:
        print_json(facts)
    else:
        _print(f"{compiled.file.parent.name} on {compiled.board.name}", facts, results)
        note(f"report: {facts['report']}")
    raise typer.Exit(0 if facts["bit_exact"] else 1)


def _known(stages: list[str] | None) -> list[str]:
    """The stages asked for, in the order in which a build makes them."""
    for stage in stages or ():
        if stage not in STAGES:
            raise UsageError(f"there is no stage {stage!r}; the stages are {', '.join(STAGES)}")
    return [stage for stage in STAGES if not stages or stage in stages]


def _check_built(directory: Path, family: str) -> None:
    """Only a build that went to its end left netlists that belong together."""
    if family == "sim":
        raise UsageError(f"{directory}: the board is for simulation alone, so there is no netlist to verify")
    if not any(file.suffix in (".bit", ".bin") for file in directory.iterdir()):
        raise UsageError(f"{directory}: no bitstream there; `tfl2hw build MODEL -o {directory}` makes one")


def _print(title: str, facts: report.Object, results: list[StageResult]) -> None:
    """A row a stage, and what differs."""
    rows = [
        (
            stage["stage"],
            stage["samples"],
            stage["tensors_checked"],
            stage["cycles"],
            stage["seconds"],
            "exact" if stage["bit_exact"] else "NOT exact",
        )
        for stage in facts["stages"]
    ]
    print_table(title, ("stage", "samples", "tensors", "cycles", "seconds", "verdict"), rows, " rrrr")
    say(f"{'bit-exact' if facts['bit_exact'] else 'NOT bit-exact'} to {facts['numerics']}")
    for result in results:
        if result.error is not None:
            note(f"{result.stage}: {result.error}")
        for mismatch in result.mismatches:
            note(
                f"{result.stage}: sample {mismatch.sample}, tensor {mismatch.tensor} '{mismatch.name}': "
                f"{mismatch.values:,} values differ; {mismatch.first}"
            )
