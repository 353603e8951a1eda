"""The host port between a byte stream and the memories: idle, back-pressure, transfers broken off."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import Any

import pytest
from amaranth.hdl import Module, Mux
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped
from amaranth.sim import Simulator

from tests.rtl.support import make_config
from tfl2hw.rtl_templates import frames
from tfl2hw.rtl_templates.config import CoreConfig
from tfl2hw.rtl_templates.hostbus import PROGRAM_SPACE, SPREAD_SPACE, HostBus
from tfl2hw.rtl_templates.hostport import HostPort
from tfl2hw.rtl_templates.link import Link
from tfl2hw.rtl_templates.scratchpad import Scratchpad
from tfl2hw.runtime import protocol
from tfl2hw.sim.bench import Sink, Source, Stalls, bursts, never, often

CONFIGS = [
    make_config((4, 4, 1), scratchpad="spram-model"),
    make_config((8, 8, 4)),
    make_config((8, 4, 2), program_depth=1024),
    make_config((16, 2, 1)),
    make_config((8, 8, 8), spread=True),
    make_config((16, 8, 8), spread=True, unaligned=True),
]
SPREADING = CONFIGS[-2:]
STALLS = [(never, never), (often(0.5, 1), often(0.5, 2)), (bursts(5, 1), never), (never, bursts(3, 2))]


class Bench(wiring.Component):
    """The host port with its scratchpad, as the core connects them."""

    def __init__(self, config: CoreConfig) -> None:
        self._config = config
        self.port = HostPort(config, Scratchpad.read_latency(config))
        super().__init__({
            "bus": In(HostBus()),
            "program_enable": Out(1), "program_address": Out(16), "program_data": Out(32),
        })  # fmt: skip

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.port = port = self.port
        m.submodules.scratchpad = scratchpad = Scratchpad(self._config)
        connect(m, flipped(self.bus), port.bus)
        m.d.comb += [
            scratchpad.read_address.eq(port.read_address), port.read_data.eq(scratchpad.read_data),
            scratchpad.writes.eq(port.write_enable),
            scratchpad.write_enable.eq(Mux(port.write_enable, port.write_lanes, 0)),
            scratchpad.write_address.eq(port.write_address), scratchpad.write_data.eq(port.write_data),
            self.program_enable.eq(port.program_enable), self.program_address.eq(port.program_address),
            self.program_data.eq(port.program_data),
        ]  # fmt: skip
        return m


class Host:
    """What the link does with the bus."""

    def __init__(self, dut: Bench, idle: Stalls = never, pressure: Stalls = never) -> None:
        self.dut = dut
        self._idle, self._pressure = idle, pressure
        self.program: list[tuple[int, int]] = []

    async def write(self, ctx: Any, address: int, data: bytes) -> None:
        await self._start(ctx, self.dut.bus.start_write, address)
        await Source(self.dut.bus.w, self._idle).send(ctx, data)

    async def read(self, ctx: Any, address: int, count: int) -> bytes:
        bus, received = self.dut.bus, bytearray()
        stalls = self._pressure()
        await self._start(ctx, bus.start_read, address)
        while len(received) < count:
            ready = not next(stalls)
            ctx.set(bus.r.ready, ready)
            _, _, valid, payload = await ctx.tick().sample(bus.r.valid, bus.r.payload)
            if valid and ready:
                received.append(payload)
        ctx.set(bus.r.ready, 0)
        return bytes(received)

    async def _start(self, ctx: Any, strobe: Any, address: int) -> None:
        ctx.set(self.dut.bus.address, address)
        ctx.set(strobe, 1)
        await ctx.tick()
        ctx.set(strobe, 0)
        ctx.set(self.dut.bus.address, 0x55_5555)  # sampled with the strobe alone

    async def watch_program(self, ctx: Any) -> None:
        dut = self.dut
        async for _, _, enable, address, data in ctx.tick().sample(
            dut.program_enable, dut.program_address, dut.program_data
        ):
            if enable:
                self.program.append((address, data))


async def pause(ctx: Any, cycles: int) -> None:
    for _ in range(cycles):
        await ctx.tick()


def simulate(host: Host, testbench: Any, *background: Any) -> None:
    simulator = Simulator(host.dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(testbench)
    for each in (host.watch_program, *background):
        simulator.add_testbench(each, background=True)
    simulator.run()


@pytest.mark.parametrize("config", CONFIGS, ids=lambda c: f"{c.lanes}x{c.columns}")
@pytest.mark.parametrize(("idle", "pressure"), STALLS)
def test_write_and_read(config: CoreConfig, idle: Stalls, pressure: Stalls) -> None:
    """Transfers of several lengths, one after the other, read back whole and from the middle."""
    host = Host(Bench(config), idle, pressure)
    lanes, generator = config.lanes, random.Random(1)
    memory = bytearray(config.scratchpad_words * lanes)

    async def testbench(ctx: Any) -> None:
        for address, words in ((0, 1), (3, 5), (7, 1), (120, 17), (config.scratchpad_words - 2, 2)):
            data = generator.randbytes(words * lanes)
            await host.write(ctx, address * lanes, data)
            memory[address * lanes : (address + words) * lanes] = data
            assert await host.read(ctx, address * lanes, len(data)) == data
        for address, count in ((3, 2 * lanes), (4, 3), (122, 1), (125, 5 * lanes - 1)):
            expected = bytes(memory[address * lanes : address * lanes + count])
            assert await host.read(ctx, address * lanes, count) == expected

    simulate(host, testbench)
    assert host.program == []


@pytest.mark.parametrize("config", CONFIGS, ids=lambda c: f"{c.lanes}x{c.columns}")
@pytest.mark.parametrize("idle", [never, often(0.5, 1)])
def test_program_space(config: CoreConfig, idle: Stalls) -> None:
    """Four bytes a program word, at its address; the scratchpad stays as it was."""
    host = Host(Bench(config), idle)
    data = random.Random(2).randbytes(4 * 9)
    kept = bytes(range(4 * config.lanes))

    async def testbench(ctx: Any) -> None:
        await host.write(ctx, 0, kept)
        await host.write(ctx, PROGRAM_SPACE + 4 * 5, data[:24])
        await host.write(ctx, PROGRAM_SPACE + 4 * 40, data[24:])
        assert await host.read(ctx, 0, len(kept)) == kept

    simulate(host, testbench)
    words = [int.from_bytes(data[n : n + 4], "little") for n in range(0, 36, 4)]
    assert host.program == list(zip([*range(5, 11), 40, 41, 42], words, strict=True))


@pytest.mark.parametrize("config", CONFIGS[:2], ids=lambda c: f"{c.lanes}x{c.columns}")
@pytest.mark.parametrize("taken", [0, 1, 3, 4, 7, 8, 9])
def test_a_read_broken_off_at_any_byte(config: CoreConfig, taken: int) -> None:
    """Then another read, or a write and a read: nothing of the first one is left."""
    host = Host(Bench(config))
    first, second = bytes(range(1, 33)), bytes(range(101, 133))

    async def testbench(ctx: Any) -> None:
        await host.write(ctx, 0, first)
        for wait in (0, 1, 4, 9):
            assert await host.read(ctx, 0, taken) == first[:taken]
            await pause(ctx, wait)
            assert await host.read(ctx, 16, 16) == first[16:]
            assert await host.read(ctx, 0, taken) == first[:taken]
            await pause(ctx, wait)
            await host.write(ctx, 32, second[wait:] + second[:wait])
            assert await host.read(ctx, 32, 32) == second[wait:] + second[:wait]
            assert await host.read(ctx, 0, 32) == first

    simulate(host, testbench)


@pytest.mark.parametrize("sent", [1, 3, 5, 7])
def test_a_write_broken_off_within_a_word(sent: int) -> None:
    """The word that was not complete is not written; the next transfer is whole."""
    config = make_config((8, 8, 4))
    host = Host(Bench(config))
    data = bytes(range(200, 216))

    async def testbench(ctx: Any) -> None:
        await host.write(ctx, 64, bytes(sent))
        await host.write(ctx, 0, data)
        assert await host.read(ctx, 0, 16) == data
        await host.write(ctx, 8, bytes(sent))
        assert await host.read(ctx, 0, 16) == data
        await host.write(ctx, 8, bytes(sent))
        await host.write(ctx, PROGRAM_SPACE, b"abcdefgh")
        assert await host.read(ctx, 0, 16) == data

    simulate(host, testbench)
    assert host.program == [(0, int.from_bytes(b"abcd", "little")), (1, int.from_bytes(b"efgh", "little"))]


def test_offered_bytes_stay_until_they_are_taken() -> None:
    dut = Bench(CONFIGS[0])
    host, sink = Host(dut), Sink(dut.bus.r, often(0.7, 3))

    async def testbench(ctx: Any) -> None:
        await host.write(ctx, 0, bytes(range(40)))
        await host._start(ctx, dut.bus.start_read, 0)
        await ctx.tick().repeat(300)
        assert bytes(sink.received[:40]) == bytes(range(40))

    simulate(host, testbench, sink.run)


@dataclass(frozen=True, kw_only=True)
class Spread:
    """A spread write of ``data``; the bytes' own steps, before those of their copies."""

    address: int
    step: int
    along: int
    across: int
    copies: int
    count: int
    data: bytes

    def payload(self, data: bytes) -> bytes:
        back = (1 - self.copies) * self.step
        return protocol.spread_payload(
            step=self.step,
            next_byte=self.along + back,
            next_row=self.across - (self.count - 1) * self.along + back,
            copies=self.copies,
            count=self.count,
            data=data,
        )

    def places(self) -> list[tuple[int, int]]:
        """Address and byte of every copy, in order."""
        return [
            (self.address + number // self.count * self.across + number % self.count * self.along
             + copy * self.step, byte)
            for number, byte in enumerate(self.data)
            for copy in range(self.copies)
        ]  # fmt: skip


SPREADS = [
    Spread(address=700, step=-97, along=3, across=101, copies=3, count=7, data=bytes(range(1, 24))),
    Spread(address=5, step=1, along=0, across=0, copies=300, count=1, data=b"\x83"),
    Spread(address=1, step=40, along=1, across=9, copies=1, count=9, data=bytes(range(60, 90))),
    Spread(address=1016, step=-1, along=-2, across=-333, copies=2, count=2, data=bytes(range(4))),
]


@pytest.mark.parametrize("config", SPREADING, ids=lambda c: f"{c.lanes}x{c.columns}")
@pytest.mark.parametrize("idle", [never, often(0.5, 1), bursts(40, 30)])
def test_spread_writes(config: CoreConfig, idle: Stalls) -> None:
    """Every copy is at its place, the latest in the order of writing, and no other byte has changed."""
    host = Host(Bench(config), idle)
    generator = random.Random(3)
    size = 1024
    memory = bytearray(generator.randbytes(size))

    async def testbench(ctx: Any) -> None:
        await host.write(ctx, 0, bytes(memory))
        for spread in SPREADS:
            await host.write(ctx, SPREAD_SPACE + spread.address, spread.payload(spread.data))
            for address, byte in spread.places():
                memory[address] = byte
            await pause(ctx, config.lanes + spread.copies + 2)  # for the last byte
            assert await host.read(ctx, 0, size) == bytes(memory)
            word = generator.randbytes(config.lanes)
            await host.write(ctx, 64, word)
            memory[64 : 64 + config.lanes] = word
            await host.write(ctx, PROGRAM_SPACE + 8, b"abcd")
            await pause(ctx, 2)

    simulate(host, testbench)
    assert host.program == [(2, int.from_bytes(b"abcd", "little"))] * len(SPREADS)


@pytest.mark.parametrize("sent", [0, 5, 13, 14, 15])
def test_a_spread_write_broken_off(sent: int) -> None:
    """Within its parameters, or with a byte under way: the next transfers are whole."""
    host, spread = Host(Bench(SPREADING[0])), SPREADS[0]
    data = bytes(range(200, 216))

    async def testbench(ctx: Any) -> None:
        await host.write(ctx, 0, bytes(1024))
        for wait in (0, 3, 8, 12):
            await host.write(ctx, SPREAD_SPACE + spread.address, spread.payload(spread.data)[:sent])
            await pause(ctx, wait)
            await host.write(ctx, 0, data)
            assert await host.read(ctx, 0, 16) == data
            await host.write(ctx, SPREAD_SPACE + spread.address, spread.payload(spread.data)[:sent])
            await pause(ctx, wait)
            assert await host.read(ctx, 0, 16) == data
            await host.write(ctx, SPREAD_SPACE, spread.payload(b"x")[:13])
            await host.write(ctx, SPREAD_SPACE + 300, replace(spread, copies=1).payload(b"whole"))
            await pause(ctx, 20)
            spaced = bytes(4) + b"\0\0".join(b"%c" % byte for byte in b"whole") + bytes(7)
            assert await host.read(ctx, 296, 24) == spaced

    simulate(host, testbench)


class Linked(wiring.Component):
    """The bench behind a link."""

    def __init__(self, config: CoreConfig) -> None:
        self._bench = Bench(config)
        super().__init__({"i": In(stream.Signature(8)), "o": Out(stream.Signature(8))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.bench = self._bench
        m.submodules.link = link = Link("00" * 16)
        connect(m, flipped(self.i), link.i)
        connect(m, flipped(self.o), link.o)
        connect(m, link.bus, self._bench.bus)
        return m


def test_the_reply_waits_for_the_last_byte() -> None:
    """The next request comes as soon as the link takes it, and finds every copy written."""
    dut = Linked(SPREADING[0])
    fill = Spread(address=16, step=1, along=0, across=0, copies=900, count=1, data=b"\x83")
    requests = [
        protocol.write_request(1, SPREAD_SPACE + fill.address, fill.payload(fill.data)),
        protocol.request(frames.Command.READ, 2, 16, 900),
    ]
    replies = [
        protocol.reply(frames.Status.OK, 1, 0),
        protocol.reply(frames.Status.OK, 2, 0, b"\x83" * 900),
    ]
    source, sink = Source(dut.i, never), Sink(dut.o, never)

    async def testbench(ctx: Any) -> None:
        await source.send(ctx, b"".join(requests))
        await pause(ctx, 3000)
        assert bytes(sink.received) == b"".join(replies)

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(testbench)
    simulator.add_testbench(sink.run, background=True)
    simulator.run()
