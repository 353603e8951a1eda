"""A Wishbone master for cocotb benches, classic or pipelined, a word at a time or several under way."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from cocotb.triggers import FallingEdge, RisingEdge

PATIENCE = 100_000
"""Cycles after which a slave that does not answer has failed."""


class WishboneMaster:
    """Drives the ports ``prefix_*`` of ``dut`` (see ``rtl_templates.wishbone.Wishbone``).

    Signals change at the falling edge, so that the order of processes at the rising one does not matter.

    Parameters
    ----------
    pipelined : a request is given up once it is not stalled, instead of with its answer.
    idle : the share of requests before which the bus is given up for some cycles.
    """

    def __init__(
        self, dut: Any, prefix: str, clock: Any, *, pipelined: bool = False, idle: float = 0.0, seed: int = 0
    ) -> None:
        self._dut, self._prefix, self._clock = dut, prefix, clock
        self._pipelined = pipelined
        self._idle = idle
        self._random = random.Random(seed)
        for name in ("adr", "dat_w", "sel", "cyc", "stb", "we"):
            self._port(name).value = 0

    async def write(self, word: int, value: int, sel: int = 0xF) -> None:
        """Write one word."""
        await self._transfer(word, value, sel)

    async def read(self, word: int) -> int:
        """Read one word."""
        return await self._transfer(word, None, 0xF)

    async def write_bytes(self, word: int, data: bytes) -> None:
        """Write ``data`` from word ``word`` on, the last word filled up with ones."""
        for start in range(0, len(data), 4):
            chunk = data[start : start + 4].ljust(4, b"\xff")
            await self.write(word + start // 4, int.from_bytes(chunk, "little"))

    async def read_bytes(self, word: int, count: int) -> bytes:
        """Read ``count`` bytes from word ``word`` on."""
        words: Sequence[int] = [await self.read(word + n) for n in range(-(-count // 4))]
        return b"".join(each.to_bytes(4, "little") for each in words)[:count]

    def _port(self, name: str) -> Any:
        return getattr(self._dut, f"{self._prefix}_{name}")

    async def _transfer(self, word: int, value: int | None, sel: int) -> int:
        await FallingEdge(self._clock)
        if self._random.random() < self._idle:
            self._port("cyc").value = 0
            for _ in range(self._random.randrange(1, 5)):
                await FallingEdge(self._clock)
        settings = {"adr": word, "sel": sel, "we": value is not None, "dat_w": value or 0, "cyc": 1, "stb": 1}
        for name, setting in settings.items():
            self._port(name).value = int(setting)
        answer = await (self._answer_pipelined() if self._pipelined else self._answer())
        await FallingEdge(self._clock)
        self._port("stb").value = 0
        self._port("cyc").value = 0
        return answer

    async def _answer(self) -> int:
        for _ in range(PATIENCE):
            await RisingEdge(self._clock)
            if int(self._port("ack").value):
                return int(self._port("dat_r").value)
        raise AssertionError("the slave does not answer")

    async def _answer_pipelined(self) -> int:
        """A request counts in the first cycle in which it is not stalled; the answer comes then or later."""
        for _ in range(PATIENCE):
            await RisingEdge(self._clock)
            stalled, acknowledged = int(self._port("stall").value), int(self._port("ack").value)
            answer = int(self._port("dat_r").value)
            if acknowledged:
                assert not stalled or not int(self._port("stb").value), "an answer to what was not taken"
                return answer
            if not stalled:
                await FallingEdge(self._clock)
                self._port("stb").value = 0
        raise AssertionError("the slave does not answer")
