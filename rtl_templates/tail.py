"""Behind the last column: parameters and tables that arrive over the IFM bus, put together again."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .config import CoreConfig
from .isa import token_layout


def destinations(config: CoreConfig) -> dict[str, int]:
    """The number of each load destination: columns first (0 .. K-1), then these."""
    first = config.columns
    return {
        "parameters": first,
        "table0": first + config.requantizers,
        "table1": first + config.requantizers + 1,
        "exponentials": first + config.requantizers + 2,
    }


class Tail(wiring.Component):
    """Collects the words of an entry, low part first, and hands it to its memory.

    An entry of p words has p consecutive token addresses, from a multiple of p (a power of two).

    Latency: two cycles from the last part to ``enable``.

    Members
    -------
    token, x : In, what leaves the last column.
    enable : Out, one bit each for the requantizers, then table 0, table 1, the exponentials.
    parameter_address, table_address, exponential_address : Out.
    entry : Out, the newest words; an entry of p words is its topmost p words.
    """

    def __init__(self, config: CoreConfig) -> None:
        self._config = config
        self._most = max(config.parameter_parts, config.table_parts, config.exponential_parts)
        super().__init__({
            "token": In(token_layout(config)),
            "x": In(8 * config.lanes),
            "enable": Out(config.requantizers + 3),
            "address": Out(config.token_address_bits),
            "entry": Out(8 * config.lanes * self._most),
        })

    def take(self, bits: int, words: int) -> object:
        """The part of ``entry`` that holds an entry of ``bits`` bits in ``words`` words."""
        start = 8 * self._config.lanes * (self._most - words)
        return self.entry[start : start + bits]

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config = self._config
        first = destinations(config)
        sizes = [config.parameter_parts] * config.requantizers
        sizes += [config.table_parts, config.table_parts, config.exponential_parts]
        hits = Signal(len(sizes))
        for number, size in enumerate(sizes):
            complete = self.token.address[: (size - 1).bit_length()].all() if size > 1 else 1
            m.d.sync += hits[number].eq(
                self.token.write & (self.token.destination == first["parameters"] + number) & complete
            )
        word = Signal(8 * config.lanes, reset_less=True)
        address = Signal.like(self.token.address, reset_less=True)
        m.d.sync += [word.eq(self.x), address.eq(self.token.address)]
        m.d.sync += [
            self.entry.eq(Cat(self.entry, word)[len(word) :]),
            self.enable.eq(hits),
            self.address.eq(address),
        ]
        return m
