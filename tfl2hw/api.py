"""The Python API: open a board and ask it. Imported by ``tfl2hw.open`` when that is first used."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

import numpy.typing as npt

from tfl2hw.cli.store import kept
from tfl2hw.codegen import Compiled
from tfl2hw.errors import UsageError
from tfl2hw.runtime.device import PATIENCE
from tfl2hw.runtime.flash import boot_contents
from tfl2hw.runtime.network import from_device, open_session, to_device
from tfl2hw.runtime.protocol import State
from tfl2hw.runtime.transport import SerialTransport, Transport
from tfl2hw.runtime.values import as_input
from tfl2hw.sim.inference import clock_mhz, simulated_board

SIMULATED = "sim"
"""The port of a board in simulation."""

PSEUDO_TERMINALS = ("/dev/pts/", "/dev/ttys")
"""What ports of ``tfl2hw run --serve`` are called on Linux and macOS."""

SIMULATION_PATIENCE = 20.0
"""Seconds that a board behind a pseudo-terminal has for a reply: it is simulated, so it takes its time."""


class ClosableTransport(Transport, Protocol):
    """A transport that whoever opened it closes."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Inference:
    """What the board answered: ``outputs`` of the model's types and shapes.

    ``cycles`` : from the start of the program to its end. ``seconds`` : as long as it all took, transfers
    included.
    """

    outputs: tuple[npt.NDArray[Any], ...]
    cycles: int
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    """How fast a board answers, the link included: medians of ``runs`` inferences."""

    runs: int
    cycles: int
    compute_ms: float
    total_ms: float

    @property
    def link_share(self) -> float:
        """Share of the time that passes outside the board's array: transfers, the host itself."""
        return max(0.0, 1 - self.compute_ms / self.total_ms)

    @property
    def per_second(self) -> float:
        """Inferences a second."""
        return 1e3 / self.total_ms


class Accelerator:
    """A board that holds a compiled model; also a context manager.

    The first run checks that the board holds this very design, and loads the weights where neither the
    bitstream nor the board's flash carries them and the board has not got them yet. Every frame either way
    has a CRC and is sent again where it breaks; a board that is reset in the middle is loaded anew. So an
    answer is right, or there is an error.

    Parameters
    ----------
    compiled : the model. transport : the way to its board. patience : seconds of silence after which a reply
        is given up. load : whether weights that the board should have from its flash are loaded as well.

    Raises
    ------
    ToolError : (every method that asks the board) it does not answer, or holds another design, or its flash
        has not given it these weights.
    """

    def __init__(
        self,
        compiled: Compiled,
        transport: ClosableTransport,
        patience: float = PATIENCE,
        *,
        load: bool = False,
    ) -> None:
        self._compiled = compiled
        self._transport = transport
        self._session = open_session(compiled, transport, patience, booted=compiled.boots and not load)
        transport.discard()

    @property
    def model(self) -> Compiled:
        """The model that the board holds."""
        return self._compiled

    @property
    def clock_mhz(self) -> float:
        """The board's clock."""
        return clock_mhz(self._compiled)

    def identity(self) -> str:
        """32 hex digits that tell the design in the board: protocol, version of tfl2hw, a hash."""
        return self._session.device.identify().hex()

    def state(self) -> State:
        """How the last program ended, and the broken frames that the board has seen."""
        return self._session.device.state()

    def run(self, *inputs: npt.ArrayLike) -> Inference:
        """One inference. Each input has the model's type, or is floats, in its shape or flat.

        Raises
        ------
        UsageError : another number of inputs, or another type or shape.
        """
        graph = self._compiled.graph
        if len(inputs) != len(graph.inputs):
            raise UsageError(f"{len(inputs)} inputs given; {graph.file} takes {len(graph.inputs)}")
        arrays = [
            as_input(values, graph.tensors[index], f"input {number}")
            for number, (index, values) in enumerate(zip(graph.inputs, inputs, strict=True))
        ]
        packed = to_device(self._compiled, arrays)
        started = time.perf_counter()
        answer = self._session.run(packed)
        seconds = time.perf_counter() - started
        outputs = tuple(from_device(self._compiled, answer.outputs))
        return Inference(outputs=outputs, cycles=answer.cycles, seconds=seconds)

    def benchmark(self, *inputs: npt.ArrayLike, runs: int = 20) -> Benchmark:
        """The same inference ``runs`` times, after one that is not measured."""
        self.run(*inputs)
        done = [self.run(*inputs) for _ in range(runs)]
        cycles = done[-1].cycles
        return Benchmark(
            runs=runs,
            cycles=cycles,
            compute_ms=cycles / self.clock_mhz / 1e3,
            total_ms=1e3 * statistics.median(each.seconds for each in done),
        )

    def close(self) -> None:
        """Give the port free."""
        self._transport.close()

    def __enter__(self) -> Accelerator:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open(
    port: str,
    directory: str | Path = ".",
    *,
    baud: int | None = None,
    patience: float | None = None,
    load: bool = False,
) -> Accelerator:
    """Open the board on ``port`` that holds the model in ``directory``.

    Parameters
    ----------
    port : a serial port; "sim": the board in simulation.
    directory : what ``tfl2hw build -o DIR`` wrote.
    baud : bits a second; None: the board's own.
    patience : seconds of silence after which a reply is given up and asked for again; None: half a second,
        for a simulated board behind a pseudo-terminal 20.
    load : load the weights over the link where the board has not got them from its flash.

    Raises
    ------
    UsageError : no build in ``directory``, or the port cannot be opened.
    """
    compiled = kept(Path(directory))
    transport = transport_to(compiled, port, baud)
    return Accelerator(compiled, transport, patience_with(port) if patience is None else patience, load=load)


def patience_with(port: str) -> float:
    """Seconds of silence on ``port`` after which a reply is given up."""
    return SIMULATION_PATIENCE if port.startswith(PSEUDO_TERMINALS) else PATIENCE


def transport_to(compiled: Compiled, port: str, baud: int | None = None) -> ClosableTransport:
    """The way to the board of ``compiled``; raises as ``open``."""
    if port == SIMULATED:
        return simulated_board(compiled, flash=boot_contents(compiled) if compiled.boots else None)
    return SerialTransport(port, compiled.board.baud if baud is None else baud)
