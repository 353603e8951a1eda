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
from tfl2hw.runtime.device import Device, DeviceReset
from tfl2hw.runtime.session import Session, TensorLocation
from tfl2hw.runtime.transport import SerialTransport

IDENTITY = bytes([2, 1, 2, 3, *range(4, 16)])


class Line:
    """A transport to a device modelled in Python; ``spoil(n, reply)`` may change the nth reply."""

    def __init__(self, spoil: Callable[[int, bytes], bytes] = lambda _, reply: reply) -> None:
        self.memory = bytearray(1 << 16)
        self.requests: list[tuple[int, int, bytes]] = []
        self.identity = IDENTITY
        self.mark = 0
        self.runs = 0
        self.program: Callable[[int, bool], tuple[int, int]] = lambda pc, _: (100, pc + 1)
        self._spoil = spoil
        self._pending = b""
        self._state = bytes(frames.STATE_BYTES)
        self._written = False

    def write(self, data: bytes) -> None:
        assert data[0] == frames.REQUEST
        command, sequence, length, argument = protocol.REQUEST_HEADER.unpack(data[1:9])
        content = data[13:-4]
        assert length <= 4096
        assert protocol.checksum(data[1:9]) == data[9:13]
        if command == Command.WRITE:
            assert len(content) == length
            assert protocol.checksum(data[1:9] + content) == data[-4:]
        self.requests.append((command, argument, content))
        mark = self.mark
        status, payload = self._serve(command, argument, length, content)
        reply = protocol.reply(status, sequence, mark, payload)
        self._pending += self._spoil(len(self.requests), reply)

    def _serve(self, command: int, argument: int, length: int, content: bytes) -> tuple[int, bytes]:
        if command == Command.IDENTIFY:
            return Status.OK, self.identity
        if command == Command.MARK:
            self.mark = argument
        if command == Command.WRITE:
            self._written = True
            if argument < PROGRAM_SPACE:
                self.memory[argument : argument + len(content)] = content
        if command == Command.READ:
            return Status.OK, bytes(self.memory[argument : argument + length])
        if command == Command.STATE:
            return Status.OK, self._state
        if command == Command.RUN:
            if not self.mark:
                return Status.UNMARKED, b""
            if self._written:
                self.runs += 1
                halted = self.program(argument & 0xFFFF, bool(argument & frames.BREAKS))
                self._state = struct.pack("<IHBB", *halted, 3, 4)
            self._written = False
            return Status.OK, self._state
        return Status.OK, b""

    def reset(self) -> None:
        """Everything is lost."""
        self.memory[:] = bytes(len(self.memory))
        self.mark, self._written = 0, False

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
    "flipped": lambda reply: reply[:-5] + bytes([reply[-5] ^ 1]) + reply[-4:],
    "length flipped": lambda reply: reply[:5] + bytes([reply[5] ^ 0x40]) + reply[6:],
    "first byte lost": lambda reply: reply[1:],
    "broken when it arrived": lambda reply: protocol.reply(Status.BROKEN, reply[2], reply[3]),
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
    line = Line(lambda _, reply: protocol.reply(0, (reply[2] - 1) % 256, 0, b"old") + reply)
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
    for _, address, content in line.requests:
        assert address % lanes == 0
        assert len(content) % lanes == 0


def test_read_inside_a_word() -> None:
    line = Line()
    line.memory[32:64] = bytes(range(32))
    assert Device(line, lanes=16).read(39, 4) == bytes(range(7, 11))


def test_program_words_are_four_bytes() -> None:
    line = Line()
    Device(line, lanes=32).write(PROGRAM_SPACE + 4, b"\1\2\3\4\5")
    assert line.requests[0] == (Command.WRITE, PROGRAM_SPACE + 4, b"\1\2\3\4\5\0\0\0")


def test_write_inside_a_word_is_refused() -> None:
    with pytest.raises(ValueError, match="address must be a multiple of 8, not 0x4"):
        Device(Line(), lanes=8).write(4, b"x")


def marked(line: Line) -> Device:
    device = Device(line, lanes=8)
    device.mark(7)
    line.requests.clear()
    return device


def test_run() -> None:
    line = Line()
    device = marked(line)
    assert device.run(7) == (100, 8)
    device.write(0, b"input")
    assert device.run(9) == (100, 10)
    assert device.run(9) == (100, 10)
    assert line.runs == 3
    assert device.state() == (100, 10, 3, 4)


@pytest.mark.parametrize("kind", SPOILT)
def test_a_run_whose_reply_is_broken_ran_once(kind: str) -> None:
    line = Line(once(SPOILT[kind], 2))
    device = Device(line, lanes=8)
    device.mark(7)
    line.requests.clear()
    assert device.run(7) == (100, 8)
    assert [command for command, *_ in line.requests] == [Command.WRITE, Command.RUN, Command.RUN]
    assert line.runs == 1


def test_a_device_without_a_mark_does_not_run() -> None:
    with pytest.raises(DeviceReset, match="the device was reset"):
        Device(Line(), lanes=8).run(0)


@pytest.mark.parametrize("ask", ["identify", "state", "read", "write", "run", "mark"])
def test_a_reset_is_noticed_by_every_method(ask: str) -> None:
    line = Line()
    device = marked(line)
    line.reset()
    arguments = {"read": (0, 1), "write": (0, b"x"), "run": (0,), "mark": (9,)}.get(ask, ())
    with pytest.raises(DeviceReset, match="the device was reset"):
        getattr(device, ask)(*arguments)
    assert line.runs == 0


def test_a_second_mark_whose_reply_is_lost_proves_nothing() -> None:
    """The mark was perhaps that of a device that had been reset; a first one may be sent again."""
    line = Line(lambda n, reply: b"" if n in (1, 3) else reply)
    device = Device(line, lanes=8)
    device.mark(7)
    with pytest.raises(DeviceReset, match="no good answer to MARK: the device is silent"):
        device.mark(8)


def test_a_line_of_noise_is_given_up() -> None:
    line = Line(lambda _, reply: bytes(1_000_000))
    with pytest.raises(ToolError, match="in 4 attempts: nothing that came was a reply"):
        Device(line, lanes=8).identify()
    stale = protocol.reply(0, 1, 0)
    line = Line(lambda _, reply: stale * 100_000 if reply[2] != 1 else b"")
    with pytest.raises(ToolError, match="nothing that came was a reply"):
        Device(line, lanes=8).identify()


def test_a_dead_device() -> None:
    with pytest.raises(ToolError, match="no good answer to IDENTIFY in 4 attempts: the device is silent"):
        Device(Line(lambda _, reply: b""), lanes=8).identify()


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (3, "does not know the command"),
        (77, "status 77"),
        (0, "0 bytes instead of 16"),
    ],
)
def test_refusals(status: int, text: str) -> None:
    line = Line(lambda _, reply: protocol.reply(status, reply[2], 0))
    with pytest.raises(ToolError, match=f"the device refused IDENTIFY: .*{text}"):
        Device(line, lanes=8).identify()


def test_payload_too_long() -> None:
    with pytest.raises(ValueError, match="at most 65535 bytes, not 65536"):
        protocol.write_request(0, 0, bytes(65536))


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
    assert [command for command, *_ in line.requests].count(Command.IDENTIFY) == 1


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
    with pytest.raises(
        ToolError, match=r"the device holds another design, made by tfl2hw 1\.2\.3: .* is 0201"
    ):
        session(Line(), identity=bytes(16)).prepare()


def test_session_with_another_protocol() -> None:
    line = Line()
    line.identity = bytes(16)
    with pytest.raises(
        ToolError, match="speaks version 0 of the link protocol, this program version 2: build"
    ):
        session(line).prepare()


class FlakyLine(Line):
    """Is reset before each of the requests whose numbers are given."""

    def __init__(self, *resets: int) -> None:
        super().__init__()
        self._resets = resets
        self.program = self.echo

    def write(self, data: bytes) -> None:
        if len(self.requests) + 1 in self._resets:
            self.reset()
        super().write(data)

    def echo(self, pc: int, stop: bool) -> tuple[int, int]:
        """Five bytes of the input, changed by the weights; the input is used up."""
        assert self.memory[0x100:0x108] == b"weights!"
        self.memory[64:69] = bytes(value + 1 for value in self.memory[0:5])
        self.memory[0:16] = bytes(16)
        return (50, pc)


# identify, mark, load, mark, input, run, read: a session's requests; then input, run, read for each input
@pytest.mark.parametrize("resets", [(number,) for number in range(2, 15)] + [(5, 12), (7, 14), (4, 9, 23)])
def test_a_reset_in_the_middle_starts_the_inference_again(resets: tuple[int, ...]) -> None:
    line = FlakyLine(*resets)
    host = session(line)
    for first in (1, 20, 40, 60):
        values = np.arange(first, first + 6, dtype=np.int8)
        assert host.run([values]).outputs[0].tolist() == [[[first + 1, first + 2, first + 3, 1, 1]]]


def test_a_device_that_is_always_reset_is_given_up() -> None:
    with pytest.raises(ToolError, match="was reset in each of 3 attempts at an inference"):
        session(FlakyLine(*range(3, 1000, 3))).run([np.zeros(6, np.int8)])


def loads_sent(line: Line) -> int:
    return sum(command == Command.WRITE and address == 0x100 for command, address, _ in line.requests)


def test_a_device_that_holds_everything_is_not_loaded_again() -> None:
    line = FlakyLine()
    for _ in range(3):
        session(line, mark=77).run([np.zeros(6, np.int8)])
    assert loads_sent(line) == 1
    line.reset()
    session(line, mark=77).run([np.zeros(6, np.int8)])
    assert loads_sent(line) == 2


def test_a_device_whose_host_died_while_it_loaded_is_loaded_again() -> None:
    line = FlakyLine()
    device = Device(line, lanes=8)
    device.mark(0x8001)
    session(line, mark=77).run([np.zeros(6, np.int8)])
    assert loads_sent(line) == 1


def test_a_core_that_models_share_is_loaded_by_each_session() -> None:
    line = FlakyLine()
    for _ in range(3):
        session(line).run([np.zeros(6, np.int8)])
    assert loads_sent(line) == 3


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
