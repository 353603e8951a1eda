"""Inside the simulator: packets to a core between two AXI4-Streams, by cocotbext-axi."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge, with_timeout
from cocotbext.axi import AxiStreamBus, AxiStreamSink, AxiStreamSource

from tfl2hw.sim.simulate import parameters

LIMIT_US = 2000
SHORT, LONG = 1, 2


class Bench:
    """The core after a reset, its weights loaded, and both ends of its streams."""

    def __init__(self, dut: Any) -> None:
        self.dut = dut
        self.source, self.sink = self._end(AxiStreamSource, "s_axis"), self._end(AxiStreamSink, "m_axis")
        given = parameters()
        self.inputs = [bytes.fromhex(each) for each in given["inputs"]]
        self.outputs = [bytes.fromhex(each) for each in given["outputs"]]
        self.weights = bytes.fromhex(given["weights"])
        self.cycles = int(given["cycles"])

    def _end(self, kind: Any, prefix: str) -> Any:
        return kind(AxiStreamBus.from_prefix(self.dut, prefix), self.dut.clk, self.dut.rst)

    async def reset(self, cycles: int = 1) -> None:
        self.dut.rst.value = 1
        await ClockCycles(self.dut.clk, cycles)
        self.dut.rst.value = 0
        await ClockCycles(self.dut.clk, 1)  # or the source drops what it is given

    async def load(self) -> None:
        if self.weights:
            source = self._end(AxiStreamSource, "s_weights")
            await source.send(self.weights)

    async def answers(self, data: bytes) -> None:
        frame = await with_timeout(self.sink.recv(), LIMIT_US, "us")
        assert bytes(frame.tdata).hex() == data.hex()
        assert int(self.dut.cycles.value) == self.cycles

    def stall(self, seed: int) -> None:
        """Both ends stall at random, in bursts as well as for single cycles."""
        self.source.set_pause_generator(stalls(seed))
        self.sink.set_pause_generator(stalls(seed + 1))


def stalls(seed: int) -> Iterator[bool]:
    generator = random.Random(seed)
    while True:
        yield from itertools.repeat(generator.random() < 0.5, generator.choice((1, 1, 2, 9)))


async def started(dut: Any) -> Bench:
    dut.clear_error.value = 0
    cocotb.start_soon(Clock(dut.clk, 10, unit="ns").start())
    bench = Bench(dut)
    await bench.reset()
    await bench.load()
    return bench


@cocotb.test()
async def every_input_at_once(dut: Any) -> None:
    """All packets are offered from the start: the core takes each when the answer before has left."""
    bench = await started(dut)
    assert int(dut.busy.value) == 1
    for data in bench.inputs:
        await bench.source.send(data)
    for data in bench.outputs:
        await bench.answers(data)
    await ClockCycles(dut.clk, 5)
    assert int(dut.busy.value) == 0
    assert int(dut.error.value) == 0


@cocotb.test()
async def stalls_on_both_sides(dut: Any) -> None:
    bench = await started(dut)
    bench.stall(1)
    for data, wanted in zip(bench.inputs, bench.outputs, strict=True):
        await bench.source.send(data)
        await bench.answers(wanted)


@cocotb.test()
async def packets_of_a_wrong_length_are_dropped(dut: Any) -> None:
    bench = await started(dut)
    bench.stall(5)
    data, wanted = bench.inputs[0], bench.outputs[0]
    wrong = {
        SHORT: [data[:1], data[:-1], data[: len(data) // 2]],
        LONG: [data + b"\x11", data + data, data * 2 + data[:3]],
    }
    for error, packets in wrong.items():
        for packet in packets:
            await bench.source.send(packet)
            await with_timeout(bench.source.wait(), LIMIT_US, "us")
            await ClockCycles(dut.clk, 3)
            assert int(dut.error.value) == error
            assert int(dut.busy.value) == 0
            dut.clear_error.value = 1
            await ClockCycles(dut.clk, 1)
            dut.clear_error.value = 0
    for packet in (*wrong[SHORT], data, wrong[LONG][0], data):
        await bench.source.send(packet)
    await bench.answers(wanted)
    await bench.answers(wanted)
    assert int(dut.error.value) == SHORT | LONG
    await ClockCycles(dut.clk, 2 * bench.cycles)
    assert bench.sink.empty(), "a packet of a wrong length was answered"


@cocotb.test()
async def a_reset_at_any_time(dut: Any) -> None:
    """One cycle of it, while data are taken, in the run, and while the answer leaves."""
    bench = await started(dut)
    data, wanted = bench.inputs[0], bench.outputs[0]
    moments = (len(data) // 2, len(data) + bench.cycles // 2, len(data) + bench.cycles * 3 // 4)
    for moment in moments:
        await bench.source.send(data)
        while not int(dut.s_axis_tready.value):
            await RisingEdge(dut.clk)
        await ClockCycles(dut.clk, moment)
        await bench.reset()
        await ClockCycles(dut.clk, 2)
        assert int(dut.m_axis_tvalid.value) == 0
        await bench.load()
        bench.source.clear()
        await bench.source.send(data)
        await bench.answers(wanted)
