"""A tensor's own bytes into the scratchpad and out of it: the host's work, for a host within the chip."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from .map_walk import MapWalk, Place
from .tensor_map import TensorMap

OUTPUT_BYTE = data.StructLayout({"data": 8, "last": 1})
"""A byte of an output; ``last``: the tensor's last one."""


class MapWriter(wiring.Component):
    """Writes one tensor through a HostBus: padding is put in where it belongs.

    Latency: the first byte is asked for 2 cycles after ``start``. Throughput: a byte a cycle, those of the
    padding included.

    Parameters
    ----------
    tensor : where it lies.
    lanes : bytes of a scratchpad word; what the map lacks to whole words is filled with zeros.

    Members
    -------
    start : In(1), a strobe: a new tensor, whatever became of the one before.
    done : Out(1), all of it is written, until ``start``.
    i : In(stream of 8), the tensor's bytes. last : Out(1), the byte that ``i`` waits for is the last.
    start_write, w : Out, as in HostBus; the address is the map's.
    """

    def __init__(self, tensor: TensorMap, lanes: int) -> None:
        if tensor.address % lanes:
            raise ValueError(f"address must be a multiple of {lanes}, not {tensor.address!r}")
        self._tensor = tensor
        self._walk = MapWalk(tensor, tail=-tensor.size % lanes)
        super().__init__({
            "start": In(1), "done": Out(1), "last": Out(1),
            "i": In(stream.Signature(8)),
            "start_write": Out(1), "w": Out(stream.Signature(8)),
        })  # fmt: skip

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.walk = walk = self._walk
        w, place = self.w, walk.place
        begun = Signal()  # the bus has heard of the transfer
        free = ~w.valid | w.ready
        takes, offers = Signal(), Signal()
        m.d.comb += [
            walk.start.eq(self.start),
            takes.eq(begun & free & (place == Place.DATA)),
            offers.eq(begun & (place != Place.END) & ((place != Place.DATA) | self.i.valid)),
            self.i.ready.eq(takes),
            walk.step.eq(offers & free),
            self.last.eq(walk.last),
            self.done.eq(begun & (place == Place.END) & ~w.valid),
        ]
        margin = (place == Place.LEAD) | (place == Place.TRAIL)
        padding = Mux(margin, self._tensor.fill, 0)
        m.d.sync += [self.start_write.eq(self.start), begun.eq(begun | self.start_write)]
        with m.If(free):
            m.d.sync += [
                w.valid.eq(offers),
                w.payload.eq(Mux(place == Place.DATA, self.i.payload, padding)),
            ]
        with m.If(self.start):
            m.d.sync += [w.valid.eq(0), begun.eq(0)]
        return m


class MapReader(wiring.Component):
    """Reads one tensor through a HostBus: padding is left out.

    Latency and throughput are those of the bus; nothing is buffered.

    Parameters
    ----------
    tensor : where it lies.
    lanes : bytes of a scratchpad word.

    Members
    -------
    start : In(1), a strobe: from the first byte on, whatever became of the time before.
    done : Out(1), all of it has been taken, until ``start``.
    o : Out(stream of ``OUTPUT_BYTE``), the tensor's bytes.
    start_read : Out(1), r : In(stream of 8), as in HostBus; the address is that of the map's first word.
    """

    def __init__(self, tensor: TensorMap, lanes: int) -> None:
        self._walk = MapWalk(tensor, head=tensor.address % lanes)
        super().__init__({
            "start": In(1), "done": Out(1),
            "o": Out(stream.Signature(OUTPUT_BYTE)),
            "start_read": Out(1), "r": In(stream.Signature(8)),
        })  # fmt: skip

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.walk = walk = self._walk
        begun, is_data, more = Signal(), Signal(), Signal()
        m.d.comb += [
            walk.start.eq(self.start),
            is_data.eq(walk.place == Place.DATA),
            more.eq(begun & (walk.place != Place.END)),
            self.o.valid.eq(more & is_data & self.r.valid),
            self.o.payload.data.eq(self.r.payload),
            self.o.payload.last.eq(walk.last),
            self.r.ready.eq(more & (~is_data | self.o.ready)),
            walk.step.eq(self.r.valid & self.r.ready),
            self.done.eq(begun & (walk.place == Place.END)),
        ]
        # what the bus still brings of an earlier read ends in the cycle behind ``start_read``
        m.d.sync += [self.start_read.eq(self.start), begun.eq(begun | self.start_read)]
        with m.If(self.start):
            m.d.sync += begun.eq(0)
        return m
