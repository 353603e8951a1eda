"""The host link's frames: the one place that both the gateware and the host driver read.

A request is ``REQUEST``, command u8, sequence u8, length u16, argument u32, crc u32; WRITE's is followed by
``length`` bytes of data and a crc u32 of its own. A reply is ``REPLY``, status u8, sequence u8, mark u16,
length u16, payload, crc u32. Numbers are little-endian.

A CRC covers everything between the frame's first byte and itself, but for another CRC: that behind the
data covers header and data.
"""

import enum

from amaranth.lib.crc import Algorithm, catalog

PROTOCOL = 2
"""Version of what this module says: the first byte of a device's identity."""

REQUEST = 0xA5
REPLY = 0x5A

CRC: Algorithm = catalog.CRC32_ISO_HDLC
"""The CRC-32 of Ethernet and zip files: Python's ``zlib.crc32``."""

CRC_BYTES = 4

HEADER_BYTES = 8
"""Command, sequence, length and argument of a request."""

REPLY_HEADER_BYTES = 7
"""First byte, status, sequence, mark and length of a reply."""

IDENTITY_BYTES = 16
STATE_BYTES = 8
"""Payload of STATE's and RUN's reply: cycles u32, pc u16, broken u8, cut u8."""

BREAKS = 1 << 16
"""In RUN's argument, beside the pc in its low 16 bits: BREAK instructions halt."""

LOADING = 0x8000
"""Set in the mark of a device that is being loaded, until a MARK without it."""


class Command(enum.IntEnum):
    """What a request asks for; what its length and argument are, and the reply's payload."""

    IDENTIFY = 1  # -> identity, ``IDENTITY_BYTES``
    STATE = 2  # -> how the last program ended, and the counters of broken and of cut frames
    READ = 3  # address; length: bytes wanted -> data
    RUN = 4  # pc, ``BREAKS`` -> as STATE, when the program has halted; once for each WRITE
    MARK = 5  # mark -> nothing; each later reply carries the mark, until a reset clears it
    WRITE = 6  # address; length: bytes of data that follow -> nothing


class Status(enum.IntEnum):
    """How a request went; a reply other than OK has no payload."""

    OK = 0
    BROKEN = 1  # a CRC was wrong
    CUT = 2  # the frame did not go on
    UNKNOWN_COMMAND = 3
    UNMARKED = 4  # RUN after a reset, before a MARK
