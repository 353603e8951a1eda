"""Faults on the way to a simulated board: is every answer right, and does nothing hang?

``python bench/link_faults.py [MODEL] [--board B] [--faults N] [--seed S] [--pty] [--json]``

The whole board's top is simulated, UART and all, at the fastest bit rate that its UART can do. The host
driver asks it for an answer again and again; each time one fault happens to one of the frames, and the answer
is compared with the interpreter's. With ``--pty`` the board is behind a pseudo-terminal and pyserial.
"""

from __future__ import annotations

import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from tfl2hw.cli.inputs import random_samples
from tfl2hw.cli.options import Json
from tfl2hw.cli.terminal import note, print_json, print_table, progress, say
from tfl2hw.codegen import Compiled, compile_model
from tfl2hw.errors import ToolError
from tfl2hw.rtl_templates.uart import LEAST_DIVISOR
from tfl2hw.runtime.network import from_device, location, open_session, to_device
from tfl2hw.runtime.session import Session
from tfl2hw.runtime.transport import SerialTransport, Transport
from tfl2hw.sim.faulty_line import Fault, FaultyLine
from tfl2hw.sim.inference import simulated_board
from tfl2hw.sim.oracle import interpret
from tfl2hw.sim.pseudo_terminal import PseudoTerminal

DIGITS = Path(__file__).parents[1] / "examples" / "digits" / "digits_int8.tflite"
HOST_DIES = "the host dies and comes back"
TIMEOUT = 1 << 12
"""Cycles of the device's time-out: a board's is longer, and simulated in vain."""

SAMPLES = 10
REQUESTS = 3
"""Of an inference: the input is written, the program runs, the output is read."""

HUNG_SECONDS = 120
GARBAGE_BYTES = 64


@dataclass(frozen=True, kw_only=True)
class Patience:
    """Seconds (simulated ones, or real ones with a pseudo-terminal) of the host and of the faulty line."""

    host: float
    quiet: float


@dataclass(kw_only=True)
class Tally:
    """How it went: faults by kind; answers that were right, given up in a sentence, wrong, or never came."""

    kinds: Counter[str] = field(default_factory=Counter)
    right: int = 0
    given_up: int = 0
    wrong: int = 0
    hung: int = 0


class Hung(Exception):
    """The driver did not come back."""


def main(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="An int8 .tflite file.")] = DIGITS,
    board: Annotated[str, typer.Option("--board", help="The simulated board.")] = "icebreaker",
    faults: Annotated[int, typer.Option("--faults", min=1, help="How many.")] = 500,
    seed: Annotated[int, typer.Option("--seed", help="Of the faults.")] = 1,
    pty: Annotated[bool, typer.Option("--pty", help="Through a pseudo-terminal and pyserial.")] = False,
    json: Json = False,
) -> None:
    """Inject faults and count answers."""
    compiled = compile_model(model, board)
    compiled = replace(compiled, config=replace(compiled.config, link_timeout=TIMEOUT))
    started = time.monotonic()
    with (
        progress("building the simulator") as tell,
        simulated_board(compiled, divisor=LEAST_DIVISOR) as device,
    ):
        built = time.monotonic() - started
        if pty:
            with _behind_a_terminal(compiled, device) as (line, reset):
                tally = inject(compiled, line, reset, Patience(host=0.5, quiet=0.25), faults, seed, tell)
        else:
            patience = Patience(host=0.01, quiet=0.005)
            tally = inject(compiled, device, device.reset, patience, faults, seed, tell)
    seconds = time.monotonic() - started - built
    _report(tally, seconds, json)
    raise typer.Exit(0 if tally.wrong == tally.hung == tally.given_up == 0 else 1)


@contextmanager
def _behind_a_terminal(compiled: Compiled, device: object) -> Iterator[tuple[Transport, Callable[[], None]]]:
    busy = 3 * TIMEOUT + 2 * compiled.predicted_cycles
    with PseudoTerminal(device, busy) as terminal:
        serving = threading.Thread(target=terminal.serve)
        serving.start()
        try:
            with SerialTransport(terminal.name, 3_000_000) as line:
                yield line, terminal.reset
        finally:
            terminal.stop()
            serving.join()


def inject(
    compiled: Compiled,
    transport: Transport,
    reset: Callable[[], None],
    patience: Patience,
    faults: int,
    seed: int,
    tell: Callable[[str, float | None], None],
) -> Tally:
    """``faults`` faults, one an inference, each kind as often as any other."""
    generator, tally = random.Random(seed), Tally()
    samples = [sample.inputs for sample in random_samples(compiled.graph, SAMPLES, seed)]
    expected = interpret(compiled.file, samples, compiled.network.numerics)
    line = FaultyLine(
        transport, reset=reset, lost=_garbage(compiled, generator), quiet=patience.quiet, generator=generator
    )
    kinds: list[Fault | None] = [*Fault, None]
    session = open_session(compiled, line, patience.host)
    session.prepare()
    for number in range(faults):
        tell(f"{number} of {faults} faults", number / faults)
        if number % len(kinds) == 0:
            generator.shuffle(kinds)
        kind = kinds[number % len(kinds)]
        if kind is None:
            _die(transport, generator)
            session = open_session(compiled, line, patience.host)
        else:
            line.arm(kind, generator.randrange(REQUESTS))
        sample = generator.randrange(SAMPLES)
        name = HOST_DIES if kind is None else kind.value
        tally.kinds[name] += 1
        _judge(tally, compiled, session, samples[sample], expected[sample], name)
        assert not line.armed, "the fault did not happen"
    return tally


def _judge(
    tally: Tally, compiled: Compiled, session: Session, inputs: object, expected: object, fault: str
) -> None:
    """One inference: what becomes of it."""
    try:
        with _alarm():
            outputs = from_device(compiled, session.run(to_device(compiled, inputs)).outputs)
    except ToolError as error:
        tally.given_up += 1
        note(f"{fault}: {error}")
    except Hung:
        tally.hung += 1
    else:
        wanted = [expected[index] for index in compiled.graph.outputs]
        right = all(np.array_equal(a, b) for a, b in zip(outputs, wanted, strict=True))
        tally.right += right
        tally.wrong += not right


def _die(transport: Transport, generator: random.Random) -> None:
    """A host that sends a piece of something, or all of it, and is gone."""
    from tfl2hw.rtl_templates.frames import Command
    from tfl2hw.runtime import protocol

    whole = generator.choice([
        protocol.request(Command.READ, generator.randrange(256), 0, 200),
        protocol.request(Command.IDENTIFY, generator.randrange(256)),
        protocol.write_request(generator.randrange(256), 0, bytes(4)) * 3,
    ])
    transport.write(whole[: generator.randint(1, len(whole))])


def _garbage(compiled: Compiled, generator: random.Random) -> list[tuple[int, bytes]]:
    """What stands where weights, inputs and outputs were after the power had gone."""
    places = [address for address, _ in compiled.image.scratchpad[:2]] if compiled.board.streamed else []
    places += [location(compiled, tensor).address for tensor in compiled.network.inputs]
    places += [location(compiled, tensor).address for tensor in compiled.network.outputs]
    return [(address, generator.randbytes(GARBAGE_BYTES)) for address in places]


@contextmanager
def _alarm() -> Iterator[None]:
    def ring(*_: object) -> None:
        raise Hung

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(HUNG_SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def _report(tally: Tally, seconds: float, json: bool) -> None:
    faults = sum(tally.kinds.values())
    if json:
        counts = {"right": tally.right, "given_up": tally.given_up, "wrong": tally.wrong, "hung": tally.hung}
        print_json({"faults": faults, **counts, "seconds": seconds, "kinds": dict(tally.kinds)})
        return
    print_table("", ("fault", "times"), sorted(tally.kinds.items()), " r")
    say(
        f"{faults} faults in {seconds:.0f} s: {tally.right} answers right, {tally.given_up} given up, "
        f"{tally.wrong} wrong, {tally.hung} hung"
    )


if __name__ == "__main__":
    typer.run(main)
