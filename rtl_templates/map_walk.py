"""Byte after byte through a tensor as it lies in the scratchpad: which are the tensor's?"""

from __future__ import annotations

from amaranth.hdl import Module, Signal
from amaranth.lib import enum, wiring
from amaranth.lib.wiring import In, Out

from .tensor_map import TensorMap


class Place(enum.Enum, shape=3):
    """What stands at a byte."""

    END = 0  # there are no more
    LEAD = 1
    DATA = 2
    GAP = 3
    TRAIL = 4
    TAIL = 5  # zeros behind the map
    HEAD = 6  # something else in front of it


class MapWalk(wiring.Component):
    """Tells what the byte is that comes next.

    Latency: one cycle from ``start`` or ``step`` to the outputs. Throughput: a byte a cycle.

    Parameters
    ----------
    tensor : where it lies.
    head, tail : bytes in front of the map, and behind it.

    Members
    -------
    start : In(1), a strobe: the map's first byte is next.
    step : In(1), a strobe: the byte passes. ``start`` goes before it.
    place : Out(Place), what the byte is.
    last : Out(1), it is the tensor's last.
    """

    def __init__(self, tensor: TensorMap, *, head: int = 0, tail: int = 0) -> None:
        self._runs = tensor.runs
        self._head, self._tail = head, tail
        super().__init__({"start": In(1), "step": In(1), "place": Out(Place), "last": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        runs = self._runs
        self._lengths = {
            Place.LEAD: runs.lead, Place.DATA: runs.data, Place.GAP: runs.gap, Place.TRAIL: runs.trail,
            Place.TAIL: self._tail, Place.HEAD: self._head,
        }  # fmt: skip
        # each is one less than are left, the byte, pixel or row under way included
        self._left = Signal(range(max(self._lengths.values())), reset_less=True)
        self._pixel, self._row = Signal(range(runs.pixels)), Signal(range(runs.rows))
        first = Place.LEAD if runs.lead else Place.DATA
        ends = self._left == 0
        m.d.comb += self.last.eq((self.place == Place.DATA) & ends & (self._pixel == 0) & (self._row == 0))
        with m.If(self.start):
            m.d.sync += [self._pixel.eq(runs.pixels - 1), self._row.eq(runs.rows - 1)]
            self._go(m, Place.HEAD if self._head else first)
        with m.Elif(self.step & ~ends):
            m.d.sync += self._left.eq(self._left - 1)
        with m.Elif(self.step):
            with m.Switch(self.place):
                with m.Case(Place.HEAD):
                    self._go(m, first)
                with m.Case(Place.LEAD):
                    self._go(m, Place.DATA)
                with m.Case(Place.DATA):
                    if runs.gap:
                        self._go(m, Place.GAP)
                    else:
                        self._end_pixel(m, first)
                with m.Case(Place.GAP):
                    self._end_pixel(m, first)
                with m.Case(Place.TRAIL):
                    self._end_row(m, first)
                with m.Case(Place.TAIL):
                    m.d.sync += self.place.eq(Place.END)
        return m

    def _go(self, m: Module, place: Place) -> None:
        m.d.sync += [self.place.eq(place), self._left.eq(self._lengths[place] - 1)]

    def _end_pixel(self, m: Module, first: Place) -> None:
        with m.If(self._pixel != 0):
            m.d.sync += self._pixel.eq(self._pixel - 1)
            self._go(m, Place.DATA)
        with m.Else():
            m.d.sync += self._pixel.eq(self._runs.pixels - 1)
            if self._runs.trail:
                self._go(m, Place.TRAIL)
            else:
                self._end_row(m, first)

    def _end_row(self, m: Module, first: Place) -> None:
        with m.If(self._row != 0):
            m.d.sync += self._row.eq(self._row - 1)
            self._go(m, first)
        with m.Else():
            if self._tail:
                self._go(m, Place.TAIL)
            else:
                m.d.sync += self.place.eq(Place.END)
