"""The UART against bits timed by hand, the top against a host's UART, with idle lines and noise."""

import random

import pytest
from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.sim import Simulator

from tfl2hw.rtl_templates.top import UartTop
from tfl2hw.rtl_templates.uart import LEAST_DIVISOR, Uart, UartReceiver, UartTransmitter


class Increment(wiring.Component):
    """A stand-in for a core: every byte comes back plus one."""

    def __init__(self) -> None:
        super().__init__({"i": In(stream.Signature(8)), "o": Out(stream.Signature(8))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.d.comb += [self.o.payload.eq(self.i.payload + 1), self.o.valid.eq(self.i.valid)]
        m.d.comb += self.i.ready.eq(self.o.ready)
        return m


async def send(ctx, line, data: bytes, cycles: float, idle: int = 0) -> None:
    """Put bytes on ``line``, ``cycles`` a bit (a fraction is kept), ``idle`` cycles between bytes."""
    owed = 0.0
    for byte in data:
        for bit in [0, *[byte >> n & 1 for n in range(8)], 1]:
            ctx.set(line, bit)
            owed += cycles
            await ctx.tick().repeat(int(owed))
            owed -= int(owed)
        if idle:
            await ctx.tick().repeat(idle)


async def receive(ctx, line, count: int, cycles: int) -> bytes:
    """Take bytes from ``line`` by sampling the middles of bits."""
    data = bytearray()
    while len(data) < count:
        while ctx.get(line):
            await ctx.tick()
        await ctx.tick().repeat(cycles // 2)
        bits = []
        for _ in range(9):
            await ctx.tick().repeat(cycles)
            bits.append(ctx.get(line))
        assert bits[8] == 1
        data.append(sum(bit << n for n, bit in enumerate(bits[:8])))
    return bytes(data)


def simulate(dut, *benches) -> None:
    m = Module()
    m.submodules.dut = dut
    simulator = Simulator(m)
    simulator.add_clock(1e-6)
    for bench in benches:
        simulator.add_testbench(bench)
    simulator.run()


@pytest.mark.parametrize("divisor", [8, 13, 30])
@pytest.mark.parametrize("error", [-0.02, 0.0, 0.02])
@pytest.mark.parametrize("idle", [0, 7])
@pytest.mark.parametrize("fast", [False, True])
def test_receiver_takes_every_byte(divisor: int, error: float, idle: int, fast: bool) -> None:
    dut = UartReceiver(divisor)
    divisor = LEAST_DIVISOR if fast else divisor
    data = bytes([0, 255, 0x55, 0xAA, *random.Random(divisor).randbytes(20)])
    seen = bytearray()

    async def line(ctx):
        ctx.set(dut.fast, fast)
        await ctx.tick().repeat(20)
        await send(ctx, dut.rx, data, divisor * (1 + error), idle)
        await ctx.tick().repeat(4 * divisor)
        assert bytes(seen) == data

    async def sink(ctx):
        ctx.set(dut.o.ready, 1)
        async for _, _, valid, payload in ctx.tick().sample(dut.o.valid, dut.o.payload):
            if valid:
                seen.append(payload)

    m = Module()
    m.submodules.dut = dut
    simulator = Simulator(m)
    simulator.add_clock(1e-6)
    simulator.add_testbench(line)
    simulator.add_testbench(sink, background=True)
    simulator.run()


def test_receiver_ignores_a_spike() -> None:
    dut = UartReceiver(16)

    async def line(ctx):
        await ctx.tick().repeat(20)
        ctx.set(dut.rx, 0)
        await ctx.tick()
        ctx.set(dut.rx, 1)
        for _ in range(400):
            await ctx.tick()
            assert not ctx.get(dut.o.valid)

    simulate(dut, line)


@pytest.mark.parametrize("divisor", [8, 30])
def test_transmitter_sends_every_byte_back_to_back(divisor: int) -> None:
    dut = UartTransmitter(divisor)
    data = bytes([0, 255, *random.Random(3).randbytes(10)])

    async def source(ctx):
        ctx.set(dut.i.valid, 1)
        for byte in data:
            ctx.set(dut.i.payload, byte)
            await ctx.tick().until(dut.i.ready)
        ctx.set(dut.i.valid, 0)

    async def line(ctx):
        assert await receive(ctx, dut.tx, len(data), divisor) == data

    simulate(dut, source, line)


def test_top_carries_bytes_to_the_core_and_back() -> None:
    divisor = 12
    dut = UartTop(Increment(), divisor)
    data = random.Random(5).randbytes(16)

    async def host(ctx):
        await ctx.tick().repeat(10)
        await send(ctx, dut.rx, data, divisor * 1.01)

    async def answer(ctx):
        await ctx.tick()
        assert await receive(ctx, dut.tx, len(data), divisor) == bytes((byte + 1) & 255 for byte in data)

    simulate(dut, host, answer)


@pytest.mark.parametrize("unit", [Uart, UartReceiver, UartTransmitter])
def test_divisor_too_small_is_refused(unit) -> None:
    with pytest.raises(ValueError, match="divisor must be at least 8, not 7"):
        unit(7)
