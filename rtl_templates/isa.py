"""The program that drives a core: one 32-bit word an instruction, ``opcode << 24 | value``.

An opcode below ``len(REGISTERS)`` writes the register of that number; the others start a job, wait,
halt at a breakpoint or end. The compiler encodes with this table and the hardware decodes with it.

A job walks a nest of six loops, innermost first:

====== ==================================================================
level  what it counts in a convolution
====== ==================================================================
0      words of input channels (bytes, for the mover)
1      kernel columns
2      kernel rows (cells across the scan, in window mode)
3      output pixels along the inner axis (positions along the scan, in window mode)
4      output pixels along the outer axis
5      groups of K filters
====== ==================================================================

One pass through levels 0 to 2 is a *pixel*: its first token clears the accumulators, its last one
hands them on. Count registers hold ``count - 2`` in two's complement, so that a counter's sign bit
says 'last'. ``step`` registers hold the change of byte address when their level advances, lower
levels' rewinding included; ``row`` and ``column`` likewise for the coordinates that are compared
with ``height`` and ``width`` to find padding.

``LOOP`` and ``NEXT`` run what stands between them several times. A body that moves on from turn to turn
adds to ``base`` by writing ``base_add``; the writer's address goes on by itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from typing import Any

from amaranth.hdl import Value, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import Out

from .config import CoreConfig

VALUE_BITS = 24
LEVELS = 6
KIND_BITS = 4
DIGIT_BITS = 7
"""How far a digit of a wide weight stands from the next (see FLAG_DIGITS)."""

FRONT_REGISTERS = (
    *(f"step{level}" for level in range(LEVELS)),
    "base",
    "load_base",
    *(f"row{level}" for level in range(LEVELS)),
    "base_row",
    "height",
    *(f"column{level}" for level in range(LEVELS)),
    "base_column",
    "width",
    *(f"count{level}" for level in range(LEVELS)),
    "weight_base",
    "gap",
    "window_skip",
    "window_stride",
    "load_words",
    "load_first",
    "load_count",
    "load_address",
    "load_parameter_words",
    "base_add",
    "step_bank",
)
"""Registers of the address generator. A START takes over what they hold, so they are free behind it.

``base_add`` is none of its own: what is written to it is added to ``base``.

Steps, rows and columns stand at multiples of eight plus their level, as they stand in memories. Level 0
moves within a pixel and level 5 starts anew, so nobody writes their rows and columns. There are two banks
of them: ``step_bank`` is the one to which they are written, and that a job uses which is started then.
"""

BANKED = tuple(
    name for name in FRONT_REGISTERS if name.startswith(("step", "row", "column")) and name != "step_bank"
)
"""Registers of which there are two banks."""

UNSHADOWED = tuple(name for name in FRONT_REGISTERS if name not in (*BANKED, "step_bank"))
"""Front registers that a core without ``CoreConfig.shadows`` has only once: a write to them waits until the
job before has issued its last token, and a cycle."""

BACK_REGISTERS = (
    "pad_value",
    "zero_point",
    "low",
    "high",
    "parameter_base",
    "table_base",
    "exponential_base",
    "out_base",
    "out_inner",
    "out_outer",
    "out_step_pixel",
    "out_step_row",
    "out_step_group",
    "out_planes",
    "out_step_plane",
    "function_fields",
)
"""Registers of what stands behind the scratchpad: a job takes over what they hold when its first token, or
its first result, gets to the unit. A write to them waits until the job before has done so (see Sequencer).

``parameter_base`` and ``out_base`` count only if they are written: else a job goes on from where the one
before left off. ``out_planes`` and ``out_step_plane`` matter in jobs with FLAG_PAIR, FLAG_TWIN or not.
"""

FIXABLE = (
    *(name for name in UNSHADOWED if name not in ("base", "load_base", "base_add")),
    "low",
    "high",
    "out_inner",
    "out_outer",
    "out_step_pixel",
    "out_step_row",
    "out_step_group",
)
"""Registers that a core may have as constants (``CoreConfig.fixed``)."""

REGISTERS = FRONT_REGISTERS + BACK_REGISTERS
INDEX = {name: number for number, name in enumerate(REGISTERS)}


class Opcode(IntEnum):
    """Instructions that are not register writes."""

    START = 0x80
    """Start the job of the kind in the low KIND_BITS with the flags above it."""
    WAIT = 0x81
    """Wait until ``value`` cycles after the last job's last token (0: for that token; see Sequencer)."""
    BREAK = 0x82
    """If the run asked for breakpoints: wait as WAIT does, then halt. Else go on at once."""
    END = 0x83
    """Wait as WAIT does, then halt."""
    LOOP = 0x84
    """Run what follows, up to NEXT, ``value + 2`` times (``value`` in two's complement). Not nested."""
    NEXT = 0x85
    """Go back to the word behind LOOP, or on after the last turn. No BREAK stands between the two."""


class Kind(IntEnum):
    """What consumes a job's tokens."""

    MATRIX = 0
    """The columns."""
    MOVE = 1
    """The writer, a byte a token."""
    TABLE = 2
    """The table-sum unit, words of two operands in turn."""
    SOFTMAX_MAX = 3
    """The softmax, a byte a token: the row's maximum."""
    SOFTMAX_SUM = 4
    SOFTMAX_SCALE = 5
    LOAD = 6
    """Weight banks, parameter memories and tables."""
    COPY = 7
    """The writer, a whole word a token."""
    INDEX = 8
    """The index register, a byte a token, highest first; a padded token doubles it."""
    ARGMAX = 9
    """The index of each row's greatest byte, a byte a token; a pixel is a row."""
    LOG_SUM = 10
    """The logarithm of the softmax, a byte a token, behind SOFTMAX_MAX."""
    LOG_SCALE = 11
    L2_SUM = 12
    """The L2 normalisation, a byte a token; the IFM's zero point is ``zero_point``."""
    L2_SCALE = 13
    FUNCTION = 14
    """A function of another package, words of its operands in turn; ``function_fields`` are its own."""


SILENT = (Kind.SOFTMAX_MAX, Kind.SOFTMAX_SUM, Kind.LOG_SUM, Kind.L2_SUM, Kind.INDEX)
"""Kinds of jobs that write nothing, and take over no registers of the writer. Neither does LOAD."""

FLAG_PICK = 1 << 4
"""MATRIX: columns take one byte each (depthwise, pooling) instead of the whole word."""
FLAG_HOLD = 1 << 5
"""MATRIX: the weight address stays where the pixel began (all taps share one weight word)."""
FLAG_STREAM = 1 << 6
"""MATRIX: weights and parameters are loaded from the scratchpad before every group."""
FLAG_PRODUCT = 1 << 7
"""MATRIX with PICK: the byte of a pixel's first token is the second one's weight in lane 0."""
FLAG_MAXIMUM = 1 << 8
"""MATRIX: the accumulator keeps the greatest sum of a pixel's tokens instead of adding them."""
FLAG_MINIMUM = 1 << 9
"""MATRIX: the accumulator keeps the least sum. ARGMAX: the least byte is sought."""
FLAG_DIGITS = 1 << 10
"""MATRIX: the accumulator moves up by DIGIT_BITS before the first token after level 2 has advanced,
so that level 2 counts the digits of wide weights, highest first."""
FLAG_INDEXED = 1 << 11
"""Any kind: the index register is added to ``base``."""
FLAG_WIDE = 1 << 12
"""ARGMAX: an index has 8 bytes instead of 4."""
FLAG_PAIR = 1 << 13
"""MATRIX with PICK: the lanes are divided, and the parts make sums for two lines of the OFM."""
FLAG_TWIN = 1 << 14
"""MATRIX with PICK: the lanes are divided, and a column works on two channels: its byte of the word and the
one K bytes further. With PAIR too there are four parts, a channel's two lines in each half of the lanes."""

FUNCTION_SHIFT, FUNCTION_BITS = 15, 4
"""Where in a START's value stands the number of a FUNCTION's function, in the order of the core's."""

PART_SHIFT, PART_BITS = 20, 3
"""Where in a START's value stands how often a COPY's word is halved: the first ``lanes >> n`` bytes alone
are written, to an address that is a multiple of as many (see ``part_of``)."""


def kind_of(value: int) -> Kind:
    """The kind in a START's value."""
    return Kind(value & ((1 << KIND_BITS) - 1))


def function_of(value: int) -> int:
    """The number of the function in a FUNCTION's START value."""
    return value >> FUNCTION_SHIFT & ((1 << FUNCTION_BITS) - 1)


def part_of(value: int | Value) -> Any:
    """How often the words of a COPY with this START's value are halved."""
    return value >> PART_SHIFT & ((1 << PART_BITS) - 1)


def signed_value(value: int) -> int:
    """The number that was encoded in an instruction's value."""
    return value - (1 << VALUE_BITS) if value >> (VALUE_BITS - 1) else value


def turns_of(value: int) -> int:
    """How often the body of a LOOP with this value runs."""
    return signed_value(value) + 2


def instruction(opcode: int, value: int = 0) -> int:
    """Encode one word; ``value`` is taken modulo 2**24."""
    return opcode << VALUE_BITS | value & ((1 << VALUE_BITS) - 1)


def write(name: str, value: int) -> int:
    """Encode a register write."""
    return instruction(INDEX[name], value)


def disassemble(words: Iterable[int]) -> list[str]:
    """One readable line a word."""
    lines = []
    for word in words:
        opcode, value = word >> VALUE_BITS, word & ((1 << VALUE_BITS) - 1)
        if opcode < len(REGISTERS):
            lines.append(f"{REGISTERS[opcode]} = {value:#x}")
        elif opcode == Opcode.LOOP:
            lines.append(f"LOOP turns={turns_of(value)}")
        elif opcode in (Opcode.WAIT, Opcode.BREAK, Opcode.END):
            lines.append(f"{Opcode(opcode).name} {value}")
        elif opcode == Opcode.START:
            lines.append(f"START {kind_of(value).name} flags={value >> KIND_BITS:#x}")
        else:
            lines.append(Opcode(opcode).name)
    return lines


class ConfigBus(wiring.Signature):
    """Register writes and job starts, in program order, one a cycle, registered at the source."""

    def __init__(self) -> None:
        super().__init__({"valid": Out(1), "start": Out(1), "register": Out(6), "value": Out(VALUE_BITS)})


def token_flags(config: CoreConfig) -> dict[str, int]:
    """The flags of START, by the name of their token field, that only some cores' columns know."""
    flags = {"product": FLAG_PRODUCT} if config.product else {}
    if config.maximum:
        flags |= {"maximum": FLAG_MAXIMUM, "minimum": FLAG_MINIMUM}
    if config.digits:
        flags["digit"] = FLAG_DIGITS
    if config.lines > 1:
        flags["pair"] = FLAG_PAIR
    if config.channels > 1:
        flags["twin"] = FLAG_TWIN
    return flags


def token_layout(config: CoreConfig) -> data.StructLayout:
    """Control that travels with an IFM word from column to column.

    ``valid``: the word takes part in a matrix job. ``first``/``last``: it opens/closes a pixel.
    ``final``: it closes the last pixel of a group of filters. ``pick``: columns take one byte each,
    column k byte ``offset + k`` (byte k where words begin with what is addressed). ``place``: how many tokens
    of the pixel came before, modulo the places whose windows are kept. ``write``: the
    word is a weight or parameter for ``destination`` (a column, then a requantizer, then a table) at
    ``address``, which is otherwise the address of the weight word to multiply with; it never comes where
    the core has no loads. Where the core has
    them (see ``token_flags``): ``product``, ``maximum``, ``minimum``, ``pair`` and ``twin``, the job's
    flags; ``digit``, the token opens another digit of the weights.
    """
    return data.StructLayout({
        "valid": unsigned(1),
        "first": unsigned(1),
        "last": unsigned(1),
        "final": unsigned(1),
        "pick": unsigned(1),
        "write": unsigned(1),
        "destination": unsigned(config.destination_bits),
        "address": unsigned(config.token_address_bits),
        "offset": unsigned(config.offset_in_word_bits),
        "place": unsigned(config.place_bits),
        **dict.fromkeys(token_flags(config), unsigned(1)),
    })
