"""A device behind a transport: its memories, its program, its identity."""

from __future__ import annotations

import random
from collections.abc import Iterator

from tfl2hw.errors import ToolError
from tfl2hw.rtl_templates import frames
from tfl2hw.rtl_templates.frames import Command, Status
from tfl2hw.rtl_templates.hostbus import PROGRAM_SPACE, SPREAD_SPACE
from tfl2hw.runtime import protocol
from tfl2hw.runtime.protocol import Header, RunResult, State
from tfl2hw.runtime.transport import Transport

CHUNK = 4064
"""Bytes of data in one frame: whole words for every number of lanes."""

PATIENCE = 0.5
"""Seconds without a byte after which a reply is given up; far above the gateware's own time-out."""

NOISE = 16384
"""Bytes that are no reply to the request, after which the line is given up."""

PROGRAM_WORD = 4

SHORTEST_REPLY = 1 + protocol.REPLY_HEADER.size + protocol.CHECKSUM.size
"""Bytes of a reply without payload."""


class DeviceReset(ToolError):
    """The device was reset since ``mark``, or may have been: what was loaded into it is lost."""


class Device:
    """Sends requests and waits for replies. One request is under way at a time.

    A request whose reply is broken or does not come is sent again. That is harmless: a device runs a program
    once for each WRITE, and answers a RUN that comes again with the end of the run before.

    Parameters
    ----------
    transport : the way to the device.
    lanes : bytes of a scratchpad word, in which transfers are padded.
    attempts : how often a request is sent before giving up.
    patience : seconds of silence after which a reply is given up.

    Raises
    ------
    ToolError : (every method) no answer, only broken ones, or a refusal.
    DeviceReset : (every method, once ``mark`` has been called) the device does not carry the mark any more.
    """

    def __init__(
        self, transport: Transport, *, lanes: int, attempts: int = 4, patience: float = PATIENCE
    ) -> None:
        self._transport = transport
        self._lanes = lanes
        self._attempts = attempts
        self._patience = patience
        self._sequence = random.randrange(256)  # not that of a host that died a moment ago
        self._mark: int | None = None
        self._found = 0
        self._written = False

    @property
    def found_mark(self) -> int:
        """The mark that the last reply carried."""
        return self._found

    def identify(self) -> bytes:
        """The 16 bytes that tell the design in the device."""
        return self._exchange(Command.IDENTIFY, expected=frames.IDENTITY_BYTES)

    def state(self) -> State:
        """How the last program ended, and the errors that the device has seen."""
        return protocol.parse_state(self._exchange(Command.STATE, expected=frames.STATE_BYTES))

    def mark(self, mark: int) -> None:
        """Give the device the mark ``mark``, 1 to 65535; from now on every reply has to carry it.

        Where there was a mark before, the device still had it when it took this one.
        """
        self._exchange(Command.MARK, mark, repeat=self._mark is None)
        self._mark = mark

    def trust(self) -> None:
        """Take the mark that the last reply carried for that of this session."""
        self._mark = self._found

    def forget(self) -> None:
        """Accept any mark, until the next is given."""
        self._mark = None

    def write(self, address: int, data: bytes) -> None:
        """Write ``data`` from byte ``address`` on, padded with zeros to whole words.

        A spread write (see ``hostbus``) is not padded, and must have ``CHUNK`` bytes at most.

        Raises
        ------
        ValueError : ``address`` is not that of a word.
        """
        for place, piece in pieces(address, data, self._lanes):
            self._write(place, piece)

    def read(self, address: int, count: int) -> bytes:
        """``count`` bytes from byte ``address`` of the scratchpad on."""
        before = address % self._lanes
        first, length = address - before, count + before
        received = b""
        for start in range(0, length, CHUNK):
            size = min(CHUNK, length - start)
            received += self._exchange(Command.READ, first + start, length=size, expected=size)
        return received[before:]

    def run(self, pc: int, *, stop_at_breaks: bool = False, timeout: float = 30.0) -> RunResult:
        """Run the program from word ``pc`` until it halts, for ``timeout`` seconds at most."""
        if not self._written:
            self._write(0, b"")
        self._written = False
        argument = pc | (frames.BREAKS if stop_at_breaks else 0)
        payload = self._exchange(
            Command.RUN, argument, expected=frames.STATE_BYTES, timeout=timeout + self._patience
        )
        state = protocol.parse_state(payload)
        return RunResult(state.cycles, state.pc)

    def _write(self, address: int, data: bytes) -> None:
        self._exchange(Command.WRITE, address, data=data)
        self._written = True

    def _exchange(
        self,
        command: Command,
        argument: int = 0,
        *,
        length: int = 0,
        data: bytes = b"",
        expected: int = 0,
        timeout: float | None = None,
        repeat: bool = True,
    ) -> bytes:
        """Payload of the reply, which must have ``expected`` bytes.

        Without ``repeat`` a request is sent again only where the device says that it did not arrive.
        """
        trouble = ""
        for _ in range(self._attempts):
            self._sequence = (self._sequence + 1) % 256
            if command == Command.WRITE:
                self._transport.write(protocol.write_request(self._sequence, argument, data))
            else:
                self._transport.write(protocol.request(command, self._sequence, argument, length))
            answer = self._reply(self._patience if timeout is None else timeout)
            if isinstance(answer, str):
                trouble = answer
                if not repeat:
                    raise DeviceReset(f"no good answer to {command.name}: {trouble}")
                self._transport.discard()
                continue
            header, content = answer
            self._check_mark(header)
            if header.status == Status.OK and header.length == expected:
                return content
            if header.status not in (Status.BROKEN, Status.CUT):
                raise ToolError(f"the device refused {command.name}: {_reason(header, expected)}")
            trouble = _reason(header, expected)
        raise ToolError(f"no good answer to {command.name} in {self._attempts} attempts: {trouble}")

    def _check_mark(self, header: Header) -> None:
        self._found = header.mark
        if header.status == Status.UNMARKED or self._mark not in (None, header.mark):
            raise DeviceReset(protocol.REASONS[Status.UNMARKED])

    def _reply(self, timeout: float) -> tuple[Header, bytes] | str:
        """The reply to the last request, or what was wrong."""
        noise = 0
        while noise < NOISE:
            head, skipped = self._first_bytes(timeout)
            noise += skipped
            if not head:
                return "the device is silent" if not noise else "nothing that came was a reply"
            if len(head) < SHORTEST_REPLY:
                return "the reply breaks off"
            size = protocol.CHECKSUM.size
            covered, crc = head[1:-size], head[-size:]
            header = protocol.parse_header(covered)
            if header.length:
                rest = crc + self._transport.read(header.length, self._patience)
                if len(rest) < header.length + size:
                    return "the reply breaks off"
                covered, crc = covered + rest[:-size], rest[-size:]
            if protocol.checksum(covered) != crc:
                return "the reply's checksum is wrong"
            if header.sequence == self._sequence:
                return header, covered[protocol.REPLY_HEADER.size :]
            # an answer to an earlier request that was given up: the right one may follow
            noise += 1 + len(covered)
        return "nothing that came was a reply"

    def _first_bytes(self, timeout: float) -> tuple[bytes, int]:
        """As many bytes as the shortest reply has, from REPLY on, and how many before it were skipped."""
        head, skipped = self._transport.read(SHORTEST_REPLY, timeout), 0
        while head and head[0] != frames.REPLY and skipped < NOISE:
            start = head.find(frames.REPLY)
            skipped += start if start > 0 else len(head)
            head = head[start:] if start > 0 else b""
            head += self._transport.read(SHORTEST_REPLY - len(head), self._patience)
        return (head, skipped) if head[:1] == bytes([frames.REPLY]) else (b"", skipped)


def pieces(address: int, data: bytes, lanes: int) -> Iterator[tuple[int, bytes]]:
    """What one WRITE each carries of ``data`` for byte ``address``, as ``Device.write`` writes it."""
    word = lanes
    if address >= PROGRAM_SPACE:
        word = 1 if address >= SPREAD_SPACE else PROGRAM_WORD
    if address % word:
        raise ValueError(f"address must be a multiple of {word}, not {address:#x}")
    padded = data + bytes(-len(data) % word)
    for start in range(0, len(padded), CHUNK):
        yield address + start, padded[start : start + CHUNK]


def _reason(header: Header, expected: int) -> str:
    if header.status == Status.OK:
        return f"it answered with {header.length} bytes instead of {expected}"
    if header.status in protocol.REASONS:
        return protocol.REASONS[Status(header.status)]
    return f"status {header.status}"
