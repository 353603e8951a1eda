"""How long a job has to wait for those before it: as long as needed, and no longer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tfl2hw.rtl_templates.address import AddressGenerator
from tfl2hw.rtl_templates.array import Array
from tfl2hw.rtl_templates.config import CoreConfig
from tfl2hw.rtl_templates.isa import FLAG_INDEXED, FLAG_PAIR, FLAG_STREAM, SILENT, Kind
from tfl2hw.rtl_templates.latencies import drain, fetch_latency, taken

from .issue import Issue

BUS = 2
"""Cycles from a START to its job's first token."""
READ = BUS + AddressGenerator.latency
"""Cycles from a START to its first read at the scratchpad."""
SOONEST = 1
"""Cycles from a job's last token to the next START, at least."""
NEVER = -(1 << 40)
"""Long ago."""

_UNITS = {
    Kind.MATRIX: "array",
    Kind.SOFTMAX_MAX: "softmax", Kind.SOFTMAX_SUM: "softmax", Kind.SOFTMAX_SCALE: "softmax",
    Kind.LOG_SUM: "softmax", Kind.LOG_SCALE: "softmax",
    Kind.L2_SUM: "L2 normalisation", Kind.L2_SCALE: "L2 normalisation",
}  # fmt: skip
"""What a job keeps busy behind its last token. The other units are done with it when its last result is
written, before which nobody takes over the writer."""


@dataclass(kw_only=True)
class _Flying:
    """What is on its way, in cycles from the last token of the job that was started last.

    ``words``: the last write to each; ``unknown``: the last of those that may be anywhere; ``write``: of all.
    ``effect``: the last effect of any kind. ``index``: when the index register stands. ``free``: the soonest
    START of the next job for a unit.
    """

    words: dict[int, int] = field(default_factory=dict)
    unknown: int = NEVER
    write: int = NEVER
    effect: int = NEVER
    index: int = NEVER
    free: dict[str, int] = field(default_factory=dict)

    def later(self, cycles: int) -> _Flying:
        """The same, as seen ``cycles`` later; what can hinder nobody is dropped."""
        return _Flying(
            words={word: time - cycles for word, time in self.words.items() if time - cycles > READ},
            unknown=self.unknown - cycles,
            write=self.write - cycles,
            effect=self.effect - cycles,
            index=self.index - cycles,
            free={unit: time - cycles for unit, time in self.free.items() if time > cycles},
        )


class Hazards:
    """Follows the jobs of a program, each as late as it says, or later.

    A job may start when, to the cycle, what it reads is there, its results get to the writer behind those of
    the jobs before, and the unit that it uses is done. What it overwrites has been read by then: reads come
    in the order of the tokens, a write comes behind its own token's read.
    """

    def __init__(self, config: CoreConfig) -> None:
        self._config = config
        self._drain, self._pair_drain = drain(config), drain(config, pair=True)
        self._taken, self._fetch = taken(config), fetch_latency(config)
        self._flying = _Flying()

    @property
    def rest(self) -> int:
        """Cycles from the last token until everything that is on its way is there."""
        return max(0, self._flying.effect)

    def start(self, registers: Mapping[str, int], value: int, *, vague: bool = False) -> int:
        """Cycles from the last job's last token to the soonest START of this one, which is then started.

        ``vague``: the job moves on from turn to turn, so that it may read and write anywhere.
        """
        job = Issue(registers=registers, value=value, config=self._config)
        delay = max(SOONEST, self._in_order(job), self._unit(job), self._read(job, vague))
        self._flying = self._flying.later(delay + BUS - 1 + job.cycles)
        self._fly(job, vague)
        return delay

    def _in_order(self, job: Issue) -> int:
        """When its results come behind all others: it takes over the writer a cycle behind the last write."""
        if job.kind == Kind.LOAD or job.kind in SILENT:
            return SOONEST
        return self._flying.write + 1 - BUS - self._taken[job.kind]

    def _unit(self, job: Issue) -> int:
        """When its unit is done with the job before, and the index is there."""
        flying = self._flying
        free = flying.free.get(_UNITS.get(job.kind, ""), SOONEST)
        return max(free, flying.index - 1) if job.value & FLAG_INDEXED else free

    def _read(self, job: Issue, vague: bool) -> int:
        """When each word that it reads has been written, a cycle before at least."""
        flying = self._flying
        anywhere = vague or job.value & (FLAG_INDEXED | FLAG_STREAM)
        if anywhere or self._config.scratchpad != "block":
            # a single-port memory is not read in a cycle in which it is written
            return flying.write + 1 - READ
        soonest = flying.unknown + 1 - READ
        times, words = job.reads(max(flying.words.values(), default=0) - READ)
        for time, word in zip(times.tolist(), words.tolist(), strict=True):
            written = flying.words.get(word)
            if written is not None:
                soonest = max(soonest, written + 1 - READ - time)
        return soonest

    def _fly(self, job: Issue, vague: bool) -> None:
        """Put on its way what the job makes."""
        flying, kind = self._flying, job.kind
        paired = bool(kind == Kind.MATRIX and job.value & FLAG_PAIR)
        last = (self._pair_drain if paired else self._drain)[kind]
        flying.effect = max(flying.effect, last)
        if kind == Kind.INDEX:
            flying.index = last
        unit = _UNITS.get(kind)
        if kind == Kind.MATRIX:
            flying.free["array"] = Array.leaves(self._config, paired) - BUS
        elif unit is not None:
            flying.free[unit] = last - self._fetch - 1
        if kind == Kind.LOAD or kind in SILENT:
            return
        flying.write = max(flying.write, last)
        if vague or kind == Kind.ARGMAX or self._config.scratchpad != "block" or job.value & FLAG_STREAM:
            flying.unknown = max(flying.unknown, last)
            return
        times, words = job.writes(self._drain[kind], READ)
        for time, word in zip(times.tolist(), words.tolist(), strict=True):
            flying.words[word] = max(time, flying.words.get(word, NEVER))
