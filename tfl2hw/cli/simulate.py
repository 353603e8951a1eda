"""`tfl2hw simulate`: the generated hardware on real or random inputs, every tensor compared."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tfl2hw.cli import backend
from tfl2hw.cli.dump import write_dump
from tfl2hw.cli.inputs import Sample, load_samples, random_samples
from tfl2hw.cli.labels import answer, class_names
from tfl2hw.cli.options import Arithmetic, Board, Columns, Inputs, Json, Labels, Lanes, Model
from tfl2hw.cli.results import Simulation
from tfl2hw.cli.terminal import note, print_json, print_table, progress, say
from tfl2hw.errors import UsageError
from tfl2hw.frontend import load
from tfl2hw.ir.graph import Graph
from tfl2hw.ops import Numerics


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
        bool, typer.Option("--waves", help="Write the signals of the simulation (FST).")
    ] = False,
    labels: Labels = None,
    lanes: Lanes = None,
    columns: Columns = None,
    json: Json = False,
) -> None:
    """Run the generated hardware in simulation and compare every tensor with the interpreter's.

    Without --input and --samples, one random input is run.
    """
    graph = load(model)
    inputs = files or []
    chosen = load_samples(graph, inputs)
    chosen += random_samples(graph, _random_count(samples, inputs), seed)
    if not chosen:
        raise UsageError("nothing to simulate: --samples 0 and no --input")
    names = class_names(graph, labels, inputs)
    with progress("compiling") as tell:
        compiled = backend.compile_model(model, board, numerics, lanes, columns)
        waves_file = Path(f"{model.stem}-{board}.fst") if waves else None
        result = backend.simulate(compiled, chosen, waves_file, tell)
    if dump is not None:
        write_dump(dump, chosen, result.runs)
    if json:
        print_json(result.as_json(numerics))
    else:
        _print(graph, board, numerics, chosen, result, names)
    raise typer.Exit(0 if result.bit_exact else 1)


def _random_count(samples: int | None, inputs: list[Path]) -> int:
    """One random sample where nothing else is asked for."""
    if samples is not None:
        return samples
    return 0 if inputs else 1


def _print(
    graph: Graph,
    board: str,
    numerics: Numerics,
    samples: list[Sample],
    result: Simulation,
    names: dict[int, str],
) -> None:
    """The layers, the answers and the verdict."""
    facts = result.as_json(numerics)
    title = f"{Path(graph.file).name} on {board}, {result.lanes} lanes x {result.columns} columns"
    rows = [
        (layer.name, layer.op, layer.macs, layer.cycles, layer.macs / layer.cycles if layer.cycles else None)
        for layer in result.layers
    ]
    print_table(title, ("layer", "operator", "MACs", "cycles", "MAC/cycle"), rows, "  rrr")
    width = max(len(sample.name) for sample in samples)
    for sample, run in zip(samples, result.runs, strict=True):
        say(f"{sample.name:<{width}}  {answer(graph, run.outputs, names)}")
    say(
        f"{result.cycles:,} cycles an inference (predicted {result.predicted_cycles:,}): "
        f"{result.macs:,} MACs, {facts['macs_per_cycle']:.2f} a cycle, "
        f"{facts['utilization']:.1%} of the array"
    )
    if result.waves is not None:
        say(f"waves: {result.waves}")
    _print_verdict(numerics, len(samples), result)


def _print_verdict(numerics: Numerics, samples: int, result: Simulation) -> None:
    """Bit-exact or not, and where not."""
    checked = f"{result.tensors_checked:,} tensors of {samples} sample{'s' if samples > 1 else ''}"
    if result.bit_exact:
        say(f"bit-exact: {checked} are {numerics}'s")
        return
    say(f"NOT bit-exact: {len(result.mismatches):,} of {checked} differ from {numerics}'s")
    for mismatch in result.mismatches:
        note(
            f"sample {mismatch.sample}, tensor {mismatch.tensor} '{mismatch.name}': "
            f"{mismatch.values:,} values differ; {mismatch.first}"
        )
