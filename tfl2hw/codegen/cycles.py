"""The exact cycle model: follows the program as the sequencer does.

The hardware is deterministic, so a difference to a simulated run is a bug in one of the two.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from tfl2hw.rtl_templates.config import CoreConfig
from tfl2hw.rtl_templates.core import drain
from tfl2hw.rtl_templates.isa import FLAG_STREAM, LEVELS, REGISTERS, VALUE_BITS, Kind, Opcode, kind_of

FIRST = 3
"""Cycle in which the first instruction is executed, counted from the run strobe."""

RESUME = 3
"""Cycles from a START to the next instruction, besides the job's own."""


@dataclass(frozen=True, kw_only=True)
class CycleCount:
    """Cycles of a whole run, and the cycle in which each BREAK was passed."""

    total: int
    breaks: tuple[int, ...]

    def layers(self) -> list[int]:
        """Cycles from the end of one layer's issue to the next one's."""
        ends = [0, *self.breaks[:-1], self.total]
        return [after - before for before, after in pairwise(ends)]


def count_cycles(words: Sequence[int], config: CoreConfig) -> CycleCount:
    """Cycles from the start of the program to its END."""
    drains = drain(config)
    registers: dict[str, int] = {}
    now, drained = FIRST, 0
    breaks = []
    for word in words:
        opcode, value = word >> VALUE_BITS, word & ((1 << VALUE_BITS) - 1)
        if opcode < len(REGISTERS):
            registers[REGISTERS[opcode]] = value
        elif opcode == Opcode.START:
            issue = _issue_cycles(registers, value, config)
            drained = now + issue + 2 + drains[kind_of(value)]
            now += issue + RESUME
            continue
        elif opcode == Opcode.WAIT:
            now = max(now, drained)
        elif opcode == Opcode.BREAK:
            breaks.append(now)
        elif opcode == Opcode.END:
            now = max(now, drained)
            return CycleCount(total=now, breaks=tuple(breaks))
        now += 1
    raise ValueError("the program has no END")


def _signed(value: int) -> int:
    """A count register's value as it was written."""
    return value - (1 << VALUE_BITS) if value >> (VALUE_BITS - 1) else value


def _issue_cycles(registers: dict[str, int], start: int, config: CoreConfig) -> int:
    """Cycles from a job's first token (or its loading) to its last token, both included."""
    if kind_of(start) == Kind.LOAD:
        return 1 + (_signed(registers["load_words"]) + 2) * (_signed(registers["load_count"]) + 2)
    counts = [_signed(registers[f"count{level}"]) + 2 for level in range(LEVELS)]
    tokens = counts[0] * counts[1] * counts[2]
    gap = _signed(registers["gap"]) + 1
    if not start & FLAG_STREAM:
        pixels = counts[3] * counts[4] * counts[5]
        return pixels * tokens + (pixels - 1) * gap
    weights = (_signed(registers["load_words"]) + 2) * config.columns
    parameters = (_signed(registers["load_parameter_words"]) + 2) * config.requantizers
    pixels = counts[3] * counts[4]
    return counts[5] * (1 + weights + parameters + pixels * tokens + (pixels - 1) * gap)
