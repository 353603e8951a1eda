"""The bus between the host link and the core: byte streams into and out of the memories."""

from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

PROGRAM_SPACE = 0x80_0000
"""Byte addresses from here are program memory; below, the scratchpad."""

SPREAD_SPACE = 0xC0_0000
"""Byte addresses from here, in a core that has spread writes, are the scratchpad's once more, for a write
that begins with parameters: ``step``, ``next_byte`` and ``next_row`` (signed, ``SPREAD_ADDRESS_BYTES`` each),
then ``copies - 1`` and ``count - 1`` (unsigned, ``SPREAD_COUNT_BYTES`` each), lowest byte first.

Of the bytes behind them each is written ``copies`` times, ``step`` bytes apart; ``next_byte`` leads from the
last copy of a byte to the first one of the next, ``next_row`` does so behind every ``count``-th byte. A
spread write begins and ends at any byte.
"""
SPREAD_ADDRESS_BYTES, SPREAD_COUNT_BYTES = 3, 2
SPREAD_BYTES = 3 * SPREAD_ADDRESS_BYTES + 2 * SPREAD_COUNT_BYTES


class HostBus(wiring.Signature):
    """From the link's side.

    Members
    -------
    address : Out(24), first byte address of a transfer; sampled with ``start_write``/``start_read``.
    start_write : Out(1), a strobe; the bytes of ``w`` go to ``address`` onwards. A transfer starts
        and ends on a word boundary (``lanes`` bytes; 4 for the program): the core writes a word
        when its last byte arrives; but for spread writes (``SPREAD_SPACE``).
    w : Out(stream of 8), bytes to write. It is ready again when the byte is in the scratchpad.
    start_read : Out(1), a strobe; ``r`` brings the bytes from ``address`` (word-aligned) onwards
        until another start.
    r : In(stream of 8), bytes read.
    run : Out(1), a strobe; starts the program at word ``run_pc``; ``run_break`` with it says
        whether BREAK instructions halt.
    busy : In(1), high from the cycle after ``run`` until the program halts.
    pc : In(16), the word at which it halted (the next one to run).
    cycles : In(32), cycles from ``run`` to the halt.
    """

    def __init__(self) -> None:
        super().__init__({
            "address": Out(24),
            "start_write": Out(1),
            "w": Out(stream.Signature(8)),
            "start_read": Out(1),
            "r": In(stream.Signature(8)),
            "run": Out(1),
            "run_pc": Out(16),
            "run_break": Out(1),
            "busy": In(1),
            "pc": In(16),
            "cycles": In(32),
        })
