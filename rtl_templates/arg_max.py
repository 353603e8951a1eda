"""Where a row's greatest or least byte is."""

from __future__ import annotations

from amaranth import Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

INDEX_BITS = 16


class ArgMax(wiring.Component):
    """Index of the greatest byte of each row (or of the least), the first of equal ones.

    One pass, one byte a cycle; the rows follow each other. A row's index comes out as a little-endian
    number of 4 or 8 bytes, one a cycle, the first ``LATENCY`` cycles after the row's last byte. So the
    last bytes of two rows are at least 4 or 8 cycles apart.

    Verified range: rows of 1 to 300 bytes against the definition; by construction up to 65535.

    Members
    -------
    start : In(1), a strobe before the first row. Samples ``minimum`` and ``wide``.
    minimum : In(1), the least byte is wanted.
    wide : In(1), an index has 8 bytes.
    x_valid : In(1), ``x`` is a token. From the cycle after ``start``; one a cycle at most.
    x : In(signed(8)), the row's byte.
    x_last : In(1), the token is its row's last one.
    y_valid : Out(1), ``y`` is a byte of the result.
    y : Out(8).
    y_last : Out(1), ``y`` is the result's last byte.
    """

    LATENCY = 2

    def __init__(self) -> None:
        super().__init__({
            "start": In(1),
            "minimum": In(1),
            "wide": In(1),
            "x_valid": In(1),
            "x": In(signed(8)),
            "x_last": In(1),
            "y_valid": Out(1),
            "y": Out(8),
            "y_last": Out(1),
        })

    @staticmethod
    def interval(element_bytes: int) -> int:
        """The least number of cycles from one row's last token to the next row's."""
        return element_bytes

    def elaborate(self, platform: object) -> Module:
        m = Module()
        minimum, wide, first = Signal(), Signal(), Signal()
        index, where = Signal(INDEX_BITS), Signal(INDEX_BITS, reset_less=True)
        best = Signal(signed(8), reset_less=True)
        value = Signal(signed(8))
        better = Signal()
        m.d.comb += [
            value.eq(Mux(minimum, ~self.x, self.x)),
            better.eq(first | (value > best)),
        ]
        done = Signal()
        m.d.sync += done.eq(self.x_valid & self.x_last)
        with m.If(self.start):
            m.d.sync += [minimum.eq(self.minimum), wide.eq(self.wide), first.eq(1), index.eq(0)]
        with m.Elif(self.x_valid):
            m.d.sync += [first.eq(self.x_last), index.eq(Mux(self.x_last, 0, index + 1))]
            with m.If(better):
                m.d.sync += [best.eq(value), where.eq(index)]

        left = Signal(range(8))
        rest = Signal(INDEX_BITS - 8, reset_less=True)
        with m.If(done):
            m.d.sync += [self.y.eq(where[:8]), rest.eq(where[8:]), left.eq(Mux(wide, 7, 3))]
        with m.Else():
            m.d.sync += [self.y.eq(rest), rest.eq(0), left.eq(left - left.any())]
        m.d.sync += self.y_valid.eq(done | left.any())
        m.d.comb += self.y_last.eq(left == 0)
        return m
