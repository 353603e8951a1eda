"""`tfl2hw run`: an input to a board, or to its simulation, and the answer back."""

from __future__ import annotations

from typing import Annotated

import typer

from tfl2hw.cli import report
from tfl2hw.cli.inputs import load_samples
from tfl2hw.cli.labels import class_names, what_it_says
from tfl2hw.cli.options import Directory, Inputs, Json, Labels
from tfl2hw.cli.store import kept
from tfl2hw.cli.terminal import print_json, progress, say
from tfl2hw.codegen import Compiled
from tfl2hw.errors import UsageError
from tfl2hw.runtime.network import from_device, open_session, to_device
from tfl2hw.runtime.transport import SerialTransport
from tfl2hw.sim.device import SimulatedDevice
from tfl2hw.sim.inference import clock_mhz, simulated_board

SIMULATED = "sim"


def run(
    directory: Directory,
    port: Annotated[
        str,
        typer.Option("--port", help="A serial port, or sim: the board in simulation.", show_default=False),
    ],
    files: Inputs = None,
    labels: Labels = None,
    json: Json = False,
) -> None:
    """Send an input to the board and print its answer."""
    inputs = files or []
    with progress("compiling") as tell:
        compiled = kept(directory)
        graph = compiled.graph
        samples = load_samples(graph, inputs)
        if len(samples) != 1:
            raise UsageError(f"run takes one sample: {len(graph.inputs)} --input, not {len(inputs)}")
        names = class_names(graph, labels, inputs)
        tell("connecting", None)
        with _transport(compiled, port) as transport:
            session = open_session(compiled, transport)
            tell("loading and running", None)
            result = session.run(to_device(compiled, samples[0].inputs))
    outputs = from_device(compiled, result.outputs)
    facts = report.answer(result, outputs, clock_mhz(compiled))
    if json:
        print_json(facts)
        return
    say(f"{samples[0].name}  {what_it_says(graph, outputs, names)}")
    say(f"{facts['cycles']:,} cycles, {facts['latency_ms']:.3f} ms at {clock_mhz(compiled):.1f} MHz")


def _transport(compiled: Compiled, port: str) -> SimulatedDevice | SerialTransport:
    """The way to the board."""
    if port == SIMULATED:
        return simulated_board(compiled)
    return SerialTransport(port, compiled.board.baud)
