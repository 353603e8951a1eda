"""Runs inside the simulator: gives a harness's byte streams to another process over a socket.

Messages are ``multiprocessing`` ones: ``(data, count, cycles)`` is answered with how much of ``data`` the
design took, and with ``count`` bytes from it or those that came before ``cycles`` passed without a byte
either way; more if more are there. ``None`` resets the design. Between messages no time passes in the
simulation. While an answer is waited for, the cycles since the start come every ``TICK`` of them.
"""

from __future__ import annotations

import socket
from multiprocessing.connection import Connection
from typing import Any

import cocotb
from cocotb.triggers import First, Timer, ValueChange
from cocotb.utils import get_sim_time

from tfl2hw.sim.harness import BUFFER_BYTES, INPUTS, PERIOD_NS
from tfl2hw.sim.simulate import parameters

RESET_CYCLES = 64
"""As long as on a board: whatever is under way leaves the pipelines meanwhile."""

TICK = 10_000
"""Cycles between two messages that say how many have passed: some hundredths of a second."""


class Harness:
    """The Python side of the harness's ports; ``connection`` is told how time passes."""

    def __init__(self, dut: Any, connection: Connection[Any, Any]) -> None:
        self._dut = dut
        self._connection = connection
        self._go = 0

    async def reset(self) -> None:
        """Hold the design in reset for some cycles."""
        self._dut.rst.value = 1
        await Timer(RESET_CYCLES * PERIOD_NS, unit="ns")
        self._dut.rst.value = 0
        await Timer(4 * PERIOD_NS, unit="ns")

    async def exchange(self, data: bytes, count: int, cycles: int) -> tuple[int, bytes]:
        """Send ``data`` and wait for ``count`` bytes, giving up after ``cycles`` of silence."""
        taken, received = 0, b""
        while taken < len(data):
            chunk = data[taken : taken + BUFFER_BYTES]
            fed, came = await self._operate(chunk, 0, cycles)
            taken += fed
            received += came
            if not fed and not came:
                return taken, received
        while (missing := count - len(received)) > 0:
            _, came = await self._operate(b"", min(missing, BUFFER_BYTES), cycles)
            received += came
            if not came:
                break
        return taken, received

    async def _operate(self, chunk: bytes, want: int, cycles: int) -> tuple[int, bytes]:
        """One operation of the harness."""
        dut = self._dut
        self._go ^= 1
        if chunk:
            dut.feed_data.value = int.from_bytes(chunk, "little")
        dut.feed_count.value = len(chunk)
        dut.want.value = want
        dut.patience.value = cycles
        dut.go.value = self._go
        while int(dut.done.value) != self._go:
            await First(ValueChange(dut.done), Timer(TICK * PERIOD_NS, unit="ns"))
            if int(dut.done.value) != self._go:
                self._connection.send(int(get_sim_time("ns")) // PERIOD_NS)
        count = int(dut.take_count.value)
        if not count:
            return int(dut.fed.value), b""
        return int(dut.fed.value), int(dut.take_data.value).to_bytes(BUFFER_BYTES, "little")[:count]


@cocotb.test()
async def serve(dut: Any) -> None:
    """Answer messages until the other side hangs up."""
    line = socket.socket(socket.AF_UNIX)
    line.connect(parameters()["socket"])
    connection = Connection(line.detach())
    harness = Harness(dut, connection)
    for name in INPUTS:
        getattr(dut, name).value = 0
    await harness.reset()
    while True:
        try:
            message = connection.recv()
        except EOFError:
            return
        if message is None:
            await harness.reset()
            connection.send((0, b""))
        else:
            connection.send(await harness.exchange(*message))
