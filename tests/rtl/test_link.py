"""The host link against the protocol's definition, under idle, back-pressure and garbage."""

from __future__ import annotations

import random
import struct
import zlib

import pytest
from amaranth.sim import Simulator

from tfl2hw.rtl_templates import frames
from tfl2hw.rtl_templates.frames import Command, Status
from tfl2hw.rtl_templates.link import Link
from tfl2hw.sim.bench import Sink, Source, Stalls, bursts, never, often
from tfl2hw.sim.memory_core import MemoryCore

IDENTITY = "000102030405060708090a0b0c0d0eff"
TIMEOUT = 500


def crc(data: bytes) -> bytes:
    return struct.pack("<I", zlib.crc32(data))


def request(command: int, sequence: int, argument: int = 0, length: int = 0) -> bytes:
    header = struct.pack("<BBHI", command, sequence, length, argument)
    return bytes([frames.REQUEST]) + header + crc(header)


def reply(status: int, sequence: int, payload: bytes = b"", mark: int = 0) -> bytes:
    body = struct.pack("<BBHH", status, sequence, mark, len(payload)) + payload
    return bytes([frames.REPLY]) + body + crc(body)


def write(sequence: int, address: int, data: bytes) -> bytes:
    header = request(Command.WRITE, sequence, address, len(data))
    return header + data + crc(header[1:9] + data)


def read(sequence: int, address: int, count: int) -> bytes:
    return request(Command.READ, sequence, address, count)


def run(sequence: int, pc: int, flags: int) -> bytes:
    return request(Command.RUN, sequence, pc | flags)


def state(sequence: int, cycles: int, pc: int, broken: int = 0, cut: int = 0, mark: int = 0) -> bytes:
    return reply(Status.OK, sequence, struct.pack("<IHBB", cycles, pc, broken, cut), mark)


def spoilt(data: bytes, position: int) -> bytes:
    return data[:position] + bytes([data[position] ^ 0x10]) + data[position + 1 :]


def converse(
    exchanges: list[tuple[bytes, bytes]], idle: Stalls = never, pressure: Stalls = never, pause: int = 0
) -> None:
    """Send each request and expect each reply, ``pause`` cycles apart; of a quick link and of a slow one."""
    for slow in (False, True):
        _converse(MemoryCore(IDENTITY, timeout=TIMEOUT, slow=slow), exchanges, idle, pressure, pause)


def _converse(
    dut: MemoryCore, exchanges: list[tuple[bytes, bytes]], idle: Stalls, pressure: Stalls, pause: int
) -> None:
    source, sink = Source(dut.i, idle), Sink(dut.o, pressure)

    async def testbench(ctx):
        for sent, expected in exchanges:
            await source.send(ctx, sent)
            for _ in range(40 * len(expected) + 300):
                if len(sink.received) >= len(expected):
                    break
                await ctx.tick()
            await ctx.tick().repeat(30)
            assert bytes(sink.received).hex(" ") == expected.hex(" ")
            sink.received.clear()
            await ctx.tick().repeat(1 + (0 if expected else pause))

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(testbench)
    simulator.add_testbench(sink.run, background=True)
    simulator.run()


IDENTIFIED = (request(Command.IDENTIFY, 9), reply(Status.OK, 9, bytes.fromhex(IDENTITY)))
MARKED = (request(Command.MARK, 8, 0x1234), reply(Status.OK, 8))
STALLS = [(never, never), (often(0.5, 1), never), (never, often(0.7, 2)), (often(0.3, 3), bursts(9, 2))]


def test_crc_is_the_one_that_hosts_compute() -> None:
    data = bytes(range(256))
    assert frames.CRC(data_width=8).compute(data) == zlib.crc32(data)
    assert frames.CRC(data_width=8).compute(b"123456789") == 0xCBF43926


@pytest.mark.parametrize(("idle", "pressure"), STALLS)
def test_every_command(idle: Stalls, pressure: Stalls) -> None:
    data = random.Random(7).randbytes(200)
    converse(
        [
            IDENTIFIED,
            (write(0, 16, data), reply(Status.OK, 0)),
            (read(1, 16, 200), reply(Status.OK, 1, data)),
            (read(2, 20, 3), reply(Status.OK, 2, data[4:7])),
            (read(3, 16, 0), reply(Status.OK, 3)),
            MARKED,
            (write(4, 0x100, b""), reply(Status.OK, 4, mark=0x1234)),
            (run(5, 77, 0), state(5, 77, 78, mark=0x1234)),
            (write(6, 0x100, b""), reply(Status.OK, 6, mark=0x1234)),
            (run(255, 0x123, frames.BREAKS), state(255, 0x123, 0x125, mark=0x1234)),
            (request(Command.STATE, 7), state(7, 0x123, 0x125, mark=0x1234)),
        ],
        idle,
        pressure,
    )


def test_a_run_is_refused_without_a_mark() -> None:
    converse([
        (write(1, 0, b"abcd"), reply(Status.OK, 1)),
        (run(2, 50, 0), reply(Status.UNMARKED, 2)),
        MARKED,
        (request(Command.MARK, 3, 0), reply(Status.OK, 3, mark=0x1234)),
        (write(4, 0, b"abcd"), reply(Status.OK, 4)),
        (run(5, 50, 0), reply(Status.UNMARKED, 5)),
        (request(Command.STATE, 6), state(6, 0, 0)),
    ])


def test_a_run_that_is_sent_again_does_not_run_again() -> None:
    converse([
        MARKED,
        (write(1, 0, b"abcd"), reply(Status.OK, 1, mark=0x1234)),
        (run(2, 50, 0), state(2, 50, 51, mark=0x1234)),
        (run(3, 99, 0), state(3, 50, 51, mark=0x1234)),
        (write(4, 0, b""), reply(Status.OK, 4, mark=0x1234)),
        (run(5, 99, 0), state(5, 99, 100, mark=0x1234)),
    ])


@pytest.mark.parametrize("command", [0, 7, 0x81])
@pytest.mark.parametrize("data", [b"", IDENTIFIED[0]])
def test_an_unknown_command_is_skipped_with_its_data(command: int, data: bytes) -> None:
    converse(
        [
            (request(command, 1, 5, len(data)) + data, b""),
            (b"", reply(Status.UNKNOWN_COMMAND, 1)),
            IDENTIFIED,
        ],
        pause=TIMEOUT,
    )


@pytest.mark.parametrize("position", range(1, 13))
def test_a_header_with_any_byte_wrong_does_nothing(position: int) -> None:
    """Not even to the address that it seems to name."""
    asked = write(3, 0x55, b"abcd")
    sequence = asked[2] ^ (0x10 if position == 2 else 0)
    converse(
        [
            (write(1, 0x45, bytes(range(40))), reply(Status.OK, 1)),
            (spoilt(asked, position), b""),
            (b"", reply(Status.BROKEN, sequence)),
            (read(4, 0x45, 40), reply(Status.OK, 4, bytes(range(40)))),
            (request(Command.STATE, 5), state(5, 0, 0, broken=1)),
        ],
        pause=TIMEOUT,
    )


@pytest.mark.parametrize("position", [13, 16, 17, 20])
def test_data_with_any_byte_wrong_stay_in_their_place(position: int) -> None:
    converse(
        [
            (write(1, 0, bytes(32)), reply(Status.OK, 1)),
            (spoilt(write(2, 8, b"abcd"), position), b""),
            (b"", reply(Status.BROKEN, 2)),
            (read(3, 0, 8), reply(Status.OK, 3, bytes(8))),
            (read(4, 12, 20), reply(Status.OK, 4, bytes(20))),
            (write(5, 8, b"abcd"), reply(Status.OK, 5)),
            (read(6, 8, 4), reply(Status.OK, 6, b"abcd")),
        ],
        pause=TIMEOUT,
    )


def test_a_broken_run_or_mark_does_nothing() -> None:
    converse(
        [
            MARKED,
            (write(1, 0, b"abcd"), reply(Status.OK, 1, mark=0x1234)),
            (spoilt(run(2, 10, 0), 5), b""),
            (b"", reply(Status.BROKEN, 2, mark=0x1234)),
            (spoilt(request(Command.MARK, 3, 7), 12), b""),
            (b"", reply(Status.BROKEN, 3, mark=0x1234)),
            (request(Command.STATE, 4), state(4, 0, 0, broken=2, mark=0x1234)),
        ],
        pause=TIMEOUT,
    )


@pytest.mark.parametrize(("idle", "pressure"), STALLS)
def test_garbage_is_skipped(idle: Stalls, pressure: Stalls) -> None:
    garbage = bytes(x for x in random.Random(3).randbytes(60) if x != frames.REQUEST)
    converse([(garbage, b""), (garbage + IDENTIFIED[0], IDENTIFIED[1]), IDENTIFIED], idle, pressure)


def test_behind_garbage_that_looks_like_a_frame_everything_is_skipped() -> None:
    """A whole frame in it too: it might be a piece of data."""
    garbage = bytes([frames.REQUEST]) + bytes(20) + IDENTIFIED[0]
    converse([(garbage, b""), (b"", reply(Status.BROKEN, 0)), IDENTIFIED], pause=TIMEOUT)


@pytest.mark.parametrize("cut", [1, 2, 3, 5, 8, 9, 11, 12, 13, 16, 20, 21, 24])
def test_a_cut_frame_is_answered_after_a_silence(cut: int) -> None:
    whole = write(1, 0, b"abcdefgh")
    assert len(whole) == 25
    before = (read(1, 0, 0), reply(Status.OK, 1))
    after = (request(Command.STATE, 5), state(5, 0, 0, cut=1))
    converse([before, (whole[:cut], b""), (b"", reply(Status.CUT, 1)), IDENTIFIED, after], pause=TIMEOUT)


def test_a_frame_that_only_pauses_is_kept() -> None:
    converse([(IDENTIFIED[0][:4], b""), (IDENTIFIED[0][4:], IDENTIFIED[1])], pause=TIMEOUT // 2 - 200)


@pytest.mark.parametrize("identity", ["", "00" * 15, "00" * 17, "xy" * 16, "00 " * 16])
def test_refuses_identity(identity: str) -> None:
    with pytest.raises(ValueError, match="identity must be 32 hex digits, not"):
        Link(identity)


def test_refuses_timeout() -> None:
    with pytest.raises(ValueError, match="timeout must be at least 2 cycles, not 1"):
        Link(IDENTITY, timeout=1)


BOOTED = bytes.fromhex(IDENTITY)
LOADING = request(Command.MARK, 0, frames.LOADING)
LOADED = request(Command.MARK, 0, 0x1234)
BIT_BY_BIT = 40
"""Cycles between two bytes: half of what a flash takes for one."""


def boot(stream: bytes, exchanges: list[tuple[bytes, bytes]]) -> None:
    """Reset, send ``stream`` as a flash does; then, when it is over, converse as a host."""
    dut = MemoryCore(IDENTITY, timeout=TIMEOUT, boots=True)
    source, sink = Source(dut.i), Sink(dut.o)

    async def testbench(ctx):
        for byte in stream:
            await ctx.tick().repeat(BIT_BY_BIT)
            if not ctx.get(dut.booting):
                break
            await source.send(ctx, [byte])
        for _ in range(2 * TIMEOUT):
            if not ctx.get(dut.booting):
                break
            await ctx.tick()
        assert not ctx.get(dut.booting)
        assert not sink.received
        for sent, expected in exchanges:
            await source.send(ctx, sent)
            await ctx.tick().repeat(40 * len(expected) + 100)
            assert bytes(sink.received).hex(" ") == expected.hex(" ")
            sink.received.clear()

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(testbench)
    simulator.add_testbench(sink.run, background=True)
    simulator.run()


def test_a_flash_is_loaded_from_without_answers() -> None:
    boot(
        BOOTED + LOADING + write(0, 0x55, b"weights") + run(0, 40, 0) + LOADED,
        [
            (read(1, 0x55, 7), reply(Status.OK, 1, b"weights", 0x1234)),
            (request(Command.STATE, 2), state(2, 40, 41, mark=0x1234)),
            (write(3, 0, b""), reply(Status.OK, 3, mark=0x1234)),
            (run(4, 50, 0), state(4, 50, 51, mark=0x1234)),
        ],
    )


@pytest.mark.parametrize("position", range(16))
def test_a_flash_for_another_design_does_nothing(position: int) -> None:
    boot(
        spoilt(BOOTED, position) + LOADING + write(0, 0x55, b"weights") + LOADED,
        [
            (request(Command.STATE, 1), state(1, 0, 0)),
            (read(2, 0x55, 7), reply(Status.OK, 2, bytes(7))),
            (run(3, 50, 0), reply(Status.UNMARKED, 3)),
        ],
    )


@pytest.mark.parametrize(
    ("stream", "broken", "cut"),
    [
        (spoilt(LOADING + write(0, 0x55, b"weights"), 13), 0, 0),  # no REQUEST
        (LOADING + spoilt(write(0, 0x55, b"weights"), 4), 1, 0),  # a header
        (LOADING + spoilt(write(0, 0x55, b"weights"), 15), 1, 0),  # data
        (LOADING + write(0, 0x55, b"weights") + spoilt(LOADED, 5), 1, 0),
        (LOADING + write(0, 0x55, b"weights")[:20], 0, 1),
        (LOADING + write(0, 0x55, b"weights"), 0, 0),  # nothing more
        (LOADING + request(9, 0) + LOADED, 0, 0),  # a command that there is not
    ],
)
def test_a_flash_that_is_damaged_leaves_a_board_that_can_be_loaded(
    stream: bytes, broken: int, cut: int
) -> None:
    """It carries the mark of the loading, until a host has done it."""
    boot(
        BOOTED + stream,
        [
            (request(Command.STATE, 1), state(1, 0, 0, broken, cut, frames.LOADING)),
            (write(2, 0x55, b"WEIGHTS"), reply(Status.OK, 2, mark=frames.LOADING)),
            (request(Command.MARK, 3, 0x77), reply(Status.OK, 3, mark=frames.LOADING)),
            (run(4, 50, 0), state(4, 50, 51, broken, cut, 0x77)),
            (read(5, 0x55, 7), reply(Status.OK, 5, b"WEIGHTS", 0x77)),
        ],
    )


def test_an_empty_flash_is_given_up() -> None:
    boot(b"", [(request(Command.STATE, 1), state(1, 0, 0, cut=1)), IDENTIFIED])
