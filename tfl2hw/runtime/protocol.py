"""Host side of the link's frames: bytes to send, and what came back. The layout is ``frames``'s."""

from __future__ import annotations

import binascii
import struct
from dataclasses import dataclass
from typing import NamedTuple

from tfl2hw.rtl_templates import frames
from tfl2hw.rtl_templates.frames import Command, Status
from tfl2hw.rtl_templates.hostbus import SPREAD_ADDRESS_BYTES, SPREAD_COUNT_BYTES

HEADER = struct.Struct("<BBH")
"""What follows the first byte: command or status, sequence, length of the payload."""

CHECKSUM = struct.Struct("<H")

MAXIMUM_PAYLOAD = 0xFFFF


@dataclass(frozen=True, kw_only=True)
class Header:
    """A reply's header. ``status`` is a plain number, as a broken reply can carry any."""

    status: int
    sequence: int
    length: int


class RunResult(NamedTuple):
    """How a program ended: ``cycles`` from start to halt, and the word ``pc`` that is next."""

    cycles: int
    pc: int


def checksum(covered: bytes) -> int:
    """CRC-16/CCITT-FALSE, which is what ``crc_hqx`` computes when it starts at 0xFFFF."""
    return binascii.crc_hqx(covered, 0xFFFF)


def frame(first: int, code: int, sequence: int, payload: bytes = b"") -> bytes:
    """A whole frame; ``first`` says whether it is a request or a reply.

    Raises
    ------
    ValueError : the payload is longer than the length field can say.
    """
    if len(payload) > MAXIMUM_PAYLOAD:
        raise ValueError(f"payload must be at most {MAXIMUM_PAYLOAD} bytes, not {len(payload)}")
    covered = HEADER.pack(code, sequence, len(payload)) + payload
    return bytes([first]) + covered + CHECKSUM.pack(checksum(covered))


def request(command: Command, sequence: int, payload: bytes = b"") -> bytes:
    """A request frame."""
    return frame(frames.REQUEST, command, sequence, payload)


def write_payload(address: int, data: bytes) -> bytes:
    """Payload of WRITE."""
    return struct.pack("<I", address) + data


def spread_payload(
    *, step: int, next_byte: int, next_row: int, copies: int, count: int, data: bytes
) -> bytes:
    """Data of a WRITE to ``SPREAD_SPACE`` (see ``hostbus``)."""
    steps = (
        each.to_bytes(SPREAD_ADDRESS_BYTES, "little", signed=True) for each in (step, next_byte, next_row)
    )
    counts = ((each - 1).to_bytes(SPREAD_COUNT_BYTES, "little") for each in (copies, count))
    return b"".join((*steps, *counts, data))


def read_payload(address: int, count: int) -> bytes:
    """Payload of READ."""
    return struct.pack("<IH", address, count)


def run_payload(pc: int, stop_at_breaks: bool) -> bytes:
    """Payload of RUN."""
    return struct.pack("<HB", pc, stop_at_breaks)


def parse_header(data: bytes) -> Header:
    """The header in the four bytes ``data``."""
    status, sequence, length = HEADER.unpack(data)
    return Header(status=status, sequence=sequence, length=length)


def parse_run(payload: bytes) -> RunResult:
    """The answer in the six bytes of RUN's reply."""
    return RunResult(*struct.unpack("<IH", payload))


REASONS = {
    Status.BAD_CRC: "the request arrived with a wrong checksum",
    Status.UNKNOWN_COMMAND: "the device does not know the command",
    Status.BAD_LENGTH: "the request's length does not fit its command",
}
"""What a refusal means."""
