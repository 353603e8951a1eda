"""A simulated device in a process of its own, as a transport for the host driver."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Any

from tfl2hw.codegen.tools import Progress, silent
from tfl2hw.errors import ToolError
from tfl2hw.sim import harness, simulate, verilator
from tfl2hw.sim.harness import Design

CYCLES_A_SECOND = 4_000_000
"""Cycles that stand for a second of the host driver's patience."""

BYTE_CYCLES = 100_000
"""A byte takes less than this, whatever the line's rate."""

MAXIMUM_PATIENCE = 2**32 - 1

START_SECONDS = 60.0

CLOSE_SECONDS = 5.0
"""One that still waits for its design after this is killed."""


def build_device(
    verilog: str, design: Design, *, waves: bool = False, gates: bool = False, progress: Progress = silent
) -> Path:
    """The simulator of ``design``, whose modules are in ``verilog``; from the cache, or built.

    Raises
    ------
    ToolError : as ``verilator.build``.
    """
    source = verilog + harness.harness(design)
    return verilator.build(
        source, harness.TOP, public=harness.PUBLIC, waves=waves, gates=gates, progress=progress
    )


class SimulatedDevice:
    """A transport to a simulation of ``design``; also a context manager.

    In the simulation time passes only while bytes are sent or waited for.

    Parameters
    ----------
    verilog : source of the design's modules.
    design : which module it is and how bytes reach it.
    waves : the FST file to write.
    gates : whether ``verilog`` is a netlist of cells (see ``verilator.build``).
    progress : is told how far the build of the simulator is.
    flash : what the design's flash holds, from its ``flash_address`` on; what is not given is erased.

    Raises
    ------
    ToolError : no simulator can be built or started; in every method: it has ended.
    """

    def __init__(
        self,
        verilog: str,
        design: Design,
        *,
        waves: Path | None = None,
        gates: bool = False,
        progress: Progress = silent,
        flash: bytes = b"",
    ) -> None:
        executable = build_device(verilog, design, waves=waves is not None, gates=gates, progress=progress)
        self._folder = Path(tempfile.mkdtemp(prefix="tfl2hw-sim-"))
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Connection[Any, Any] | None = None
        self._unsent = b""
        self._received = b""
        self._watch: Callable[[int], None] | None = None
        try:
            arguments = [*verilator.RANDOM] if gates else []
            arguments += [harness.flash_file(flash, self._folder)] if flash else []
            self._connect(executable, waves, arguments)
        except BaseException:
            self.close()
            raise

    def _connect(self, executable: Path, waves: Path | None, arguments: Sequence[str]) -> None:
        with socket.socket(socket.AF_UNIX) as listener:
            address = str(self._folder / "socket")
            listener.bind(address)
            listener.listen(1)
            listener.settimeout(0.1)
            self._process = simulate.start(
                executable,
                top=harness.TOP,
                module="tfl2hw.sim.device_server",
                parameters={"socket": address},
                folder=self._folder,
                waves=waves,
                arguments=arguments,
            )
            deadline = time.monotonic() + START_SECONDS
            while True:
                try:
                    line, _ = listener.accept()
                    break
                except TimeoutError:
                    if self._process.poll() is not None or time.monotonic() > deadline:
                        raise self._ended("the simulation did not start") from None
        line.setblocking(True)
        self._connection = Connection(line.detach())

    @property
    def process_id(self) -> int:
        """The simulator's. Raises ToolError once it is closed."""
        if self._process is None:
            raise ToolError("the simulated device is closed")
        return self._process.pid

    def watch(self, watch: Callable[[int], None] | None) -> None:
        """Tell ``watch`` now and then, while an answer is waited for, the cycles since the start."""
        self._watch = watch

    def write(self, data: bytes) -> None:
        """Send ``data`` when the next bytes are waited for."""
        self._unsent += data

    def read(self, count: int, timeout: float) -> bytes:
        """``count`` bytes, or those that came before ``timeout * CYCLES_A_SECOND`` silent cycles."""
        if self._unsent or len(self._received) < count:
            self._exchange(count - len(self._received), max(1, int(timeout * CYCLES_A_SECOND)))
        data, self._received = self._received[:count], self._received[count:]
        return data

    def discard(self) -> None:
        """Forget bytes that have arrived and were not read."""
        self._exchange(0, BYTE_CYCLES)
        self._received = b""

    def reset(self) -> None:
        """Reset the design once all that was written has gone out; memories keep what they hold."""
        if self._unsent:
            self._exchange(0, BYTE_CYCLES)
        self._ask(None)

    def close(self) -> None:
        """End the simulation, and finish the waves."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self._process is not None:
            try:
                self._process.wait(timeout=CLOSE_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> SimulatedDevice:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _exchange(self, count: int, cycles: int) -> None:
        taken, received = self._ask((self._unsent, max(count, 0), min(cycles, MAXIMUM_PATIENCE)))
        left = len(self._unsent) - taken
        self._unsent = b""
        self._received += received
        if left:
            raise ToolError(f"the simulated device takes no bytes: it left {left} of {left + taken}")

    def _ask(self, message: tuple[bytes, int, int] | None) -> tuple[int, bytes]:
        """What the simulation answers to ``message`` (see ``device_server``)."""
        if self._connection is None:
            raise ToolError("the simulated device is closed")
        try:
            self._connection.send(message)
            answer: int | tuple[int, bytes] = self._connection.recv()
            while isinstance(answer, int):
                if self._watch is not None:
                    self._watch(answer)
                answer = self._connection.recv()
        except (EOFError, OSError) as error:
            raise self._ended("the simulation ended early") from error
        return answer

    def _ended(self, what: str) -> ToolError:
        with contextlib.suppress(OSError):
            return ToolError(f"{what}: {simulate.last_words(self._folder)}")
        return ToolError(what)
