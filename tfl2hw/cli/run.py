"""`tfl2hw run`: an input to a board, or to its simulation, and the answer back."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from tfl2hw.api import Accelerator, Inference, patience_with, transport_to
from tfl2hw.cli import report
from tfl2hw.cli.inputs import Sample, load_samples
from tfl2hw.cli.labels import class_names, what_it_says
from tfl2hw.cli.options import Directory, Features, Inputs, Json, Labels, Quiet
from tfl2hw.cli.store import kept
from tfl2hw.cli.terminal import Tell, print_json, progress, say
from tfl2hw.codegen import Compiled
from tfl2hw.errors import ToolError, UsageError
from tfl2hw.rtl_templates.uart import LEAST_DIVISOR
from tfl2hw.runtime.flash import boot_contents, boot_cycles
from tfl2hw.sim.inference import simulated_board
from tfl2hw.sim.pseudo_terminal import PseudoTerminal

BENCHMARK_RUNS = 20


def run(
    directory: Directory,
    port: Annotated[
        str | None,
        typer.Option("--port", help="A serial port, or sim: the board in simulation.", show_default=False),
    ] = None,
    files: Inputs = None,
    labels: Labels = None,
    features: Features = None,
    repeat: Annotated[int, typer.Option("--repeat", min=1, help="Ask so often; answers must agree.")] = 1,
    benchmark: Annotated[
        bool, typer.Option("--benchmark", help="Measure latency, the link's share, inferences a second.")
    ] = False,
    baud: Annotated[
        int | None, typer.Option("--baud", min=1, help="Bits a second (default: the board's).")
    ] = None,
    serve: Annotated[
        bool,
        typer.Option("--serve", help="Simulate the board behind a pseudo-terminal, for any serial program."),
    ] = False,
    load: Annotated[
        bool, typer.Option("--load", help="Load the weights, where the board's flash has not done it.")
    ] = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Send an input to the board and print its answer."""
    if (port is None) != serve:
        raise UsageError("run takes either --port, to ask a board, or --serve, to be one")
    if port is None:
        _serve(directory, shown=not (json or quiet))
        return
    inputs = files or []
    with progress("compiling", shown=not (json or quiet)) as tell:
        compiled = kept(directory)
        graph = compiled.graph
        samples = load_samples(graph, inputs, features)
        if len(samples) != 1:
            raise UsageError(f"run takes one sample: {len(graph.inputs)} --input, not {len(inputs)}")
        names = class_names(graph, labels, inputs)
        tell("connecting", None)
        with _accelerator(compiled, port, baud, load) as accelerator:
            answers = _ask(
                accelerator, samples[0], repeat if repeat > 1 or not benchmark else BENCHMARK_RUNS, tell
            )
            clock = accelerator.clock_mhz
    facts = report.answer(answers, clock, benchmark=benchmark)
    if json:
        print_json(facts)
        return
    say(f"{samples[0].name}  {what_it_says(graph, list(answers[0].outputs), names)}")
    say(f"{facts['cycles']:,} cycles, {facts['latency_ms']:.3f} ms at {clock:.1f} MHz")
    if repeat > 1 or benchmark:
        say(f"{len(answers)} answers, all the same")
    if benchmark:
        say(
            f"{facts['total_ms']:.3f} ms from input to answer, {facts['link_share']:.0%} of it on the link; "
            f"{facts['per_second']:.1f} inferences a second"
        )


def _accelerator(compiled: Compiled, port: str, baud: int | None, load: bool) -> Accelerator:
    return Accelerator(compiled, transport_to(compiled, port, baud), patience_with(port), load=load)


def _ask(accelerator: Accelerator, sample: Sample, times: int, tell: Tell) -> Sequence[Inference]:
    """The answers, all the same."""
    tell("loading and running", None)
    answers = [accelerator.run(*sample.inputs)]
    for number in range(1, times):
        tell("running", number / times)
        answers.append(accelerator.run(*sample.inputs))
        for first, again in zip(answers[0].outputs, answers[-1].outputs, strict=True):
            if not np.array_equal(first, again):
                raise ToolError(f"answer {number + 1} differs from the first: the board is not to be trusted")
    return answers


def _serve(directory: Path, *, shown: bool) -> None:
    """Be the board until told to end."""
    with progress("compiling", shown=shown) as tell:
        compiled = kept(directory)
        tell("elaborating the core", None)
        flash = boot_contents(compiled) if compiled.boots else None
        device = simulated_board(compiled, divisor=LEAST_DIVISOR, flash=flash, progress=tell)
    busy = 3 * compiled.config.link_timeout + 2 * compiled.predicted_cycles + boot_cycles(flash or b"")
    with device, PseudoTerminal(device, busy) as terminal:
        say(f"{compiled.board.name} with {compiled.graph.file} on {terminal.name}")
        say(f"ask it: tfl2hw run {directory} --port {terminal.name} --input FILE; Ctrl-C ends it")
        sys.stdout.flush()
        with _stopped_by_signals(terminal):
            terminal.serve()
        say("ended")


@contextmanager
def _stopped_by_signals(terminal: PseudoTerminal) -> Iterator[None]:
    """Ctrl-C and SIGTERM end ``serve``, also where a shell that started us behind it had SIGINT ignored."""
    before = {
        number: signal.signal(number, lambda *_: terminal.stop())
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
