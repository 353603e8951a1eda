"""Parts of a unit's bench in Amaranth's simulator: stream source and sink, with idle and back-pressure."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator

Stalls = Callable[[], Iterator[bool]]
"""Makes a generator that says, for each cycle, whether to stall in it."""


def never() -> Iterator[bool]:
    """No stall."""
    while True:
        yield False


def often(probability: float = 0.5, seed: int = 0) -> Stalls:
    """Stalls at random, the same ones for the same ``seed``."""

    def stalls() -> Iterator[bool]:
        generator = random.Random(seed)
        while True:
            yield generator.random() < probability

    return stalls


def bursts(stalled: int, free: int) -> Stalls:
    """Stalls for ``stalled`` cycles, then none for ``free``, and so on."""

    def stalls() -> Iterator[bool]:
        while True:
            yield from [True] * stalled
            yield from [False] * free

    return stalls


class Source:
    """Drives a stream's payload and valid; idle while the stalls say so."""

    def __init__(self, stream: object, stalls: Stalls = never) -> None:
        self._stream = stream
        self._stalls = stalls()

    async def send(self, ctx: object, payloads: Iterable[int]) -> None:
        """Hand over each payload, and return in the cycle after the last one."""
        for payload in payloads:
            while next(self._stalls):
                await ctx.tick()
            ctx.set(self._stream.payload, payload)
            ctx.set(self._stream.valid, 1)
            await ctx.tick().until(self._stream.ready)
            ctx.set(self._stream.valid, 0)


class Sink:
    """Drives a stream's ready and collects its payloads; a background testbench.

    Also checks the stream's rule: once valid, a payload stays until it is taken.
    """

    def __init__(self, stream: object, stalls: Stalls = never) -> None:
        self._stream = stream
        self._stalls = stalls()
        self.received: list[int] = []

    async def run(self, ctx: object) -> None:
        """Collect until the simulation ends."""
        stream, offered = self._stream, None
        while True:
            ready = not next(self._stalls)
            ctx.set(stream.ready, ready)
            _, _, valid, payload = await ctx.tick().sample(stream.valid, stream.payload)
            assert offered is None or (valid, payload) == (1, offered), "a payload was withdrawn or changed"
            offered = payload if valid and not ready else None
            if valid and ready:
                self.received.append(payload)
