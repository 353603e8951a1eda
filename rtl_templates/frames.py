"""The host link's frames: the one place that both the gateware and the host driver read.

A request is ``REQUEST``, command u8, sequence u8, length u16, payload, crc u16; a reply is ``REPLY``,
status u8, sequence u8, length u16, payload, crc u16. Numbers are little-endian. The CRC covers
everything between the first byte and the CRC itself.
"""

import enum

from amaranth.lib.crc import catalog

REQUEST = 0xA5
REPLY = 0x5A

CRC = catalog.CRC16_IBM_3740
"""CRC-16/CCITT-FALSE: polynomial 0x1021, initial value 0xFFFF, nothing reflected or inverted."""

IDENTITY_BYTES = 16
ADDRESS_BYTES = 4

READ_BYTES = 6
"""Payload of READ: address u32, count u16."""

RUN_BYTES = 3
"""Payload of RUN: pc u16, flags u8 (bit 0: BREAK instructions halt)."""

RUN_REPLY_BYTES = 6
"""Payload of RUN's reply: cycles u32, pc u16."""


class Command(enum.IntEnum):
    """What a request asks for."""

    IDENTIFY = 1  # -> identity
    WRITE = 2  # address u32, data -> nothing
    READ = 3  # address u32, count u16 -> data
    RUN = 4  # pc u16, flags u8 -> cycles u32, pc u16, when the program has halted


class Status(enum.IntEnum):
    """How a request went; a reply other than OK has no payload."""

    OK = 0
    BAD_CRC = 1
    UNKNOWN_COMMAND = 2
    BAD_LENGTH = 3
