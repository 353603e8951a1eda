"""Behind the last column: parameters and tables that arrive over the IFM bus."""

from __future__ import annotations

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .config import CoreConfig
from .isa import token_layout


def destinations(config: CoreConfig) -> dict[str, int]:
    """The number of each load destination: columns first (0 .. K-1), then these."""
    first = config.columns
    numbers = {
        "parameters": first,
        "table0": first + config.requantizers,
        "table1": first + config.requantizers + 1,
        "exponentials": first + config.requantizers + 2,
    }
    if config.log_softmax:
        numbers["logarithms"] = first + config.requantizers + 3
    return numbers


class Tail(wiring.Component):
    """Says which memory the word that leaves the last column is for.

    Latency: ``enable``, ``address`` and ``data`` come one cycle after the token, with the word.

    Members
    -------
    token : In, what leaves the last column; x : In, its word, one cycle later.
    enable : Out, one bit each for the requantizers, then table 0, table 1, the exponentials and, where
        the core has that unit, the tables of the softmax's logarithm.
    address : Out, entry * parts + part. ``data`` : Out, the part.
    """

    def __init__(self, config: CoreConfig) -> None:
        self._config = config
        super().__init__({
            "token": In(token_layout(config)), "x": In(8 * config.lanes),
            "enable": Out(config.requantizers + 3 + config.log_softmax),
            "address": Out(config.token_address_bits), "data": Out(8 * config.lanes),
        })  # fmt: skip

    def elaborate(self, platform: object) -> Module:
        m = Module()
        first, loads = destinations(self._config)["parameters"], self._config.loads
        for number in range(len(self.enable)):
            meant = self.token.destination == first + number if loads else 1
            m.d.sync += self.enable[number].eq(self.token.write & meant)
        m.d.sync += self.address.eq(self.token.address)
        m.d.comb += self.data.eq(self.x)
        return m
