"""`tfl2hw run`: an input to a board, or to its simulation, and the answer back."""

from __future__ import annotations

from typing import Annotated

import typer

from tfl2hw.cli import backend
from tfl2hw.cli.inputs import load_samples
from tfl2hw.cli.labels import answer, class_names
from tfl2hw.cli.options import Directory, Inputs, Json, Labels
from tfl2hw.cli.store import kept_model
from tfl2hw.cli.terminal import print_json, progress, say
from tfl2hw.errors import UsageError


def run(
    directory: Directory,
    port: Annotated[
        str,
        typer.Option(
            "--port", help="A serial port, or sim: the whole board in simulation.", show_default=False
        ),
    ],
    files: Inputs = None,
    labels: Labels = None,
    json: Json = False,
) -> None:
    """Send an input to the board and print its answer."""
    inputs = files or []
    graph = kept_model(directory)
    samples = load_samples(graph, inputs)
    if len(samples) != 1:
        raise UsageError(f"run takes one sample, so {len(graph.inputs)} --input; {len(inputs)} given")
    names = class_names(graph, labels, inputs)
    with progress("connecting") as tell:
        result = backend.run(directory, port, samples[0], tell)
    if json:
        print_json({
            "outputs": [output.tolist() for output in result.outputs],
            "cycles": result.cycles,
            "latency_ms": result.latency_ms,
        })
        return
    say(f"{samples[0].name}  {answer(graph, result.outputs, names)}")
    say(f"{result.cycles:,} cycles, {result.latency_ms:.3f} ms at {result.clock_mhz:.1f} MHz")
