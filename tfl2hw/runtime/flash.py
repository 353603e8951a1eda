"""What a board's flash holds for a core that boots from it: the bitstream, and all that a host would send.

The second part, from ``Board.flash`` on, is the design's identity and then requests, byte for byte those of
a host: MARK with ``LOADING``, what has to be loaded, MARK. Each byte stands there as the bits of a serial
line (see ``flash_reader``), the first one highest in its byte of the flash; the line may be idle between two
frames.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from tfl2hw.codegen import Compiled
from tfl2hw.codegen.cycles import count_cycles
from tfl2hw.codegen.loading import Load
from tfl2hw.errors import ToolError
from tfl2hw.rtl_templates.flash_reader import START_BITS
from tfl2hw.rtl_templates.frames import LOADING, Command
from tfl2hw.rtl_templates.hostbus import PROGRAM_SPACE
from tfl2hw.rtl_templates.uart import LEAST_DIVISOR
from tfl2hw.runtime import protocol
from tfl2hw.runtime.device import pieces
from tfl2hw.runtime.network import loads_of, mark_of

FLASH_IMAGE = "flash.bin"
"""In a build's folder, beside the bitstream."""

IDLE_BITS = 16
"""Before the first byte and behind the last one."""

RUN_MARGIN = 64
"""Bits of an idle line beside those that pass while a program runs."""

ERASED = b"\xff"


def write_flash_image(compiled: Compiled, bitstream: Path) -> Path | None:
    """Write the whole flash of a board beside its ``bitstream``; the file, None where the core does not boot.

    Raises
    ------
    ToolError : the bitstream reaches into what the core boots from.
    """
    file = bitstream.with_name(FLASH_IMAGE)
    file.unlink(missing_ok=True)
    if not compiled.boots:
        return None
    first, start = bitstream.read_bytes(), compiled.board.flash
    assert start is not None, "a core boots from a flash"
    if len(first) > start:
        raise ToolError(
            f"{bitstream} has {len(first):,} bytes; in the flash of {compiled.board.name} there is room for "
            f"{start:,} before the weights"
        )
    file.write_bytes(first.ljust(start, ERASED) + boot_contents(compiled))
    return file


def boot_contents(compiled: Compiled) -> bytes:
    """The flash's bytes from ``Board.flash`` on."""
    return as_line(_stream(compiled))


def as_line(stream: Iterable[tuple[bytes, int]]) -> bytes:
    """Bytes, and how many bits the line is idle behind them, as a flash holds them."""
    bits = [np.ones(IDLE_BITS, np.uint8)]
    for data, idle in stream:
        frame = np.unpackbits(np.frombuffer(data, np.uint8).reshape(-1, 1), axis=1, bitorder="little")
        start, stop = np.zeros((len(data), 1), np.uint8), np.ones((len(data), 1), np.uint8)
        bits += [np.concatenate([start, frame, stop], axis=1).ravel(), np.ones(idle, np.uint8)]
    line = np.concatenate([*bits, np.ones(IDLE_BITS, np.uint8)])
    return np.packbits(np.append(line, np.ones(-len(line) % 8, np.uint8))).tobytes()


def boot_cycles(contents: bytes) -> int:
    """Cycles from the reset until a core that boots from ``contents`` answers."""
    return (START_BITS + 8 * len(contents)) * LEAST_DIVISOR


def _stream(compiled: Compiled) -> Iterator[tuple[bytes, int]]:
    """What ``as_line`` takes."""
    yield bytes.fromhex(compiled.config.identity), 0
    yield protocol.request(Command.MARK, 0, LOADING), 0
    for load in loads_of(compiled):
        for address, data in load.writes:
            for place, piece in pieces(address, data, compiled.config.lanes):
                yield protocol.write_request(0, place, piece), 0
        if load.runs:
            yield protocol.request(Command.RUN, 0), _cycles(compiled, load) // LEAST_DIVISOR + RUN_MARGIN
    mark = mark_of(compiled)
    assert mark is not None, "a core that boots is made for one model"
    yield protocol.request(Command.MARK, 0, mark), 0


def _cycles(compiled: Compiled, load: Load) -> int:
    """How long the program of ``load`` takes."""
    program = next(data for address, data in load.writes if address == PROGRAM_SPACE)
    return count_cycles(struct.unpack(f"<{len(program) // 4}I", program), compiled.config).total
