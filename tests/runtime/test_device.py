"""The host driver against a model of the link, on a line that loses and spoils bytes."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from tfl2hw.codegen.loading import Load
from tfl2hw.errors import ToolError, UsageError
from tfl2hw.rtl_templates import frames
from tfl2hw.rtl_templates.frames import Command, Status
from tfl2hw.rtl_templates.hostbus import PROGRAM_SPACE
from tfl2hw.runtime import protocol
from tfl2hw.runtime.device import Device
from tfl2hw.runtime.session import Session, TensorLocation
from tfl2hw.runtime.transport import SerialTransport

IDENTITY = bytes(range(16))


class Line:
    """A transport to a device modelled in Python; ``spoil(n, reply)`` may change the nth reply."""

    def __init__(self, spoil: Callable[[int, bytes], bytes] = lambda _, reply: reply) -> None:
        self.memory = bytearray(1 << 16)
        self.requests: list[tuple[int, bytes]] = []
        self.program: Callable[[int, bool], tuple[int, int]] = lambda pc, _: (100, pc + 1)
        self._spoil = spoil
        self._pending = b""

    def write(self, data: bytes) -> None:
        assert data[0] == frames.REQUEST
        command, sequence, length = protocol.HEADER.unpack(data[1:5])
        assert length <= 4096
        assert struct.unpack("<H", data[-2:])[0] == frames.CRC(data_width=8).compute(data[1:-2])
        self.requests.append((command, data[5:-2]))
        status, payload = self._serve(command, data[5:-2])
        reply = protocol.frame(frames.REPLY, status, sequence, payload)
        self._pending += self._spoil(len(self.requests), reply)

    def _serve(self, command: int, payload: bytes) -> tuple[int, bytes]:
        if command == Command.IDENTIFY:
            return Status.OK, IDENTITY
        if command == Command.WRITE:
            (address,) = struct.unpack("<I", payload[:4])
            if address < PROGRAM_SPACE:
                self.memory[address : address + len(payload) - 4] = payload[4:]
            return Status.OK, b""
        if command == Command.READ:
            address, count = struct.unpack("<IH", payload)
            return Status.OK, bytes(self.memory[address : address + count])
        pc, flags = struct.unpack("<HB", payload)
        return Status.OK, struct.pack("<IH", *self.program(pc, bool(flags)))

    def read(self, count: int, timeout: float) -> bytes:
        got, self._pending = self._pending[:count], self._pending[count:]
        return got

    def discard(self) -> None:
        self._pending = b""

    def close(self) -> None:
        pass


def once(change: Callable[[bytes], bytes], number: int = 1) -> Callable[[int, bytes], bytes]:
    return lambda n, reply: change(reply) if n == number else reply


SPOILT = {
    "lost": lambda _: b"",
    "cut": lambda reply: reply[:-1],
    "cut in the header": lambda reply: reply[:3],
    "flipped": lambda reply: reply[:-3] + bytes([reply[-3] ^ 1]) + reply[-2:],
    "length flipped": lambda reply: reply[:4] + bytes([reply[4] ^ 0x40]) + reply[5:],
    "first byte lost": lambda reply: reply[1:],
    "bad CRC seen": lambda reply: protocol.frame(frames.REPLY, Status.BAD_CRC, reply[2]),
}


@pytest.mark.parametrize("kind", SPOILT)
def test_broken_replies_are_asked_for_again(kind: str) -> None:
    line = Line(once(SPOILT[kind]))
    assert Device(line, lanes=8).identify() == IDENTITY
    assert len(line.requests) == 2


def test_noise_before_a_reply_is_skipped() -> None:
    line = Line(lambda _, reply: b"\x00\xa5\xff" + reply)
    assert Device(line, lanes=8).identify() == IDENTITY
    assert len(line.requests) == 1


def test_a_late_reply_to_an_earlier_request_is_skipped() -> None:
    line = Line(lambda _, reply: protocol.frame(frames.REPLY, 0, (reply[2] - 1) % 256, b"old") + reply)
    assert Device(line, lanes=8).identify() == IDENTITY


@pytest.mark.parametrize("lanes", [4, 8, 16, 32])
@pytest.mark.parametrize("count", [0, 1, 31, 4064, 4065, 10000])
def test_write_and_read_in_chunks(lanes: int, count: int) -> None:
    line = Line()
    device = Device(line, lanes=lanes)
    data = np.random.default_rng(count).bytes(count)
    device.write(64, data)
    assert line.memory[64 : 64 + count] == data
    assert device.read(64, count) == data
    for command, payload in line.requests:
        address = int.from_bytes(payload[:4], "little")
        assert address % lanes == 0
        if command == Command.WRITE:
            assert (len(payload) - 4) % lanes == 0


def test_read_inside_a_word() -> None:
    line = Line()
    line.memory[32:64] = bytes(range(32))
    assert Device(line, lanes=16).read(39, 4) == bytes(range(7, 11))


def test_program_words_are_four_bytes() -> None:
    line = Line()
    Device(line, lanes=32).write(PROGRAM_SPACE + 4, b"\1\2\3\4\5")
    assert line.requests[0][1][4:] == b"\1\2\3\4\5\0\0\0"


def test_write_inside_a_word_is_refused() -> None:
    with pytest.raises(ValueError, match="address must be a multiple of 8, not 0x4"):
        Device(Line(), lanes=8).write(4, b"x")


def test_run() -> None:
    assert Device(Line(), lanes=8).run(7) == (100, 8)


def test_run_is_not_repeated_when_it_may_have_started() -> None:
    line = Line(once(SPOILT["lost"]))
    with pytest.raises(ToolError, match="no good answer to RUN: the device is silent"):
        Device(line, lanes=8).run(0)
    assert len(line.requests) == 1


def test_run_that_arrived_broken_is_repeated() -> None:
    line = Line(once(SPOILT["bad CRC seen"]))
    assert Device(line, lanes=8).run(0) == (100, 1)
    assert len(line.requests) == 2


def test_a_dead_device() -> None:
    with pytest.raises(ToolError, match="no good answer to IDENTIFY in 4 attempts: the device is silent"):
        Device(Line(lambda _, reply: b""), lanes=8).identify()


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (2, "does not know the command"),
        (3, "length does not fit"),
        (77, "status 77"),
        (0, "0 bytes instead of 16"),
    ],
)
def test_refusals(status: int, text: str) -> None:
    line = Line(lambda _, reply: protocol.frame(frames.REPLY, status, reply[2]))
    with pytest.raises(ToolError, match=f"the device refused IDENTIFY: .*{text}"):
        Device(line, lanes=8).identify()


def test_payload_too_long() -> None:
    with pytest.raises(ValueError, match="at most 65535 bytes, not 65536"):
        protocol.request(Command.WRITE, 0, bytes(65536))


def test_serial_port_that_is_not_there() -> None:
    with pytest.raises(UsageError, match="serial port /nowhere/tty cannot be opened"):
        SerialTransport("/nowhere/tty", 115200)


def test_serial_port_looped_back() -> None:
    with SerialTransport("loop://", 115200) as port:
        port.write(b"hello")
        assert port.read(3, 0.1) == b"hel"
        assert port.read(3, 0.01) == b"lo"
        port.write(b"gone")
        port.discard()
        assert port.read(1, 0.01) == b""


def place(address: int, shape: tuple[int, int, int], packed: bool, lanes: int = 8) -> TensorLocation:
    height, width, channels = shape
    return TensorLocation(
        address=address, height=height, width=width, channels=channels, packed=packed, lanes=lanes
    )


def test_indices_are_packed_as_their_bytes() -> None:
    where = replace(place(0, (1, 3, 4), packed=False), dtype="int32")
    data = where.pack(np.array([1, 300, -2], np.int32))
    assert data == b"".join(value.to_bytes(4, "little", signed=True) + bytes(4) for value in (1, 300, -2))
    with pytest.raises(UsageError, match="12 elements of int8; the network takes 3 of int32"):
        where.pack(np.zeros(12, np.int8))


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("channels", [1, 3, 8, 9])
def test_locations_pack_and_unpack(packed: bool, channels: int) -> None:
    where = place(0, (2, 3, channels), packed)
    values = np.random.default_rng(0).integers(-128, 128, where.shape, np.int8)
    data = where.pack(values)
    assert len(data) == where.size
    assert len(data) == (6 * channels if packed else 6 * 8 * (-(-channels // 8)))
    np.testing.assert_array_equal(where.unpack(data), values)


def test_rows_with_pixels_beside_them() -> None:
    where = replace(place(0, (2, 3, 2), packed=True), left=2, right=1, fill=-7)
    values = np.arange(12, dtype=np.int8)
    fill = bytes([256 - 7])
    data = where.pack(values)
    assert data == fill * 4 + bytes(range(6)) + fill * 6 + bytes(range(6, 12)) + fill * 2
    assert len(data) == where.size
    np.testing.assert_array_equal(where.unpack(data), values.reshape(2, 3, 2))


def session(line: Line, **changes: object) -> Session:
    settings: dict[str, object] = {
        "identity": IDENTITY,
        "loads": [Load(writes=((0x100, b"weights!"),))],
        "inputs": [place(0, (1, 2, 3), False)],
        "outputs": [place(64, (1, 1, 5), True)],
    }
    return Session(Device(line, lanes=8), **(settings | changes))  # type: ignore[arg-type]


def test_session_runs() -> None:
    line = Line()

    def program(pc: int, stop: bool) -> tuple[int, int]:
        assert (pc, stop) == (0, False)
        line.memory[64:69] = bytes(line.memory[8:11]) + b"\xff\x80"
        return (1234, 55)

    line.program = program
    host = session(line)
    for _ in range(2):
        answer = host.run([np.arange(6, dtype=np.int8)])
        assert answer.cycles == 1234
        assert answer.outputs[0].tolist() == [[[3, 4, 5, -1, -128]]]
    assert line.memory[0x100:0x108] == b"weights!"
    assert [command for command, _ in line.requests].count(Command.IDENTIFY) == 1


def test_session_runs_what_fills_the_core_before_the_next_load() -> None:
    """A load that runs is found whole by its program; each is sent once, in order."""
    line, seen = Line(), []

    def program(pc: int, stop: bool) -> tuple[int, int]:
        assert pc == 0
        seen.append(bytes(line.memory[0x100:0x102]))
        return (10, 1)

    line.program = program
    loads = [
        Load(writes=((0x100, b"first..."),), runs=True),
        Load(writes=((0x100, b"second.."),), runs=True),
        Load(writes=((0x100, b"third..."),)),
    ]
    host = session(line, loads=loads)
    host.prepare()
    host.prepare()
    assert seen == [b"fi", b"se"]
    assert line.memory[0x100:0x102] == b"th"


def test_session_steps() -> None:
    line = Line()
    line.program = lambda pc, stop: (10 + pc, {0: 4, 4: 9, 9: 12}[pc])
    steps = list(session(line, breaks=[4, 9]).steps([np.zeros(6, np.int8)]))
    assert [(step.pc, step.cycles) for step in steps] == [(4, 10), (9, 14), (12, 19)]


def test_session_that_halts_elsewhere() -> None:
    with pytest.raises(ToolError, match="halted at word 1 instead of its break 4"):
        list(session(Line(), breaks=[4]).steps([np.zeros(6, np.int8)]))


def test_session_with_another_design() -> None:
    with pytest.raises(ToolError, match="the device holds another design: its identity is 0001"):
        session(Line(), identity=bytes(16)).prepare()


@pytest.mark.parametrize(
    ("inputs", "text"),
    [
        ([], "0 inputs given; the network takes 1"),
        ([np.zeros(7, np.int8)], r"7 elements of int8; the network takes 6 of int8, shape \(1, 2, 3\)"),
        ([np.zeros(6, np.uint8)], "6 elements of uint8"),
    ],
)
def test_session_refuses_inputs(inputs: list[np.ndarray], text: str) -> None:
    with pytest.raises(UsageError, match=text):
        session(Line()).run(inputs)
