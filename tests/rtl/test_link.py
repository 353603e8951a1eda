"""The host link against the protocol's definition, under idle, back-pressure and garbage."""

from __future__ import annotations

import binascii
import random
import struct

import pytest
from amaranth.sim import Simulator

from tfl2hw.rtl_templates import frames
from tfl2hw.rtl_templates.frames import Command, Status
from tfl2hw.rtl_templates.link import Link
from tfl2hw.sim.bench import Sink, Source, Stalls, bursts, never, often
from tfl2hw.sim.memory_core import MemoryCore

IDENTITY = "000102030405060708090a0b0c0d0eff"
TIMEOUT = 500


def frame(first: int, command: int, sequence: int, payload: bytes = b"") -> bytes:
    body = struct.pack("<BBH", command, sequence, len(payload)) + payload
    return bytes([first]) + body + struct.pack("<H", binascii.crc_hqx(body, 0xFFFF))


def request(command: int, sequence: int, payload: bytes = b"") -> bytes:
    return frame(frames.REQUEST, command, sequence, payload)


def reply(status: int, sequence: int, payload: bytes = b"") -> bytes:
    return frame(frames.REPLY, status, sequence, payload)


def write(sequence: int, address: int, data: bytes) -> bytes:
    return request(Command.WRITE, sequence, struct.pack("<I", address) + data)


def read(sequence: int, address: int, count: int) -> bytes:
    return request(Command.READ, sequence, struct.pack("<IH", address, count))


def run(sequence: int, pc: int, flags: int) -> bytes:
    return request(Command.RUN, sequence, struct.pack("<HB", pc, flags))


def spoilt(data: bytes, position: int) -> bytes:
    return data[:position] + bytes([data[position] ^ 0x10]) + data[position + 1 :]


def converse(
    exchanges: list[tuple[bytes, bytes]], idle: Stalls = never, pressure: Stalls = never, pause: int = 0
) -> None:
    """Send each request and expect each reply, ``pause`` cycles apart."""
    dut = MemoryCore(IDENTITY, timeout=TIMEOUT)
    source, sink = Source(dut.i, idle), Sink(dut.o, pressure)

    async def testbench(ctx):
        for sent, expected in exchanges:
            await source.send(ctx, sent)
            for _ in range(40 * len(expected) + 300):
                if len(sink.received) >= len(expected):
                    break
                await ctx.tick()
            await ctx.tick().repeat(30 + pause)
            assert bytes(sink.received).hex(" ") == expected.hex(" ")
            sink.received.clear()

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(testbench)
    simulator.add_testbench(sink.run, background=True)
    simulator.run()


IDENTIFIED = (request(Command.IDENTIFY, 9), reply(Status.OK, 9, bytes.fromhex(IDENTITY)))
STALLS = [(never, never), (often(0.5, 1), never), (never, often(0.7, 2)), (often(0.3, 3), bursts(9, 2))]


def test_crc_is_the_one_that_hosts_compute() -> None:
    data = bytes(range(256))
    assert frames.CRC(data_width=8).compute(data) == binascii.crc_hqx(data, 0xFFFF)
    assert frames.CRC(data_width=8).compute(b"123456789") == 0x29B1


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
            (write(4, 0x100, b""), reply(Status.OK, 4)),
            (run(5, 77, 0), reply(Status.OK, 5, struct.pack("<IH", 77, 78))),
            (run(255, 0x123, 1), reply(Status.OK, 255, struct.pack("<IH", 0x123, 0x125))),
        ],
        idle,
        pressure,
    )


@pytest.mark.parametrize(("idle", "pressure"), STALLS)
def test_refusals(idle: Stalls, pressure: Stalls) -> None:
    converse(
        [
            (request(0, 1), reply(Status.UNKNOWN_COMMAND, 1)),
            (request(5, 2, b"abc"), reply(Status.UNKNOWN_COMMAND, 2)),
            (request(0x81, 3, b"abc"), reply(Status.UNKNOWN_COMMAND, 3)),
            (request(Command.IDENTIFY, 4, b"x"), reply(Status.BAD_LENGTH, 4)),
            (request(Command.WRITE, 5, b"abc"), reply(Status.BAD_LENGTH, 5)),
            (request(Command.READ, 6, bytes(7)), reply(Status.BAD_LENGTH, 6)),
            (request(Command.READ, 7, bytes(0x106)), reply(Status.BAD_LENGTH, 7)),
            (request(Command.RUN, 8), reply(Status.BAD_LENGTH, 8)),
            IDENTIFIED,
        ],
        idle,
        pressure,
    )


@pytest.mark.parametrize("position", [1, 2, 5, 6, 10, 11, 12])
def test_bad_crc(position: int) -> None:
    """Any byte but the length's may be wrong; a spoilt READ or RUN does nothing."""
    asked = read(3, 0x55, 2)
    sequence = asked[2] ^ (0x10 if position == 2 else 0)
    converse([(spoilt(asked, position), reply(Status.BAD_CRC, sequence)), IDENTIFIED])


def test_bad_crc_of_the_other_commands() -> None:
    converse([
        (spoilt(request(Command.IDENTIFY, 1), 6), reply(Status.BAD_CRC, 1)),
        (spoilt(write(2, 0, b"abcd"), 9), reply(Status.BAD_CRC, 2)),
        (write(3, 0, b"efgh"), reply(Status.OK, 3)),
        (spoilt(run(4, 10, 0), 9), reply(Status.BAD_CRC, 4)),
        (spoilt(request(9, 5), 5), reply(Status.BAD_CRC, 5)),
        (read(6, 0, 4), reply(Status.OK, 6, b"efgh")),
    ])


@pytest.mark.parametrize(("idle", "pressure"), STALLS)
def test_garbage_is_skipped(idle: Stalls, pressure: Stalls) -> None:
    garbage = bytes(x for x in random.Random(3).randbytes(60) if x != frames.REQUEST)
    converse([(garbage, b""), (garbage + IDENTIFIED[0], IDENTIFIED[1]), IDENTIFIED], idle, pressure)


@pytest.mark.parametrize("cut", [1, 2, 4, 5, 7, 9, 12, 16, 17, 18])
def test_a_cut_frame_is_dropped(cut: int) -> None:
    whole = write(1, 0, b"abcdefgh")
    assert len(whole) == 19
    converse([(whole[:cut], b""), IDENTIFIED], pause=TIMEOUT)


def test_a_frame_that_only_pauses_is_kept() -> None:
    converse([(IDENTIFIED[0][:4], b""), (IDENTIFIED[0][4:], IDENTIFIED[1])], pause=TIMEOUT // 2 - 200)


@pytest.mark.parametrize("identity", ["", "00" * 15, "00" * 17, "xy" * 16, "00 " * 16])
def test_refuses_identity(identity: str) -> None:
    with pytest.raises(ValueError, match="identity must be 32 hex digits, not"):
        Link(identity)


def test_refuses_timeout() -> None:
    with pytest.raises(ValueError, match="timeout must be at least 2 cycles, not 1"):
        Link(IDENTITY, timeout=1)
