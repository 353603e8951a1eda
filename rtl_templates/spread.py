"""Spread writes: each byte that the host sends is written several times, evenly spaced."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib import enum, stream, wiring
from amaranth.lib.wiring import In, Out

from .config import CoreConfig
from .hostbus import SPREAD_ADDRESS_BYTES, SPREAD_BYTES, SPREAD_COUNT_BYTES


class _State(enum.Enum, shape=3):
    OFF = 0
    PARAMETERS = 1
    ROW = 2  # begins
    BYTE = 3  # waited for
    TURN = 4
    COPY = 5


class Spread(wiring.Component):
    """Says, cycle by cycle, what the host port does with the bytes of a spread write (see ``hostbus``).

    A byte that is taken enters the port's word, which then turns until the byte stands in all of its lanes;
    then a copy is written each cycle, and the address moves on by ``advance``. A byte takes ``lanes`` cycles
    and one for each copy, in which ``w`` is not ready.

    Members
    -------
    start : In(1), a transfer begins, at once; ``active`` : In(1), with it: it is a spread write.
    w : In(stream of 8), the transfer's bytes, parameters first; ready in any other transfer.
    takes : Out(1), the byte offered enters the word. turns : Out(1), the word turns by a byte.
    writes : Out(1), a copy is to be written. advance : Out(signed), what to add to its address then.
    """

    def __init__(self, config: CoreConfig) -> None:
        self._lanes = config.lanes
        super().__init__({
            "start": In(1), "active": In(1),
            "w": In(stream.Signature(8)),
            "takes": Out(1), "turns": Out(1),
            "writes": Out(1), "advance": Out(signed(config.byte_address_bits + 1)),
        })  # fmt: skip

    def elaborate(self, platform: object) -> Module:
        m = Module()
        w, state = self.w, Signal(_State)
        parameters = Signal(8 * SPREAD_BYTES, reset_less=True)
        number = Signal(range(SPREAD_BYTES), reset_less=True)
        step, next_byte, next_row = (
            parameters[8 * SPREAD_ADDRESS_BYTES * n :][: len(self.advance)].as_signed() for n in range(3)
        )
        counts = parameters[8 * 3 * SPREAD_ADDRESS_BYTES :]
        copies, count = (counts.word_select(n, 8 * SPREAD_COUNT_BYTES) for n in range(2))
        turn = Signal(range(self._lanes), reset_less=True)
        # one less than are left: the sign says 'last'
        copies_left = Signal(signed(len(copies) + 1), reset_less=True)
        bytes_left = Signal(signed(len(count) + 1), reset_less=True)
        last, ends_row = copies_left[-1], bytes_left[-1]
        m.d.comb += self.advance.eq(Mux(~last, step, Mux(ends_row, next_row, next_byte)))
        with m.Switch(state):
            with m.Case(_State.OFF):
                m.d.comb += w.ready.eq(1)
            with m.Case(_State.PARAMETERS):
                m.d.comb += w.ready.eq(1)
                with m.If(w.valid):
                    m.d.sync += [parameters.eq(Cat(parameters[8:], w.payload)), number.eq(number - 1)]
                    with m.If(number == 0):
                        m.d.sync += state.eq(_State.ROW)
            with m.Case(_State.ROW):
                m.d.sync += [bytes_left.eq(count - 1), state.eq(_State.BYTE)]
            with m.Case(_State.BYTE):
                m.d.comb += [w.ready.eq(1), self.takes.eq(w.valid)]
                m.d.sync += [turn.eq(self._lanes - 2), copies_left.eq(copies - 1)]
                with m.If(w.valid):
                    m.d.sync += state.eq(_State.TURN)
            with m.Case(_State.TURN):
                m.d.comb += self.turns.eq(1)
                m.d.sync += turn.eq(turn - 1)
                with m.If(turn == 0):
                    m.d.sync += state.eq(_State.COPY)
            with m.Case(_State.COPY):
                m.d.comb += self.writes.eq(1)
                m.d.sync += copies_left.eq(copies_left - 1)
                with m.If(last):
                    m.d.sync += bytes_left.eq(bytes_left - 1)
                    m.d.sync += state.eq(Mux(ends_row, _State.ROW, _State.BYTE))
        with m.If(self.start):
            m.d.sync += number.eq(SPREAD_BYTES - 1)
            m.d.sync += state.eq(Mux(self.active, _State.PARAMETERS, _State.OFF))
        return m
