"""When a job issues its tokens and what they read and make, from the values of its registers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

import numpy as np
import numpy.typing as npt

from tfl2hw.rtl_templates.config import CoreConfig
from tfl2hw.rtl_templates.isa import (
    FLAG_PAIR,
    FLAG_PICK,
    FLAG_STREAM,
    FLAG_TWIN,
    LEVELS,
    VALUE_BITS,
    Kind,
    function_of,
    kind_of,
    signed_value,
)

Int64 = npt.NDArray[np.int64]
MASK = (1 << VALUE_BITS) - 1
WORDS = (Kind.MATRIX, Kind.COPY, Kind.TABLE, Kind.FUNCTION)
"""Kinds that read words; the others take a byte of each."""


@dataclass(frozen=True, kw_only=True)
class Counted:
    """A job's registers, as numbers."""

    registers: Mapping[str, int]

    def __getitem__(self, register: str) -> int:
        return signed_value(self.registers.get(register, 0) & MASK)

    @property
    def counts(self) -> list[int]:
        """How often each level turns, innermost first."""
        return [self[f"count{level}"] + 2 for level in range(LEVELS)]

    @property
    def pixel(self) -> int:
        """Tokens of a pixel."""
        return prod(self.counts[:3])

    @property
    def gap(self) -> int:
        """Idle cycles behind a pixel."""
        return self["gap"] + 1

    @property
    def last_pixel_emits(self) -> bool:
        """Whether a MATRIX job's last pixel makes a result."""
        behind = self.counts[3] - 1 - (self["window_skip"] + 1)
        return behind >= 0 and behind % (self["window_stride"] + 2) == 0


@dataclass(frozen=True, kw_only=True)
class Issue(Counted):
    """A job: its registers and the value of its START. Times are cycles; the first token (or the cycle in
    which loading begins) is at 0.
    """

    value: int
    config: CoreConfig

    @property
    def kind(self) -> Kind:
        """The kind of the job."""
        return kind_of(self.value)

    @property
    def lines(self) -> int:
        """Lines of the OFM that it makes at a time."""
        return 2 if self.kind == Kind.MATRIX and self.value & FLAG_PAIR else 1

    @property
    def channels(self) -> int:
        """Channels on which each column works at a time."""
        return 2 if self.kind == Kind.MATRIX and self.value & FLAG_TWIN else 1

    @property
    def parts(self) -> int:
        """Results of each column that a pixel has."""
        return self.lines * self.channels

    @property
    def loading(self) -> int:
        """Cycles of a load, or, in a streamed job, of those before each group."""
        if self.kind == Kind.LOAD:
            return 1 + (self["load_words"] + 2) * (self["load_count"] + 2)
        if not self.value & FLAG_STREAM:
            return 0
        weights = (self["load_words"] + 2) * self.config.columns
        return 1 + weights + (self["load_parameter_words"] + 2) * self.config.requantizers

    @property
    def loads(self) -> int:
        """Cycles of all its loads."""
        return self.loading * self._runs

    @property
    def tokens(self) -> int:
        """Tokens that it issues."""
        return 0 if self.kind == Kind.LOAD else prod(self.counts)

    @property
    def gaps(self) -> int:
        """Idle cycles between its pixels."""
        if self.kind == Kind.LOAD:
            return 0
        return (prod(self.counts[3:]) - self._runs) * self.gap

    @property
    def cycles(self) -> int:
        """From the first token or the beginning of its load to the last token, both included."""
        return self.loads + self.tokens + self.gaps

    @property
    def _operands(self) -> int:
        """Tokens of a result, of a job without MATRIX."""
        if self.kind == Kind.FUNCTION:
            return self.config.functions[function_of(self.value)].operands
        return 2 if self.kind == Kind.TABLE else 1

    @property
    def _runs(self) -> int:
        """Rows of pixels without a load in between."""
        return self.counts[5] if self.kind != Kind.LOAD and self.value & FLAG_STREAM else 1

    def token_times(self, first: int, last: int) -> Int64:
        """When tokens ``first`` .. ``last - 1`` are issued; not of streamed jobs."""
        number = np.arange(first, last, dtype=np.int64)
        return number + number // self.pixel * self.gap

    def reads(self, cycles: int) -> tuple[Int64, Int64]:
        """Times and words of the reads in the first ``cycles`` cycles, padding left out.

        Where a read touches two words each is in the list. Not of streamed jobs.
        """
        lanes, counts = self.config.lanes, self.counts
        if self.kind == Kind.LOAD:
            times = np.arange(1, min(cycles, self.cycles), dtype=np.int64)
            return times, self["load_base"] // lanes + times - 1
        count = min(prod(counts), max(0, cycles))
        number = np.arange(count, dtype=np.int64)
        turns = [number // prod(counts[:level]) % counts[level] for level in range(LEVELS)]
        address = self["base"] + self._walk("step", turns, range(LEVELS))
        row = self["base_row"] + self._walk("row", turns, range(1, 5))
        column = self["base_column"] + self._walk("column", turns, range(1, 5))
        inside = (row >= 0) & (row < self["height"]) & (column >= 0) & (column < self["width"])
        times, address = self.token_times(0, count)[inside], address[inside]
        size = 1
        if self.config.unaligned and self.kind in WORDS:
            size = self.config.columns * self.channels if self.value & FLAG_PICK else lanes
        ends = (address + size - 1) // lanes
        return np.concatenate([times, times]), np.concatenate([address // lanes, ends])

    def _walk(self, name: str, turns: list[Int64], levels: range) -> Int64:
        """How far an address or a coordinate has come. A register has the rewinding of the levels below."""
        rewound, total = 0, np.zeros_like(turns[0])
        for level in levels:
            step = self[f"{name}{level}"] + rewound
            total += turns[level] * step
            rewound += (self.counts[level] - 1) * step
        return total

    def writes(self, drain: int, cycles: int) -> tuple[Int64, Int64]:
        """Times, from the last token, and words of the writes later than ``cycles`` behind the last token.

        ``drain`` is the time of a write behind the token that makes it. Not of streamed jobs, nor of ARGMAX.
        """
        late = self.config.chain * np.arange(self.parts, dtype=np.int64)
        span = max(0, drain + int(late[-1]) - cycles)
        if self.kind == Kind.MATRIX:
            number, times = self._emitted(span)
        else:
            per_result = self._operands
            tokens = prod(self.counts)
            last = tokens // per_result
            number = np.arange(max(0, last - span - 1), last, dtype=np.int64)
            ends = number * per_result + per_result - 1
            times = ends + ends // self.pixel * self.gap - (self.cycles - 1)
        # the channels of a line stand in one word, under one address
        lines = np.arange(self.parts, dtype=np.int64) // self.channels
        times = np.add.outer(times + drain, late).ravel()
        number = np.add.outer(self.lines * number, lines).ravel()
        return times, self._written(number) // self.config.lanes

    def _emitted(self, span: int) -> tuple[Int64, Int64]:
        """The last pixels that make results, by their number among those, and when their last token is
        issued, from the job's last one.
        """
        counts, period = self.counts, self.pixel + self.gap
        skip, stride = self["window_skip"] + 1, self["window_stride"] + 2
        row = len(range(skip, counts[3], stride))
        total = row * counts[4] * counts[5]
        number = np.arange(max(0, total - span // period - 2), total, dtype=np.int64)
        pixel = number // row * counts[3] + skip + number % row * stride
        return number, (pixel - (counts[3] * counts[4] * counts[5] - 1)) * period

    def _written(self, number: Int64) -> Int64:
        """Where the writer puts results by their number."""
        planes = self["out_planes"] + 2 if self.lines > 1 else 1
        counts = [self["out_inner"] + 2, self["out_outer"] + 2, planes]
        names = ["out_step_pixel", "out_step_row", "out_step_plane", "out_step_group"]
        address, rewound = self["out_base"] + np.zeros_like(number), 0
        for name, count in zip(names, [*counts, None], strict=True):
            step = self[name] + rewound
            if count == 1 and name == "out_step_plane":
                continue
            turn = number if count is None else number % count
            address += turn * step
            if count is not None:
                rewound += (count - 1) * step
                number = number // count
        return address
