"""The index register: an address that the program reads out of memory (a gather's row)."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .config import CoreConfig


class IndexRegister(wiring.Component):
    """Collects the bytes of a number, highest first, and doubles it for each token that is padding.

    ``index = index << 8 | byte``, or ``index << 1`` with ``pad``; with ``first`` the old index counts as
    0. Bits above those of a byte address drop out, so that numbers are modulo the memory.

    Latency: ``latency`` cycle from a token to ``index``. Throughput: a token a cycle.

    Members
    -------
    valid, first, pad, byte : In, a token.
    index : Out, bytes; stays until the next token.
    """

    latency = 1

    def __init__(self, config: CoreConfig) -> None:
        super().__init__({
            "valid": In(1), "first": In(1), "pad": In(1), "byte": In(8),
            "index": Out(config.byte_address_bits),
        })  # fmt: skip

    def elaborate(self, platform: object) -> Module:
        m = Module()
        before = Signal.like(self.index)
        with m.If(~self.first):
            m.d.comb += before.eq(self.index)
        with m.If(self.valid & self.pad):
            m.d.sync += self.index.eq(before << 1)
        with m.Elif(self.valid):
            m.d.sync += self.index.eq(Cat(self.byte, before))
        return m
