"""`tfl2hw simulate`: the generated hardware on real or random inputs, every tensor compared."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tfl2hw.cli import report
from tfl2hw.cli.dump import write_dump
from tfl2hw.cli.inputs import Sample, load_samples, random_samples
from tfl2hw.cli.labels import class_names, what_it_says
from tfl2hw.cli.options import Arithmetic, Board, Columns, Features, Inputs, Json, Labels, Lanes, Model, Quiet
from tfl2hw.cli.terminal import note, print_json, print_table, progress, say, short
from tfl2hw.codegen import Compiled, compile_model
from tfl2hw.errors import UsageError
from tfl2hw.frontend import load
from tfl2hw.report import write_report
from tfl2hw.report.exactness import simulated
from tfl2hw.sim.inference import Comparison, run_samples


def simulate(
    model: Model,
    board: Board,
    files: Inputs = None,
    samples: Annotated[
        int | None, typer.Option("--samples", min=0, help="Random inputs, besides those of --input.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the random inputs.")] = 0,
    numerics: Arithmetic = "litert-ref",
    dump: Annotated[
        Path | None, typer.Option("--dump", metavar="DIR", help="Write every tensor of every sample as .npy.")
    ] = None,
    waves: Annotated[
        bool, typer.Option("--waves", help="Write the signals as FST; it slows the simulation.")
    ] = False,
    labels: Labels = None,
    lanes: Lanes = None,
    columns: Columns = None,
    features: Features = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="DIR",
            help="Where the report goes (default: build/MODEL-BOARD).",
            show_default=False,
        ),
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Run the generated hardware in simulation and compare every tensor with the interpreter's.

    Without --input and --samples, one random input is run. Writes report.html; into the folder of a build of
    the same design, what both have found.
    """
    graph = load(model)
    inputs = files or []
    chosen = load_samples(graph, inputs, features)
    chosen += random_samples(graph, _random_count(samples, inputs), seed)
    if not chosen:
        raise UsageError("nothing to simulate: --samples 0 and no --input")
    names = class_names(graph, labels, inputs)
    signals = Path(f"{model.stem}-{board}.fst") if waves else None
    with progress("compiling", shown=not (json or quiet)) as tell:
        compiled = compile_model(model, board, numerics, lanes, columns)
        result = run_samples(compiled, [sample.inputs for sample in chosen], numerics, tell, signals)
        tell("writing the report", None)
        folder = output or Path("build") / f"{model.stem}-{compiled.board.name}"
        found, pages = write_report(compiled, folder, simulated=simulated(compiled, result, numerics))
    facts = report.simulation(compiled, result, numerics) | report.figures(found, pages)
    if dump is not None:
        write_dump(dump, chosen, result.runs)
    if json:
        print_json(facts)
    else:
        report.print_search(compiled)
        _print_layers(compiled, facts)
        _print_answers(compiled, chosen, result, names)
        _print_verdict(facts, result)
        note(f"report: {facts['report']}")
    if signals is not None:
        note(f"waves: {signals}")
    raise typer.Exit(0 if facts["bit_exact"] else 1)


def _random_count(samples: int | None, inputs: list[Path]) -> int:
    """One random sample where nothing else is asked for."""
    if samples is not None:
        return samples
    return 0 if inputs else 1


def _print_layers(compiled: Compiled, facts: report.Object) -> None:
    config = compiled.config
    title = f"{compiled.file.name} on {compiled.board.name}, {config.lanes} lanes x {config.columns} columns"
    rows = [
        (
            short(layer["name"]),
            layer["op"],
            layer["macs"],
            layer["cycles"],
            layer["macs"] / max(layer["cycles"], 1),
            layer["why"],
        )
        for layer in facts["layers"]
    ]
    print_table(title, ("layer", "operator", "MACs", "cycles", "MAC/cycle", "lost to"), rows, "  rrr ")


def _print_answers(
    compiled: Compiled, samples: list[Sample], result: Comparison, names: dict[int, str]
) -> None:
    width = max(len(sample.name) for sample in samples)
    for sample, run in zip(samples, result.runs, strict=True):
        say(f"{sample.name:<{width}}  {what_it_says(compiled.graph, run.outputs, names)}")


def _print_verdict(facts: report.Object, result: Comparison) -> None:
    """The cycles, and bit-exact or not, and where not."""
    say(
        f"{facts['cycles']:,} cycles an inference (predicted {facts['predicted_cycles']:,}): "
        f"{facts['macs']:,} MACs, {facts['macs_per_cycle']:.2f} a cycle, "
        f"{facts['utilization']:.1%} of the array"
    )
    samples, numerics = facts["samples"], facts["numerics"]
    checked = f"{facts['tensors_checked']:,} tensors of {samples} sample{'s' if samples > 1 else ''}"
    if facts["bit_exact"]:
        say(f"bit-exact: {checked} are {numerics}'s")
        return
    say(f"NOT bit-exact: {len(result.mismatches):,} of {checked} differ from {numerics}'s")
    for mismatch in result.mismatches:
        note(
            f"sample {mismatch.sample}, tensor {mismatch.tensor} '{mismatch.name}': "
            f"{mismatch.values:,} values differ; {mismatch.first}"
        )
