"""The waits between jobs, against every read and every write of random jobs, one by one."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from itertools import product
from math import prod

import pytest

from tests.rtl.support import make_config
from tests.schedule.test_nest import walk
from tfl2hw.codegen.hazards import Hazards
from tfl2hw.codegen.issue import Issue
from tfl2hw.rtl_templates.config import CoreConfig
from tfl2hw.rtl_templates.isa import (
    FLAG_INDEXED,
    FLAG_PAIR,
    FLAG_PICK,
    FLAG_STREAM,
    VALUE_BITS,
    Kind,
)
from tfl2hw.rtl_templates.latencies import drain, taken
from tfl2hw.schedule.nest import Loop, Nest, Output

UNITS = {"vector_lanes": 4, "table_depth": 256, "table_bits": 20, "scratchpad_words": 1024}
CONFIGS = [
    make_config((8, 8, 4), pair=True, **UNITS),
    make_config((8, 8, 1), pair=True, **UNITS),
    make_config((16, 8, 4), unaligned=True, pair=True, **UNITS),
    make_config((4, 4, 1), multiplier_latency=2, bank_registers=0, parameter_registers=0, product_latency=3,
                **UNITS | {"vector_lanes": 1}),
]  # fmt: skip
START_TO_TOKEN, START_TO_READ = 2, 5
"""From a START to its first token and to that one's read address at the scratchpad."""
PLACES = {"ifm": 0, "second": 256, "ofm": 0}
SPAN = 400
"""Bytes in which all jobs read and write: they meet often."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """A job by its registers, and by what it does: (cycle, word) from its first token on."""

    value: int
    registers: dict[str, int]
    cycles: int
    reads: list[tuple[int, int]] = field(default_factory=list)
    writes: list[tuple[int, int]] = field(default_factory=list)

    @property
    def kind(self) -> Kind:
        return Kind(self.value & 15)


def random_nest(generator: random.Random, kind: Kind, lanes: int, *, pair: bool) -> Nest:
    most = generator.choice((1, 2, 3, 6))
    counts = [generator.randrange(1, most + 1) for _ in range(6)]
    skip, stride = generator.choice(((0, 1), (2, 1), (1, 2))) if kind == Kind.MATRIX else (0, 1)
    counts[3] = skip + 1 + stride * generator.randrange(3)
    if kind == Kind.TABLE:
        counts[:3] = [2, 1, 1]
    step = 1 if kind == Kind.MOVE else lanes
    loops = [
        Loop(count, generator.randrange(3) * step, generator.randrange(2), generator.randrange(2))
        for count in counts
    ]
    loops[0], loops[5] = Loop(counts[0], step), Loop(counts[5], generator.randrange(2) * step)
    return Nest(
        source="ifm", second="second" if kind == Kind.TABLE else "", loops=tuple(loops),
        offset=generator.randrange(SPAN // step) * step, row=-generator.randrange(2), height=5, width=5,
        gap=generator.choice((0, 0, 1, 5)) + (8 if pair else 0), skip=skip, stride=stride,
    )  # fmt: skip


def random_job(generator: random.Random, config: CoreConfig, kind: Kind, *, pair: bool = False) -> Job:
    """A job, walked token by token and result by result."""
    lanes = config.lanes
    nest = random_nest(generator, kind, lanes, pair=pair)
    counts = [loop.count for loop in nest.loops]
    pixel = prod(counts[:3])
    size = {Kind.MATRIX: config.columns, Kind.MOVE: 1}.get(kind, lanes)
    emitted = len(range(nest.skip, counts[3], nest.stride))
    rows, groups = counts[4], counts[5]
    per_group = emitted * rows * (1 if kind in (Kind.MATRIX, Kind.TABLE) else pixel) * (1 + pair)
    if kind in (Kind.MATRIX, Kind.TABLE):
        inner, outer, planes = (2, emitted, rows) if pair else (emitted, rows, 0)
    else:
        inner, outer, planes = per_group, 1, 0
    steps = [generator.randrange(3) * size for _ in range(4)]
    output = Output(
        target="ofm", inner=inner, outer=outer, planes=planes, pixel=steps[0], row=steps[1], plane=steps[2],
        group=steps[3], offset=generator.randrange(SPAN // size) * size,
    )  # fmt: skip
    registers = nest.registers(PLACES) | output.registers(PLACES["ofm"])
    flags = FLAG_PAIR | FLAG_PICK if pair else 0
    reads, ends, results, now = [], [], [], 0
    tokens = walk(registers)
    for number, (address, row, column) in enumerate(tokens):
        if 0 <= row < nest.height and 0 <= column < nest.width:
            used = 1 if kind == Kind.MOVE or not config.unaligned else config.columns if pair else lanes
            reads += [(now, word) for word in {address // lanes, (address + used - 1) // lanes}]
        ends.append(now)
        place, pixels = number % pixel, number // pixel
        inner_pixel = pixels % counts[3]
        emits = inner_pixel >= nest.skip and (inner_pixel - nest.skip) % nest.stride == 0
        if kind not in (Kind.MATRIX, Kind.TABLE):
            results.append(now)
        elif place == pixel - 1 and emits:
            results.append(now)
            if pair:
                results.append(now + config.chain)
        now += 1 + (nest.gap if place == pixel - 1 else 0)
    latency = drain(config)[kind]
    writes = [
        (time + latency, address // lanes)
        for time, address in zip(results, addresses(registers, len(results), planes), strict=True)
    ]
    assert groups * per_group == len(results)
    return Job(value=kind | flags, registers=registers, cycles=ends[-1] + 1, reads=reads, writes=writes)


def addresses(registers: dict[str, int], count: int, planes: int) -> list[int]:
    """Where the writer puts results, as its counters go."""
    names = ["out_inner", "out_outer", *(["out_planes"] if planes else [])]
    steps = ["out_step_pixel", "out_step_row", *(["out_step_plane"] if planes else []), "out_step_group"]
    turns = [range(registers[name] + 2) for name in reversed(names)]
    address, found = registers["out_base"], []
    while True:
        for at in product(*turns):
            found.append(address)
            if len(found) == count:
                return found
            level = next((n for n, name in enumerate(names) if at[-1 - n] <= registers[name]), len(names))
            address += registers[steps[level]]


def masked(job: Job) -> dict[str, int]:
    return {name: value & (1 << VALUE_BITS) - 1 for name, value in job.registers.items()}


def jobs_of(generator: random.Random, config: CoreConfig, count: int) -> list[Job]:
    kinds = [(Kind.MATRIX, False), (Kind.MATRIX, config.pair), (Kind.COPY, False), (Kind.MOVE, False)]
    kinds.append((Kind.TABLE, False))
    return [
        random_job(generator, config, kind, pair=pair) for kind, pair in generator.choices(kinds, k=count)
    ]


@pytest.mark.parametrize("config", CONFIGS, ids=lambda c: f"{c.lanes}x{c.columns} {c.requantizers}")
def test_reads_and_writes(config: CoreConfig) -> None:
    """Those that matter, with their times: from the beginning, and until the end."""
    generator = random.Random(config.lanes)
    for job in jobs_of(generator, config, 150):
        issue = Issue(registers=masked(job), value=job.value, config=config)
        assert issue.cycles == job.cycles
        for cycles in (0, 1, 7, 10_000):
            times, words = issue.reads(cycles)
            found = set(zip(times.tolist(), words.tolist(), strict=True))
            assert found <= set(job.reads)
            assert found >= {(time, word) for time, word in job.reads if time < cycles}
        for cycles in (-10_000, 0, 5, 30):
            times, words = issue.writes(drain(config)[job.kind], cycles)
            found = set(zip(times.tolist(), words.tolist(), strict=True))
            last = job.cycles - 1
            wanted = {(time - last, word) for time, word in job.writes}
            assert found <= wanted
            assert found >= {(time, word) for time, word in wanted if time > cycles}


@dataclass(kw_only=True)
class Core:
    """Jobs started at their cycles; what must hold between them, from the documentation of the units."""

    config: CoreConfig
    before: list[tuple[int, Job]] = field(default_factory=list)

    def least(self, job: Job) -> int:
        """The soonest cycle in which ``job`` may be started, tried one by one."""
        start, last = self.before[-1]
        now = start + START_TO_TOKEN + last.cycles  # a cycle behind its last token
        while not self.allows(job, now):
            now += 1
        return now

    def allows(self, job: Job, start: int) -> bool:
        takes_over = start + START_TO_TOKEN + taken(self.config)[job.kind]
        for began, other in self.before:
            written: dict[int, int] = {}
            for time, word in other.writes:
                written[word] = max(began + START_TO_TOKEN + time, written.get(word, 0))
            if takes_over <= max(written.values()):
                return False
            if any(start + START_TO_READ + time <= written.get(word, -1) for time, word in job.reads):
                return False
        began, other = self.before[-1]
        end = began + START_TO_TOKEN + other.cycles - 1
        if job.kind == other.kind == Kind.MATRIX:
            results = 2 if other.value & FLAG_PAIR else 1
            return start + START_TO_TOKEN >= end + results * self.config.chain
        if job.kind == Kind.TABLE:  # its registers are taken over with its first word
            tables = [(at, each) for at, each in self.before if each.kind == Kind.TABLE]
            words = [max(at + START_TO_TOKEN + time for time, _ in each.writes) for at, each in tables]
            return takes_over >= max(words, default=0)
        return True


@pytest.mark.parametrize("config", CONFIGS, ids=lambda c: f"{c.lanes}x{c.columns} {c.requantizers}")
@pytest.mark.parametrize("seed", range(3))
def test_no_sooner_and_no_later(config: CoreConfig, seed: int) -> None:
    """Each job of a random row starts in the first cycle in which nothing forbids it."""
    generator = random.Random(seed)
    waits = 0
    for _ in range(25):
        jobs, hazards, core = jobs_of(generator, config, 6), Hazards(config), Core(config=config)
        for job in jobs:
            delay = hazards.start(masked(job), job.value)
            start = 0
            if core.before:
                began, last = core.before[-1]
                end = began + START_TO_TOKEN + last.cycles - 1
                start = core.least(job)
                assert end + delay == start, (last.kind, job.kind)
                waits += delay > 1
                # started later than it may be, as the program's instructions make it
                start += generator.choice((0, 0, 3)) if job is jobs[-2] else 0
            core.before.append((start, job))
    assert 20 < waits < 120


def test_later_reads_wait_less() -> None:
    """A word that is read n cycles later lets the job start n cycles sooner."""
    config, nothing = CONFIGS[0], Output(target="ofm", inner=1, outer=1, pixel=0, row=0, group=0, offset=800)
    makes = Nest(source="ifm", loops=(Loop(20, 8), *[Loop()] * 5), offset=400)
    made = Output(target="ofm", inner=1, outer=1, pixel=0, row=0, group=0, offset=160)
    delays = []
    for count in (0, 1, 5, 17):
        hazards = Hazards(config)
        hazards.start(makes.registers(PLACES) | made.registers(0), Kind.MATRIX)
        reads = Nest(source="ifm", loops=(Loop(40, 8), *[Loop()] * 5), offset=160 - 8 * count)
        delays.append(hazards.start(reads.registers(PLACES) | nothing.registers(0), Kind.MATRIX))
    last = drain(config)[Kind.MATRIX]
    assert delays == [last + 1 - START_TO_READ - count for count in (0, 1, 5, 17)]


@pytest.mark.parametrize("flags", [FLAG_INDEXED, FLAG_STREAM])
def test_what_may_read_anywhere_waits_for_everything(flags: int) -> None:
    config, generator = CONFIGS[0], random.Random(3)
    hazards = Hazards(config)
    first = random_job(generator, config, Kind.MATRIX)
    hazards.start(masked(first), first.value)
    second = random_job(generator, config, Kind.MATRIX)
    registers = masked(second) | {"load_words": 1, "load_parameter_words": 1, "base": 5000}
    assert hazards.start(registers, Kind.MATRIX | flags) == drain(config)[Kind.MATRIX] + 1 - START_TO_READ


def test_a_run_ends_when_all_is_written() -> None:
    """Of the job before the last one too, where that one's results come sooner."""
    config, generator = CONFIGS[0], random.Random(5)
    hazards = Hazards(config)
    assert hazards.rest == 0
    for kind in (Kind.MATRIX, Kind.INDEX):
        job = random_job(generator, config, Kind.MATRIX)
        hazards.start(masked(job) | {f"count{level}": -1 for level in range(6)}, kind)
    assert hazards.rest == drain(config)[Kind.MATRIX] - (START_TO_TOKEN + 1)
