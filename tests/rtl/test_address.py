"""The address generator against the loops that its registers stand for."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import pytest

from tests.rtl.support import Cycle, idle, make_config, play, register_writes, start
from tfl2hw.rtl_templates.address import AddressGenerator
from tfl2hw.rtl_templates.config import CoreConfig
from tfl2hw.rtl_templates.isa import (
    FLAG_DIGITS,
    FLAG_HOLD,
    FLAG_INDEXED,
    FLAG_MAXIMUM,
    FLAG_MINIMUM,
    FLAG_PICK,
    FLAG_PRODUCT,
    FLAG_STREAM,
    LEVELS,
    Kind,
    token_flags,
)
from tfl2hw.schedule.nest import Loop, Nest

WRAP = 1 << 14


@dataclass(frozen=True, kw_only=True)
class Loads:
    """What is loaded before each group: words of each destination, parts of each requantizer's entries."""

    base: int
    words: int
    count: int
    first: int = 0
    address: int = 0
    parameter_words: int = 0

    def registers(self) -> dict[str, int]:
        return {
            "load_base": self.base, "load_words": self.words - 2, "load_count": self.count - 2,
            "load_first": self.first, "load_address": self.address,
            "load_parameter_words": self.parameter_words - 2,
        }  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Job:
    """A job as the program writes it."""

    kind: Kind
    nest: Nest
    weight_base: int = 0
    flags: int = 0
    loads: Loads | None = None

    def writes(self, bank: int) -> list[Cycle]:
        registers = (
            {"step_bank": bank}
            | self.nest.registers({"ifm": 0, "second": 640})
            | {"weight_base": self.weight_base}
        )
        registers |= self.loads.registers() if self.loads else {}
        return register_writes(**registers)

    @property
    def entries(self) -> int:
        """Parts of entries that its loads write to each requantizer."""
        streams = self.loads is not None and self.flags & FLAG_STREAM
        return self.loads.parameter_words * self.nest.loops[5].count if streams else 0


Issue = tuple[int, dict[str, int]]
"""Cycles after START in which a token is issued, and what has to go with its read address."""


def expected(job: Job, config: CoreConfig, parameter_address: int) -> Iterator[Issue]:
    """Every token of ``job``, in order, from plain nested loops. Entries go to ``parameter_address`` on."""
    nest, now = job.nest, AddressGenerator.start_latency
    source = job.loads.base if job.loads else 0
    if job.kind == Kind.LOAD:
        yield from load(job.loads, now + 1, job.loads.base, config)
        return
    counts = [loop.count for loop in nest.loops]
    weight = job.weight_base
    for group in range(counts[5]):
        if job.flags & FLAG_STREAM:
            entries = Loads(
                base=0, words=job.loads.parameter_words, count=config.requantizers, first=config.columns,
                address=parameter_address,
            )  # fmt: skip
            for part in (job.loads, entries):
                steady = part is entries
                for number, token in load(part, 0, source, config, moving=steady):
                    yield now + 1 + number, token
                source += part.words * part.count * config.lanes
                now += part.words * part.count
            now += 1
            parameter_address += entries.words
        pixels = list(product(range(counts[4]), range(counts[3])))
        for number, (outer, inner) in enumerate(pixels):
            taps = list(product(range(counts[2]), range(counts[1]), range(counts[0])))
            for tap, (ky, kx, word) in enumerate(taps):
                at = (word, kx, ky, inner, outer, group)
                final = number == len(pixels) - 1 and tap == len(taps) - 1
                emits = inner >= nest.skip and (inner - nest.skip) % nest.stride == 0
                yield (
                    now,
                    describe(job, at, config)
                    | {
                        "first": int(tap == 0),
                        "last": int(tap == len(taps) - 1 and emits),
                        "final": int(final),
                        "address": weight + (0 if job.flags & FLAG_HOLD else tap),
                    },
                )
                now += 1
            now += 0 if number == len(pixels) - 1 and job.flags & FLAG_STREAM else nest.gap
        weight += (1 if job.flags & FLAG_HOLD else len(taps)) * (not job.flags & FLAG_STREAM)


def load(loads: Loads, now: int, source: int, config: CoreConfig, *, moving: bool = False) -> Iterator[Issue]:
    """Words in the order of the source: all of the first destination's, then the next one's."""
    for number in range(loads.words * loads.count):
        destination, word = divmod(number, loads.words)
        yield now + number, {
            "read": (source // config.lanes + number) % config.scratchpad_words,
            "kind": int(Kind.LOAD), "pad": 0, "valid": 0, "write": 1,
            "destination": loads.first + destination,
            "address": (loads.address + word) % (1 << config.token_address_bits),
        }  # fmt: skip


def describe(job: Job, at: tuple[int, ...], config: CoreConfig) -> dict[str, int]:
    """Read address, padding and offset of the token at loop counters ``at``."""
    nest = job.nest
    loops = nest.loops
    steps = [loop.step for loop in loops]
    if nest.second:
        steps[0] = 640
    byte = nest.offset + sum(turn * step for turn, step in zip(at, steps, strict=True))
    row = nest.row + sum(at[n] * loops[n].row for n in range(1, 5))
    column = nest.column + sum(at[n] * loops[n].column for n in range(1, 5))
    inside = 0 <= row < nest.height and 0 <= column < nest.width
    flags = {name: int(bool(job.flags & flag)) for name, flag in token_flags(config).items()}
    if config.digits:
        flags["digit"] &= int(at[0] == 0 and at[1] == 0 and at[2] > 0)
    return {
        "read": byte // config.lanes % config.scratchpad_words,
        "offset": byte % config.lanes,
        "pad": int(not inside),
        "kind": int(job.kind),
        "valid": int(job.kind == Kind.MATRIX),
        "write": 0,
        "pick": int(bool(job.flags & FLAG_PICK)),
        "begins": int(not any(at)),
        **flags,
    }


def check(config: CoreConfig, jobs: list[Job]) -> None:
    """Jobs one after the other, each started in the first cycle in which it may be, and its registers
    written while the one before is under way.
    """
    cycles: list[Cycle] = []
    wanted: dict[int, dict[str, int]] = {}
    done: list[int] = []
    entries = 0
    for number, job in enumerate(jobs):
        cycles += job.writes(number % 2)
        # the strobe is seen in the cycle in which a START is executed, which is on the bus in the next one
        cycles += idle(done[-1] + 1 - len(cycles) if done else 0)
        cycles.append(start(job.kind, job.flags))
        issues = list(expected(job, config, entries))
        entries += job.entries
        began = len(cycles) - 1
        wanted |= {began + now + AddressGenerator.latency: token for now, token in issues}
        done.append(began + issues[-1][0] + 1)
    cycles += idle(max(0, done[-1] + 1 - len(cycles)))
    cycles += idle(AddressGenerator.latency + 5)
    seen = play(AddressGenerator(config), cycles, ("read_address", "request", "front_done"))
    assert [number for number, (_, _, strobe) in enumerate(seen) if strobe] == done
    assert [number for number, (_, request, _) in enumerate(seen) if request.active] == sorted(wanted)
    for number, token in wanted.items():
        read, request, _ = seen[number]
        found = {
            name: read
            if name == "read"
            else getattr(request if name in ("kind", "pad", "begins") else request.token, name)
            for name in token
        }
        found["kind"] = int(getattr(found["kind"], "value", found["kind"]))
        assert found == token, f"cycle {number}"


def nest(counts: tuple[int, ...], lanes: int, generator: random.Random, **fields: Any) -> Nest:
    """A random nest whose addresses stay positive (what they read is not looked at)."""
    loops = [
        Loop(count, generator.randrange(0, 200), generator.randrange(-2, 3), generator.randrange(-2, 3))
        for count in counts
    ]
    loops[0] = Loop(counts[0], generator.choice((1, lanes)))
    loops[5] = Loop(counts[5], generator.randrange(64))
    position = {
        "row": generator.randrange(-3, 3), "column": generator.randrange(-3, 3),
        "height": generator.randrange(1, 6), "width": generator.randrange(1, 6),
    }  # fmt: skip
    return Nest(source="ifm", loops=tuple(loops), offset=generator.randrange(0, 500), **position | fields)


CONFIGS = {
    shape: make_config(shape, scratchpad_words=1024, bank_depth=200)
    for shape in ((4, 4, 1), (8, 4, 2), (8, 8, 4), (16, 8, 4))
}


@pytest.mark.parametrize("shape", CONFIGS)
@pytest.mark.parametrize("gap", [0, 1, 2, 7])
def test_random_nests(shape: tuple[int, int, int], gap: int) -> None:
    config, generator = CONFIGS[shape], random.Random(f"{shape} {gap}")
    jobs = []
    for kind, flags in (
        (Kind.MATRIX, 0), (Kind.MOVE, 0), (Kind.MATRIX, FLAG_PICK), (Kind.MATRIX, FLAG_PICK | FLAG_HOLD),
        (Kind.TABLE, 0), (Kind.SOFTMAX_SUM, 0),
    ):  # fmt: skip
        counts = tuple(generator.choice((1, 2, 3)) for _ in range(LEVELS))
        job = Job(
            kind=kind,
            flags=flags,
            nest=nest(counts, config.lanes, generator, gap=gap),
            weight_base=generator.randrange(100),
        )
        jobs.append(job)
    check(config, jobs)


@pytest.mark.parametrize("gap", [0, 3])
def test_flags_of_the_columns(gap: int) -> None:
    """They go with the tokens of their own job; a digit begins where level 2 has advanced."""
    config = make_config((4, 4, 1), bank_depth=200, product=True, maximum=True, digits=True)
    generator, jobs = random.Random(gap), []
    for flags in (FLAG_DIGITS, 0, FLAG_PRODUCT | FLAG_PICK, FLAG_MAXIMUM, FLAG_MINIMUM | FLAG_DIGITS):
        for counts in ((2, 3, 2, 2, 2, 2), (1, 1, 3, 2, 1, 2), (2, 1, 1, 3, 2, 1)):
            jobs.append(
                Job(kind=Kind.MATRIX, flags=flags, nest=nest(counts, config.lanes, generator, gap=gap))
            )
    loads = Loads(base=160, words=6, count=config.columns, parameter_words=2)
    walked = nest((3, 1, 2, 2, 2, 3), config.lanes, generator, gap=gap)
    jobs.append(Job(kind=Kind.MATRIX, flags=FLAG_DIGITS | FLAG_STREAM, loads=loads, nest=walked))
    check(config, jobs)


def test_base_that_moves_on() -> None:
    """``base_add`` adds any signed number to what ``base`` is, modulo the memory."""
    config = CONFIGS[8, 4, 2]
    walked = Nest(source="ifm", loops=(Loop(),) * 6, offset=100)
    cycles, wanted = [*register_writes(**walked.registers({"ifm": 0}))], []
    base = 100
    for step in (8, 0, -32, -80, 1000, 8000, -1):
        cycles += [*register_writes(base_add=step), start(Kind.MOVE), *idle(8)]
        base = (base + step) % (config.scratchpad_words * config.lanes)
        wanted.append((base // config.lanes, base % config.lanes))
    seen = play(AddressGenerator(config), cycles, ("read_address", "request"))
    assert [(read, request.token.offset) for read, request in seen if request.active] == wanted


@pytest.mark.parametrize("late", [False, True])
def test_indexed_jobs(late: bool) -> None:
    """The index is added to the first address alone, whenever ``base`` is written; others ignore it."""
    config, generator = CONFIGS[8, 4, 2], random.Random(2)
    size = config.scratchpad_words * config.lanes
    walked = Nest(source="ifm", loops=(Loop(2, 3), Loop(), Loop(), Loop(2, 40), Loop(), Loop()))
    cycles: list[Cycle] = [*register_writes(**walked.registers({"ifm": 0}))]
    wanted = []
    for flags in (FLAG_INDEXED, 0, FLAG_INDEXED, FLAG_INDEXED | FLAG_PICK):
        index, base = generator.randrange(size), generator.randrange(size)
        job = [*register_writes(base=base), *idle(0 if late else 4), start(Kind.MOVE, flags), *idle(9)]
        cycles += [cycle | {"index": index} for cycle in job]
        first = base + (index if flags & FLAG_INDEXED else 0)
        wanted += [(first + step) % size for step in (0, 3, 40, 43)]
    seen = play(AddressGenerator(config), cycles, ("read_address", "request"))
    found = [read * config.lanes + request.token.offset for read, request in seen if request.active]
    assert found == wanted


def test_one_loop_alone() -> None:
    """Counts of 1 everywhere but at one level; then 1 everywhere."""
    config, generator = CONFIGS[4, 4, 1], random.Random(0)
    jobs = []
    for level in range(LEVELS):
        counts = tuple(5 if n == level else 1 for n in range(LEVELS))
        for each in (counts, (1,) * LEVELS):
            jobs.append(Job(kind=Kind.MATRIX, nest=nest(each, 4, generator)))
    check(config, jobs)


@pytest.mark.parametrize("gap", [0, 3])
def test_window_skip_and_stride(gap: int) -> None:
    config, generator = CONFIGS[8, 8, 4], random.Random(gap)
    jobs = []
    for skip, stride in ((0, 1), (2, 1), (2, 2), (2, 3), (1, 2), (0, 4), (2, 17)):
        counts = (1, 1, 3, skip + 1 + 2 * stride, 2, 2)
        window = nest(counts, 8, generator, skip=skip, stride=stride, gap=gap)
        jobs.append(Job(kind=Kind.MATRIX, flags=FLAG_PICK, nest=window, weight_base=9))
    check(config, jobs)


def test_negative_start_and_two_sources() -> None:
    """A first address before the buffer wraps and comes back; level 0 goes from source to source."""
    config, generator = CONFIGS[8, 4, 2], random.Random(0)
    padded = Nest(
        source="ifm",
        loops=(Loop(2, 8), Loop(3, 16, 0, 1), Loop(3, 64, 1), Loop(4, 16, 0, 1), Loop(4, 64, 1), Loop(2)),
        offset=-64 - 16, row=-1, column=-1, height=4, width=4,
    )  # fmt: skip
    pair = nest((2, 1, 1, 6, 3, 1), 8, generator, second="second", gap=1)
    check(config, [Job(kind=Kind.MATRIX, nest=padded), Job(kind=Kind.TABLE, nest=pair)])


@pytest.mark.parametrize("shape", [(4, 4, 1), (8, 4, 2), (4, 4, 4)])
def test_streamed_jobs(shape: tuple[int, int, int]) -> None:
    """Weights to the same addresses before every group, entries to addresses that go on."""
    config, generator = make_config(shape, scratchpad_words=1024), random.Random(1)
    jobs = []
    for flags in (0, FLAG_PICK, FLAG_PICK | FLAG_HOLD):
        for words, parameter_words, groups, gap in ((1, 1, 3, 2), (3, 2, 1, 0), (9, 8, 3, 0)):
            loads = Loads(
                base=40 * config.lanes, words=words, count=config.columns, parameter_words=parameter_words
            )
            walked = nest((words, 1, 1, 2, 2, groups), config.lanes, generator, gap=gap)
            jobs.append(Job(kind=Kind.MATRIX, flags=flags | FLAG_STREAM, loads=loads, nest=walked))
    check(config, jobs)


def test_load_jobs() -> None:
    config, generator = CONFIGS[8, 8, 4], random.Random(1)
    plain = nest((2, 1, 1, 2, 1, 1), 8, generator)
    jobs = []
    for words, count, first in ((1, 1, 0), (7, 1, 5), (4, 3, 4), (1, 4, 2)):
        loads = Loads(base=96, words=words, count=count, first=first, address=11)
        jobs += [Job(kind=Kind.LOAD, nest=plain, loads=loads), Job(kind=Kind.MATRIX, nest=plain)]
    check(config, jobs)
