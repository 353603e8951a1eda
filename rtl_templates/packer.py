"""Packs single bytes into scratchpad words: the mover's and the softmax's way out."""

from __future__ import annotations

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out


class BytePacker(wiring.Component):
    """Fills a word from its lowest byte; a ``last`` byte closes it early.

    Bytes behind a ``last`` keep what they held: whoever reads such a word ignores them (weights of
    zero). Latency: one cycle from the closing byte to ``word_valid``. Throughput: a byte a cycle.

    Members
    -------
    valid, byte, last : In. ``word_valid``, ``word`` : Out.
    """

    latency = 1

    def __init__(self, lanes: int) -> None:
        self._lanes = lanes
        super().__init__({
            "valid": In(1), "byte": In(8), "last": In(1), "word_valid": Out(1), "word": Out(8 * lanes),
        })  # fmt: skip

    def elaborate(self, platform: object) -> Module:
        m = Module()
        place = Signal(range(self._lanes))
        closes = self.valid & (self.last | (place == self._lanes - 1))
        with m.If(closes):
            m.d.sync += place.eq(0)
        with m.Elif(self.valid):
            m.d.sync += place.eq(place + 1)
        for lane in range(self._lanes):
            with m.If(self.valid & (place == lane)):
                m.d.sync += self.word.word_select(lane, 8).eq(self.byte)
        m.d.sync += self.word_valid.eq(closes)
        return m
