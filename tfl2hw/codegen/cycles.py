"""The exact cycle model: follows the program as the sequencer does.

The hardware is deterministic, so a difference to a simulated run is a bug in one of the two.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from tfl2hw.rtl_templates.config import CoreConfig
from tfl2hw.rtl_templates.core import drain
from tfl2hw.rtl_templates.isa import (
    FLAG_STREAM,
    LEVELS,
    REGISTERS,
    VALUE_BITS,
    Kind,
    Opcode,
    kind_of,
    signed_value,
    turns_of,
)
from tfl2hw.rtl_templates.sequencer import Sequencer

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
    return _Walk(words, config).run()


@dataclass(kw_only=True)
class _Loop:
    """The loop that is run: turns left behind this one, and how things stood when this one began.

    ``now`` is None in the first turn, which begins as no other does.
    """

    body: int
    left: int
    now: int | None = None
    drains: int = 0
    registers: dict[str, int] = field(default_factory=dict)


class _Walk:
    """Executes a program as the sequencer does; ``_now`` is the cycle of the next instruction."""

    def __init__(self, words: Sequence[int], config: CoreConfig) -> None:
        self._words = words
        self._config = config
        self._drains = drain(config)
        self._registers: dict[str, int] = {}
        self._now, self._drained = FIRST, 0
        self._loop = _Loop(body=0, left=0)

    def run(self) -> CycleCount:
        """Cycles from the start of the program to its END."""
        breaks: list[int] = []
        pc = 0
        while pc < len(self._words):
            word = self._words[pc]
            opcode, value = word >> VALUE_BITS, word & ((1 << VALUE_BITS) - 1)
            pc += 1
            if opcode in (Opcode.WAIT, Opcode.END):
                self._now = max(self._now, self._drained)
            if opcode == Opcode.END:
                return CycleCount(total=self._now, breaks=tuple(breaks))
            if opcode == Opcode.BREAK:
                breaks.append(self._now)
            elif opcode < len(REGISTERS):
                self._registers[REGISTERS[opcode]] = value
            elif opcode == Opcode.LOOP:
                self._loop = _Loop(body=pc, left=turns_of(value) - 1)
            if opcode == Opcode.START:
                self._start(value)
            elif opcode == Opcode.NEXT and self._loop.left:
                pc = self._loop.body
                self._go_back()
            else:
                self._now += 1
        raise ValueError("the program has no END")

    def _start(self, value: int) -> None:
        issued = issue(self._registers, value, self._config).total
        self._drained = self._now + issued + 2 + self._drains[kind_of(value)]
        self._now += issued + RESUME

    def _go_back(self) -> None:
        """Begin the next turn; turns that begin as the last one did take as long, and are skipped."""
        loop = self._loop
        loop.left -= 1
        self._now += Sequencer.jump
        drains = max(0, self._drained - self._now)
        if loop.now is not None and (drains, self._registers) == (loop.drains, loop.registers):
            skipped = loop.left * (self._now - loop.now)
            self._now, self._drained, loop.left = self._now + skipped, self._drained + skipped, 0
        loop.now, loop.drains, loop.registers = self._now, drains, dict(self._registers)


@dataclass(frozen=True, kw_only=True)
class Issue:
    """Cycles from a job's first token (or its loading) to its last token, by what passes in them.

    ``tokens`` are issued, ``gaps`` idle between pixels, in ``loads`` words go to the banks and memories.
    """

    tokens: int = 0
    gaps: int = 0
    loads: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return self.tokens + self.gaps + self.loads


def issue(registers: Mapping[str, int], start: int, config: CoreConfig) -> Issue:
    """What a START with the value ``start`` does, with the registers as they stand."""
    if kind_of(start) == Kind.LOAD:
        words, count = (signed_value(registers[name]) + 2 for name in ("load_words", "load_count"))
        return Issue(loads=1 + words * count)
    counts = [signed_value(registers[f"count{level}"]) + 2 for level in range(LEVELS)]
    tokens = counts[0] * counts[1] * counts[2]
    gap = signed_value(registers["gap"]) + 1
    if not start & FLAG_STREAM:
        pixels = counts[3] * counts[4] * counts[5]
        return Issue(tokens=pixels * tokens, gaps=(pixels - 1) * gap)
    weights = (signed_value(registers["load_words"]) + 2) * config.columns
    parameters = (signed_value(registers["load_parameter_words"]) + 2) * config.requantizers
    groups, pixels = counts[5], counts[3] * counts[4]
    return Issue(
        tokens=groups * pixels * tokens,
        gaps=groups * (pixels - 1) * gap,
        loads=groups * (1 + weights + parameters),
    )
