"""The flash's reader against a flash at its pins: what it says to it, and what comes on the line."""

from __future__ import annotations

import random

import pytest
from amaranth.hdl import Module
from amaranth.sim import Simulator

from tests.rtl.test_link import IDENTITY, reply, request, write
from tests.rtl_templates.test_uart import receive, send
from tfl2hw.rtl_templates.flash_reader import START_BITS, FlashReader
from tfl2hw.rtl_templates.frames import LOADING, Command, Status
from tfl2hw.rtl_templates.top import UartTop
from tfl2hw.rtl_templates.uart import LEAST_DIVISOR
from tfl2hw.runtime.flash import as_line
from tfl2hw.sim.memory_core import MemoryCore
from tfl2hw.sim.spi_flash import SpiFlash

ADDRESS = 0x2_1357
AWAKE = 3500
"""Cycles that a flash may take to wake up: 35 us at 100 MHz."""

TIMEOUT = 1 << 13
MARK = 0x1234
LOADED = b"".join([
    bytes.fromhex(IDENTITY),
    request(Command.MARK, 0, LOADING),
    write(0, 0x55, b"weights"),
    request(Command.MARK, 0, MARK),
])  # fmt: skip


def simulate(dut, flash: SpiFlash, *benches) -> None:
    m = Module()
    m.submodules.dut = dut
    simulator = Simulator(m)
    simulator.add_clock(1e-6)
    simulator.add_testbench(flash.run, background=True)
    for bench in benches:
        simulator.add_testbench(bench)
    simulator.run()


def test_it_wakes_the_flash_and_reads_bit_after_bit() -> None:
    dut = FlashReader(ADDRESS)
    contents = random.Random(2).randbytes(30)
    flash = SpiFlash(dut.spi, contents, ADDRESS, AWAKE)

    async def bench(ctx):
        ctx.set(dut.enable, 1)
        for _ in range(START_BITS * LEAST_DIVISOR):
            assert ctx.get(dut.line) == 1  # whatever the flash's pin says meanwhile
            await ctx.tick()
        for number in range(8 * len(contents)):
            await ctx.tick().repeat(LEAST_DIVISOR // 2)
            assert ctx.get(dut.line) == contents[number // 8] >> (7 - number % 8) & 1, number
            await ctx.tick().repeat(LEAST_DIVISOR // 2)
        ctx.set(dut.enable, 0)
        await ctx.tick().repeat(2)
        before = ctx.get(dut.spi.sck)
        for _ in range(4 * LEAST_DIVISOR):
            assert (ctx.get(dut.spi.cs), ctx.get(dut.spi.sck)) == (0, before)
            await ctx.tick()

    simulate(dut, flash, bench)
    assert flash.commands == [f"{0xAB:08b}", f"{0x03:08b}{ADDRESS:024b}"]
    assert flash.faults == []


def test_an_address_of_more_than_24_bits_is_refused() -> None:
    with pytest.raises(ValueError, match="address must have 24 bits at most, not 0x1000000"):
        FlashReader(1 << 24)


@pytest.mark.parametrize("divisor", [8, 30])
def test_a_top_loads_itself_and_only_then_answers(divisor: int) -> None:
    """What the host asks meanwhile is lost; what it finds then is what the flash held, and its mark."""
    dut = UartTop(core := MemoryCore(IDENTITY, timeout=TIMEOUT, boots=True), divisor, ADDRESS)
    flash = SpiFlash(dut.spi, as_line([(LOADED, 0)]), ADDRESS, AWAKE)
    read = reply(Status.OK, 5, b"weights", MARK)

    async def host(ctx):
        early = request(Command.IDENTIFY, 1)
        await send(ctx, dut.rx, early, divisor)
        while ctx.get(core.booting):
            assert ctx.get(dut.tx) == 1
            await ctx.tick()
        await send(ctx, dut.rx, request(Command.READ, 5, 0x55, 7), divisor, idle=1)

    async def answer(ctx):
        await ctx.tick()
        assert await receive(ctx, dut.tx, len(read), divisor) == read

    simulate(dut, flash, host, answer)
    assert flash.faults == []


@pytest.mark.parametrize("contents", [b"", bytes(400), as_line([(LOADED[:40], 0)])])
def test_a_top_gives_up_what_is_no_image(contents: bytes) -> None:
    """An erased flash, one that says 0, one where the image breaks off: the mark tells."""
    divisor = 8
    dut = UartTop(core := MemoryCore(IDENTITY, timeout=TIMEOUT, boots=True), divisor, ADDRESS)
    flash = SpiFlash(dut.spi, contents, ADDRESS, AWAKE)
    found = reply(Status.OK, 5, mark=LOADING if len(contents) in range(1, 400) else 0)

    async def host(ctx):
        while ctx.get(core.booting):
            await ctx.tick()
        await ctx.tick().repeat(12 * divisor)  # until the receiver is done with what the flash had begun
        await send(ctx, dut.rx, request(Command.MARK, 5, MARK), divisor, idle=1)

    async def answer(ctx):
        await ctx.tick()
        assert await receive(ctx, dut.tx, len(found), divisor) == found

    simulate(dut, flash, host, answer)
