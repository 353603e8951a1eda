"""A device behind a transport: its memories, its program, its identity."""

from __future__ import annotations

from tfl2hw.errors import ToolError
from tfl2hw.rtl_templates import frames
from tfl2hw.rtl_templates.frames import Command, Status
from tfl2hw.rtl_templates.hostbus import PROGRAM_SPACE, SPREAD_SPACE
from tfl2hw.runtime import protocol
from tfl2hw.runtime.protocol import Header, RunResult
from tfl2hw.runtime.transport import Transport

CHUNK = 4064
"""Bytes of data in one frame: whole words for every number of lanes, below 4096 with the address."""

SILENCE = 0.5
"""Seconds without a byte after which a reply is given up; far above the gateware's own time-out."""

PROGRAM_WORD = 4

SHORTEST_REPLY = 1 + protocol.HEADER.size + protocol.CHECKSUM.size
"""Bytes of a reply without payload."""


class Device:
    """Sends requests and waits for replies. One request is under way at a time.

    A request whose reply is broken or does not come is sent again, except RUN: once that has gone out,
    it is repeated only when the device says that it arrived broken and so did not start.

    Parameters
    ----------
    transport : the way to the device.
    lanes : bytes of a scratchpad word, in which transfers are padded.
    attempts : how often a request is sent before giving up.

    Raises
    ------
    ToolError : (every method) no answer, only broken ones, or a refusal.
    """

    def __init__(self, transport: Transport, *, lanes: int, attempts: int = 4) -> None:
        self._transport = transport
        self._lanes = lanes
        self._attempts = attempts
        self._sequence = 0

    def identify(self) -> bytes:
        """The 16 bytes that tell the design in the device."""
        return self._exchange(Command.IDENTIFY, b"", frames.IDENTITY_BYTES)

    def write(self, address: int, data: bytes) -> None:
        """Write ``data`` from byte ``address`` on, padded with zeros to whole words.

        A spread write (see ``hostbus``) is not padded, and must have ``CHUNK`` bytes at most.

        Raises
        ------
        ValueError : ``address`` is not that of a word.
        """
        word = self._word(address)
        if address % word:
            raise ValueError(f"address must be a multiple of {word}, not {address:#x}")
        padded = data + bytes(-len(data) % word)
        for start in range(0, len(padded), CHUNK):
            payload = protocol.write_payload(address + start, padded[start : start + CHUNK])
            self._exchange(Command.WRITE, payload, 0)

    def read(self, address: int, count: int) -> bytes:
        """``count`` bytes from byte ``address`` of the scratchpad on."""
        before = address % self._lanes
        first, length = address - before, count + before
        received = b""
        for start in range(0, length, CHUNK):
            size = min(CHUNK, length - start)
            received += self._exchange(Command.READ, protocol.read_payload(first + start, size), size)
        return received[before:]

    def run(self, pc: int, *, stop_at_breaks: bool = False, timeout: float = 30.0) -> RunResult:
        """Run the program from word ``pc`` until it halts, for ``timeout`` seconds at most."""
        payload = protocol.run_payload(pc, stop_at_breaks)
        return protocol.parse_run(
            self._exchange(Command.RUN, payload, frames.RUN_REPLY_BYTES, timeout=timeout, repeat=False)
        )

    def _word(self, address: int) -> int:
        if address >= SPREAD_SPACE:
            return 1
        return PROGRAM_WORD if address >= PROGRAM_SPACE else self._lanes

    def _exchange(
        self,
        command: Command,
        payload: bytes,
        expected: int,
        *,
        timeout: float = SILENCE,
        repeat: bool = True,
    ) -> bytes:
        """Payload of the reply, which must have ``expected`` bytes."""
        trouble = ""
        for _ in range(self._attempts):
            self._sequence = (self._sequence + 1) % 256
            self._transport.write(protocol.request(command, self._sequence, payload))
            answer = self._reply(timeout)
            if isinstance(answer, str):
                trouble = answer
                if not repeat:
                    break
                self._transport.discard()
                continue
            header, content = answer
            if header.status == Status.OK and header.length == expected:
                return content
            if header.status != Status.BAD_CRC:
                raise ToolError(f"the device refused {command.name}: {_reason(header, expected)}")
            trouble = protocol.REASONS[Status.BAD_CRC]
        times = f" in {self._attempts} attempts" if repeat or not isinstance(answer, str) else ""
        raise ToolError(f"no good answer to {command.name}{times}: {trouble}")

    def _reply(self, timeout: float) -> tuple[Header, bytes] | str:
        """The reply to the last request, or what was wrong."""
        while True:
            head = self._first_bytes(timeout)
            if not head:
                return "the device is silent"
            if len(head) < SHORTEST_REPLY:
                return "the reply breaks off"
            covered, crc = head[1:-2], head[-2:]
            header = protocol.parse_header(covered)
            if header.length:
                rest = crc + self._transport.read(header.length, SILENCE)
                if len(rest) < header.length + 2:
                    return "the reply breaks off"
                covered, crc = covered + rest[:-2], rest[-2:]
            if protocol.CHECKSUM.pack(protocol.checksum(covered)) != crc:
                return "the reply's checksum is wrong"
            if header.sequence == self._sequence:
                return header, covered[protocol.HEADER.size :]
            # an answer to an earlier request that was given up: the right one may follow

    def _first_bytes(self, timeout: float) -> bytes:
        """As many bytes as the shortest reply has, from REPLY on; noise before it is skipped."""
        head = self._transport.read(SHORTEST_REPLY, timeout)
        while head and head[0] != frames.REPLY:
            start = head.find(frames.REPLY)
            head = head[start:] if start > 0 else b""
            head += self._transport.read(SHORTEST_REPLY - len(head), SILENCE)
        return head


def _reason(header: Header, expected: int) -> str:
    if header.status in protocol.REASONS:
        return protocol.REASONS[Status(header.status)]
    if header.status == Status.OK:
        return f"it answered with {header.length} bytes instead of {expected}"
    return f"status {header.status}"
