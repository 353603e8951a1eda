"""The exact cycle model: follows the program as the sequencer does.

The hardware is deterministic, so a difference to a simulated run is a bug in one of the two.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from tfl2hw.rtl_templates.config import CoreConfig
from tfl2hw.rtl_templates.isa import (
    FRONT_REGISTERS,
    REGISTERS,
    UNSHADOWED,
    VALUE_BITS,
    Kind,
    Opcode,
    turns_of,
)
from tfl2hw.rtl_templates.latencies import taken
from tfl2hw.rtl_templates.sequencer import WAIT_BITS, Sequencer

from .issue import Issue

FIRST = Sequencer.latency - 1
"""Cycle in which the first instruction is executed, counted from the run strobe."""

LONG_AGO = -(1 << WAIT_BITS)

BUS = 2
"""Cycles from a START to its job's first token, or to the beginning of its load."""


@dataclass(frozen=True, kw_only=True)
class CycleCount:
    """Cycles of a whole run, and the cycle in which each BREAK was passed.

    A layer's last token is issued in the cycle before its ``ends``; of its cycles the sequencer waited in
    ``waits``, while no token was issued.
    """

    total: int
    breaks: tuple[int, ...]
    ends: tuple[int, ...]
    waits: tuple[int, ...]

    def layers(self) -> list[int]:
        """Cycles from the end of one layer's issue to the next one's, or to the end of the run."""
        ends = [0, *self.ends[:-1], self.total]
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
    ahead: tuple[int, int] = (0, 0)
    waited: int = 0
    registers: dict[str, int] = field(default_factory=dict)


class _Walk:
    """Executes a program as the sequencer does; ``_now`` is the cycle of the next instruction."""

    def __init__(self, words: Sequence[int], config: CoreConfig) -> None:
        self._words = words
        self._config = config
        self._taken = taken(config)
        self._registers: dict[str, int] = {}
        self._now = FIRST
        self._front_done = 0  # the cycle behind the last token
        self._taken_over = 0  # when the last job has taken over the back registers
        self._waited = 0
        self._loop = _Loop(body=0, left=0)

    def run(self) -> CycleCount:
        """Cycles from the start of the program to its END."""
        breaks: list[int] = []
        ends, waits = [0], [0]
        pc = 0
        while pc < len(self._words):
            word = self._words[pc]
            opcode, value = word >> VALUE_BITS, word & ((1 << VALUE_BITS) - 1)
            pc += 1
            if opcode in (Opcode.WAIT, Opcode.END) and self._front_done:
                self._wait(self._front_done + value)
            if opcode == Opcode.END:
                waits = [*waits[:-1], self._waited]
                return CycleCount(
                    total=self._now,
                    breaks=tuple(breaks),
                    ends=tuple(ends[1:]),
                    waits=tuple(after - before for before, after in pairwise(waits)),
                )
            if opcode == Opcode.BREAK:
                breaks.append(self._now)
                ends.append(self._front_done)
                waits.append(self._waited)
            elif opcode < len(REGISTERS):
                if opcode >= len(FRONT_REGISTERS):
                    self._wait(self._taken_over)
                elif not self._config.shadows and REGISTERS[opcode] in UNSHADOWED and self._front_done:
                    self._wait(self._front_done + 1)
                self._registers[REGISTERS[opcode]] = value
            elif opcode == Opcode.LOOP:
                self._loop = _Loop(body=pc, left=turns_of(value) - 1)
            if opcode == Opcode.START:
                self._start(value)
            if opcode == Opcode.NEXT and self._loop.left:
                pc = self._loop.body
                self._go_back()
            else:
                self._now += 1
        raise ValueError("the program has no END")

    def _wait(self, until: int) -> None:
        """Stand still; what counts as waiting is the time in which no token is issued."""
        self._waited += max(0, until - max(self._now, self._front_done))
        self._now = max(self._now, until)

    def _start(self, value: int) -> None:
        self._wait(max(self._front_done, self._taken_over))
        job = Issue(registers=self._registers, value=value, config=self._config)
        self._front_done = self._now + BUS + job.cycles
        if job.kind != Kind.LOAD:
            before = job.loading  # a streamed job's first token comes behind its first load
            self._taken_over = self._now + BUS + before + self._taken[job.kind] + Sequencer.hears

    def _go_back(self) -> None:
        """Begin the next turn; turns that begin as the last one did take as long, and are skipped."""
        loop = self._loop
        loop.left -= 1
        self._now += Sequencer.jump
        # how long ago does not matter where no WAIT can ask for it
        ahead = (max(LONG_AGO, self._front_done - self._now), max(0, self._taken_over - self._now))
        if loop.now is not None and (ahead, self._registers) == (loop.ahead, loop.registers):
            skipped = loop.left * (self._now - loop.now)
            self._now, self._front_done = self._now + skipped, self._front_done + skipped
            self._taken_over += skipped
            self._waited += loop.left * (self._waited - loop.waited)
            loop.left = 0
        loop.now, loop.ahead, loop.waited = self._now, ahead, self._waited
        loop.registers = dict(self._registers)
