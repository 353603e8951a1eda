"""A simulated board behind a pseudo-terminal: any serial program can talk to it."""

from __future__ import annotations

import contextlib
import os
import select
import threading
import tty
from types import TracebackType

from tfl2hw.sim.device import CYCLES_A_SECOND, SimulatedDevice
from tfl2hw.sim.harness import BUFFER_BYTES

STEP = 4000 / CYCLES_A_SECOND
"""The simulation goes on by so much before it is looked whether the host has sent more: some bytes' time."""

POLL_SECONDS = 0.05
"""How soon a sleeping simulation sees that it is to stop."""

RESET_SECONDS = 60.0
"""A simulation that has not ended by then has died."""


class PseudoTerminal:
    """Carries bytes between a pseudo-terminal and ``device``; also a context manager.

    As on a real line there is no flow control towards the host: what it does not read is lost once the
    terminal's buffer is full. The simulation sleeps when nothing can happen any more.

    Parameters
    ----------
    device : the simulation; closed by whoever made it.
    busy_cycles : the longest that the device is at work without a byte either way: its longest run, its
        time-outs.
    """

    def __init__(self, device: SimulatedDevice, busy_cycles: int) -> None:
        self._device = device
        self._busy = busy_cycles / CYCLES_A_SECOND
        self._stop, self._reset, self._is_reset = threading.Event(), threading.Event(), threading.Event()
        self._master, self._slave = os.openpty()  # ours of the slave keeps the line up between two hosts
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)

    @property
    def name(self) -> str:
        """The port to open."""
        return os.ttyname(self._slave)

    def serve(self) -> None:
        """Until ``stop`` is called, from another thread.

        Raises
        ------
        ToolError : the simulation has ended.
        """
        quiet = 0.0
        while not self._stop.is_set():
            if self._reset.is_set():
                self._device.reset()
                self._reset.clear()
                self._is_reset.set()
            sent = self._receive(0.0 if quiet < self._busy else POLL_SECONDS)
            if not sent and quiet >= self._busy:
                continue
            self._device.write(sent)
            came = self._device.read(BUFFER_BYTES, STEP)
            self._send(came)
            quiet = 0.0 if sent or came else quiet + STEP

    def stop(self) -> None:
        """End ``serve``."""
        self._stop.set()

    def reset(self) -> None:
        """Reset the device; to be called from another thread than that of ``serve``."""
        self._is_reset.clear()
        self._reset.set()
        self._is_reset.wait(RESET_SECONDS)

    def close(self) -> None:
        """Take the port away."""
        for end in (self._master, self._slave):
            with contextlib.suppress(OSError):
                os.close(end)

    def __enter__(self) -> PseudoTerminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _receive(self, seconds: float) -> bytes:
        ready, _, _ = select.select([self._master], [], [], seconds)
        return os.read(self._master, BUFFER_BYTES) if ready else b""

    def _send(self, data: bytes) -> None:
        while data:
            try:
                data = data[os.write(self._master, data) :]
            except BlockingIOError:
                return
