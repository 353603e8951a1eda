"""Inside the simulator: a core behind a Wishbone bus, by a classic and a pipelined master."""

from __future__ import annotations

import random
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge, with_timeout

from tfl2hw.rtl_templates.wishbone import Control, Register, Status, Window
from tfl2hw.sim.simulate import parameters
from tfl2hw.sim.wishbone import WishboneMaster

LIMIT_US = 2000
READY = Status.LOADED


class Bench:
    """The core after a reset, its weights loaded, and a master."""

    def __init__(self, dut: Any, **options: Any) -> None:
        self.dut = dut
        self.master = WishboneMaster(dut, "wb", dut.clk, **options)
        given = parameters()
        self.inputs = [bytes.fromhex(each) for each in given["inputs"]]
        self.outputs = [bytes.fromhex(each) for each in given["outputs"]]
        self.weights = bytes.fromhex(given["weights"])
        self.identity = bytes.fromhex(given["identity"])
        self.cycles = int(given["cycles"])
        self.words = int(given["window_bytes"]) // 4

    def window(self, window: Window) -> int:
        return int(window) * self.words

    async def reset(self) -> None:
        self.dut.rst.value = 1
        await ClockCycles(self.dut.clk, 1)
        self.dut.rst.value = 0

    async def load(self) -> None:
        while await self.status() & Status.BUSY:
            pass
        if self.weights:
            assert not await self.status() & Status.LOADED
            await self.master.write_bytes(self.window(Window.WEIGHTS), self.weights)
        assert await self.status() == READY

    async def status(self) -> int:
        return await self.master.read(Register.STATUS)

    async def send(self, data: bytes) -> None:
        await self.master.write_bytes(self.window(Window.INPUT), data)

    async def start(self, interrupt: bool = False) -> None:
        await self.master.write(Register.CONTROL, Control.START | (Control.INTERRUPT if interrupt else 0))

    async def wait(self) -> None:
        while not await self.status() & Status.DONE:
            pass

    async def outputs_are(self, wanted: bytes) -> None:
        found = await self.master.read_bytes(self.window(Window.OUTPUT), len(wanted))
        assert found.hex() == wanted.hex()
        assert await self.master.read(Register.CYCLES) == self.cycles

    async def error_is(self, error: Status) -> None:
        """That one, which goes when it is written."""
        errors = Status.ERROR_BUSY | Status.ERROR_ORDER | Status.ERROR_EMPTY
        assert await self.status() & errors == error
        await self.master.write(Register.STATUS, error)
        assert await self.status() & errors == 0


async def started(dut: Any, **options: Any) -> Bench:
    cocotb.start_soon(Clock(dut.clk, 10, unit="ns").start())
    bench = Bench(dut, **options)
    await bench.reset()
    await bench.load()
    return bench


@cocotb.test()
async def by_a_classic_master(dut: Any) -> None:
    await inferences(await started(dut))


@cocotb.test()
async def by_a_pipelined_master(dut: Any) -> None:
    await inferences(await started(dut, pipelined=True))


@cocotb.test()
async def by_a_master_that_rests(dut: Any) -> None:
    await inferences(await started(dut, idle=0.5, seed=3))


async def inferences(bench: Bench) -> None:
    master = bench.master
    assert await master.read_bytes(Register.IDENTITY, 16) == bench.identity
    assert await master.read(Register.INPUT_BYTES) == len(bench.inputs[0])
    assert await master.read(Register.OUTPUT_BYTES) == len(bench.outputs[0])
    assert await master.read(Register.WEIGHT_BYTES) == len(bench.weights)
    for data, wanted in zip(bench.inputs, bench.outputs, strict=True):
        await bench.send(data)
        assert await bench.status() == READY | Status.FILLED
        await bench.start()
        await bench.wait()
        assert await bench.status() == READY | Status.ANSWERED | Status.DONE
        await master.write(Register.STATUS, Status.DONE)
        await bench.outputs_are(wanted)
        await bench.outputs_are(wanted)  # a second time
    assert await bench.status() == READY | Status.ANSWERED


@cocotb.test()
async def an_interrupt(dut: Any) -> None:
    bench = await started(dut)
    await bench.send(bench.inputs[0])
    await bench.start(interrupt=True)
    assert int(dut.irq.value) == 0
    await with_timeout(RisingEdge(dut.irq), LIMIT_US, "us")
    assert await bench.status() & Status.DONE
    assert await bench.master.read(Register.CONTROL) == Control.INTERRUPT
    await bench.master.write(Register.STATUS, Status.DONE)
    assert int(dut.irq.value) == 0
    await bench.outputs_are(bench.outputs[0])


@cocotb.test()
async def any_bytes_and_any_order(dut: Any) -> None:
    """Inputs byte by byte and in parts of words; outputs from the last word to the first, and at random."""
    bench = await started(dut)
    generator = random.Random(2)
    data, wanted, first = bench.inputs[0], bench.outputs[0], bench.window(Window.INPUT)
    await bench.master.write(first, 0x55555555)  # begun, and begun anew
    position = 0
    while position < len(data):
        lane = position % 4
        count = min(generator.choice((1, 1, 2, 3, 4)), 4 - lane, len(data) - position)
        value = int.from_bytes(data[position : position + count], "little") << (8 * lane)
        await bench.master.write(first + position // 4, value, ((1 << count) - 1) << lane)
        position += count
    assert await bench.status() == READY | Status.FILLED
    await bench.start()
    await bench.wait()
    padded = wanted + bytes(-len(wanted) % 4 + 8)
    words = range(len(padded) // 4)
    for word in (*reversed(words), *generator.choices(words, k=20)):
        found = await bench.master.read(bench.window(Window.OUTPUT) + word)
        assert found == int.from_bytes(padded[4 * word :][:4], "little")


@cocotb.test()
async def what_is_refused(dut: Any) -> None:
    """Each sets its bit and does nothing else."""
    bench = await started(dut)
    master, data = bench.master, bench.inputs[0]
    inputs, outputs = bench.window(Window.INPUT), bench.window(Window.OUTPUT)
    await bench.start()  # without inputs
    await bench.error_is(Status.ERROR_EMPTY)
    assert await master.read(outputs) == 0  # without an answer
    await bench.error_is(Status.ERROR_EMPTY)
    await master.write(inputs + 1, 1)  # not the next word
    await bench.error_is(Status.ERROR_ORDER)
    await master.write_bytes(bench.window(Window.WEIGHTS), bytes(4))  # they are loaded
    await bench.error_is(Status.ERROR_ORDER)
    await bench.send(data[:-4])
    await bench.start()  # with a part of the inputs
    await bench.error_is(Status.ERROR_EMPTY)
    await master.write(inputs, int.from_bytes(data[:4], "little"))
    await master.write(inputs, int.from_bytes(data[:4], "little"))
    await master.write_bytes(inputs + 1, data[4:])
    await master.write(inputs + (len(data) - 1) // 4, 0)  # they are all there
    await bench.error_is(Status.ERROR_ORDER)
    await master.write(outputs, 0)  # goes nowhere
    assert await bench.status() == READY | Status.FILLED
    await bench.start()
    for refused in (
        bench.start(),
        master.write(inputs, 0),
        master.write(inputs + 5, 0),
        master.read(outputs),
    ):
        await refused
        await bench.error_is(Status.ERROR_BUSY)
    assert await bench.status() & Status.BUSY
    await bench.wait()
    await bench.outputs_are(bench.outputs[0])
    await bench.start()  # without new inputs
    await bench.error_is(Status.ERROR_EMPTY)
    await bench.outputs_are(bench.outputs[0])


@cocotb.test()
async def a_reset_in_a_run(dut: Any) -> None:
    bench = await started(dut)
    for part in (3, 5):
        await bench.send(bench.inputs[0])
        await bench.start()
        await ClockCycles(dut.clk, bench.cycles * part // 8)
        await bench.reset()
        await bench.load()
        await bench.send(bench.inputs[1])
        await bench.start()
        await bench.wait()
        await bench.outputs_are(bench.outputs[1])
