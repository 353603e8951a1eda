"""Tensors into a scratchpad and out of it, padding put in and left out, at any pace and begun anew."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.sim import Simulator

from tests.rtl.support import make_config
from tests.rtl.test_hostport import Bench
from tfl2hw.rtl_templates.map_ports import OUTPUT_BYTE, MapReader, MapWriter
from tfl2hw.rtl_templates.tensor_map import TensorMap
from tfl2hw.runtime.session import TensorLocation
from tfl2hw.sim.bench import Sink, Source, Stalls, bursts, never, often

LANES = 8
MAPS = [
    TensorMap(address=64, height=5, width=7, channels=1, pitch=1, left=1, right=2, fill=0x83),
    TensorMap(address=0, height=3, width=2, channels=5, pitch=8),
    TensorMap(address=8, height=1, width=1, channels=1, pitch=8),
    TensorMap(address=16, height=4, width=3, channels=3, pitch=3),
    TensorMap(address=16, height=2, width=3, channels=3, pitch=8, left=1, right=1, fill=7),
    TensorMap(address=16, height=2, width=3, channels=2, pitch=2, right=3, fill=255),
    TensorMap(address=0, height=1, width=1, channels=160, pitch=160),
]
STALLS = [(never, never), (often(0.5, 1), often(0.5, 2)), (bursts(5, 1), bursts(1, 4))]


class Loop(wiring.Component):
    """The writer's way into a memory, and two readers': of the tensor, and of all bytes where it lies."""

    def __init__(self, tensor: TensorMap) -> None:
        words = -(-tensor.size // LANES)
        first = tensor.address - tensor.address % LANES
        flat = TensorMap(address=first, height=1, width=1, channels=words * LANES, pitch=words * LANES)
        self.parts: list[tuple[int, Any]] = [
            (tensor.address, MapWriter(tensor, LANES)),
            (first, MapReader(tensor, LANES)),
            (first, MapReader(flat, LANES)),
        ]
        super().__init__({
            "turn": In(2), "start": In(1), "done": Out(1),
            "i": In(stream.Signature(8)), "last": Out(1), "o": Out(stream.Signature(OUTPUT_BYTE)),
        })  # fmt: skip

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.bench = bench = Bench(make_config((LANES, 4, 2)))
        bus = bench.bus
        with m.Switch(self.turn):
            for number, (address, part) in enumerate(self.parts):
                m.submodules[f"part{number}"] = part
                with m.Case(number):
                    m.d.comb += [part.start.eq(self.start), self.done.eq(part.done), bus.address.eq(address)]
                    if isinstance(part, MapWriter):
                        m.d.comb += [
                            bus.start_write.eq(part.start_write), bus.w.payload.eq(part.w.payload),
                            bus.w.valid.eq(part.w.valid), part.w.ready.eq(bus.w.ready),
                            part.i.payload.eq(self.i.payload), part.i.valid.eq(self.i.valid),
                            self.i.ready.eq(part.i.ready), self.last.eq(part.last),
                        ]  # fmt: skip
                        continue
                    m.d.comb += [
                        bus.start_read.eq(part.start_read), bus.r.ready.eq(part.r.ready),
                        part.r.payload.eq(bus.r.payload), part.r.valid.eq(bus.r.valid),
                        part.o.ready.eq(self.o.ready), self.o.valid.eq(part.o.valid),
                        self.o.payload.data.eq(part.o.payload.data),
                        self.o.payload.last.eq(part.o.payload.last),
                    ]  # fmt: skip
        return m


@pytest.mark.parametrize("tensor", MAPS)
@pytest.mark.parametrize(("idle", "pressure"), STALLS)
def test_a_tensor_goes_where_the_host_would_write_it(
    tensor: TensorMap, idle: Stalls, pressure: Stalls
) -> None:
    generator = random.Random(tensor.size)
    values = np.frombuffer(generator.randbytes(tensor.count), np.int8)
    place = TensorLocation(
        address=tensor.address, height=tensor.height, width=tensor.width, channels=tensor.channels,
        packed=tensor.pitch == tensor.channels, lanes=LANES,
        left=tensor.left, right=tensor.right, fill=(tensor.fill + 128) % 256 - 128,
    )  # fmt: skip
    written = place.pack(values)
    assert place.size == tensor.size
    dut = Loop(tensor)
    source, sink = Source(dut.i, idle), Sink(dut.o, pressure)

    async def begin(ctx: Any, turn: int) -> None:
        ctx.set(dut.turn, turn)
        ctx.set(dut.start, 1)
        await ctx.tick()
        ctx.set(dut.start, 0)

    async def testbench(ctx: Any) -> None:
        await begin(ctx, 0)
        await source.send(ctx, generator.randbytes(tensor.count // 2))  # and given up
        await begin(ctx, 0)
        await source.send(ctx, values[:-1].tobytes())
        await ctx.tick().until(dut.last)
        await source.send(ctx, values[-1:].tobytes())
        await ctx.tick().until(dut.done)
        await ctx.tick().repeat(3)
        for turn, wanted in ((1, values.tobytes()), (2, written), (1, values.tobytes())):
            sink.received.clear()
            await begin(ctx, turn)
            await ctx.tick().until(dut.done)
            assert bytes(byte.data for byte in sink.received)[: len(wanted)] == wanted
            assert [byte.last for byte in sink.received] == [0] * (len(sink.received) - 1) + [1]
            assert len(sink.received) == len(wanted) or turn == 2

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(testbench)
    simulator.add_testbench(sink.run, background=True)
    simulator.run()


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("height", 0, "height must be at least 1, not 0"),
        ("pitch", 2, "pitch must be at least the 5 channels, not 2"),
        ("fill", -3, "fill must be 0 to 255, not -3"),
    ],
)
def test_refuses(field: str, value: int, sentence: str) -> None:
    fields = {"address": 0, "height": 3, "width": 2, "channels": 5, "pitch": 8} | {field: value}
    with pytest.raises(ValueError, match=sentence):
        TensorMap(**fields)


def test_a_writer_refuses_an_address_within_a_word() -> None:
    with pytest.raises(ValueError, match="address must be a multiple of 8, not 12"):
        MapWriter(TensorMap(address=12, height=1, width=1, channels=5, pitch=8), LANES)
