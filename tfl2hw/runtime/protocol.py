"""Host side of the link's frames: bytes to send, and what came back. The layout is ``frames``'s."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import NamedTuple

from tfl2hw.rtl_templates import frames
from tfl2hw.rtl_templates.frames import Command, Status

REQUEST_HEADER = struct.Struct("<BBHI")
"""Command, sequence, length, argument."""

REPLY_HEADER = struct.Struct("<BBHH")
"""Status, sequence, mark, length of the payload."""

CHECKSUM = struct.Struct("<I")

MAXIMUM_LENGTH = 0xFFFF


@dataclass(frozen=True, kw_only=True)
class Header:
    """A reply's header. ``status`` is a plain number, as a device of another version can send any."""

    status: int
    sequence: int
    mark: int
    length: int


class RunResult(NamedTuple):
    """How a program ended: ``cycles`` from start to halt, and the word ``pc`` that is next."""

    cycles: int
    pc: int


class State(NamedTuple):
    """What the device says of itself: how the last program ended, and errors since its reset, modulo 256.

    ``broken``: frames with a wrong CRC. ``cut``: frames that did not go on.
    """

    cycles: int
    pc: int
    broken: int
    cut: int


def checksum(covered: bytes) -> bytes:
    """The CRC-32 of ``covered``, as it is sent."""
    return CHECKSUM.pack(zlib.crc32(covered))


def request(command: Command, sequence: int, argument: int = 0, length: int = 0) -> bytes:
    """A request without data.

    Raises
    ------
    ValueError : ``length`` is more than its field can say.
    """
    if length > MAXIMUM_LENGTH:
        raise ValueError(f"length must be at most {MAXIMUM_LENGTH} bytes, not {length}")
    header = REQUEST_HEADER.pack(command, sequence, length, argument)
    return bytes([frames.REQUEST]) + header + checksum(header)


def write_request(sequence: int, address: int, data: bytes) -> bytes:
    """WRITE with its data. Raises ValueError as ``request``."""
    first = request(Command.WRITE, sequence, address, len(data))
    return first + data + checksum(first[1 : 1 + REQUEST_HEADER.size] + data)


def reply(status: int, sequence: int, mark: int, payload: bytes = b"") -> bytes:
    """What a device sends."""
    covered = REPLY_HEADER.pack(status, sequence, mark, len(payload)) + payload
    return bytes([frames.REPLY]) + covered + checksum(covered)


def parse_header(data: bytes) -> Header:
    """The header in the first bytes of ``data``."""
    status, sequence, mark, length = REPLY_HEADER.unpack_from(data)
    return Header(status=status, sequence=sequence, mark=mark, length=length)


def parse_state(payload: bytes) -> State:
    """The answer in the payload of STATE's or RUN's reply."""
    return State(*struct.unpack("<IHBB", payload))


REASONS = {
    Status.BROKEN: "the request arrived with a wrong checksum",
    Status.CUT: "the request broke off",
    Status.UNKNOWN_COMMAND: "the device does not know the command",
    Status.UNMARKED: "the device was reset",
}
"""What a refusal means."""
