"""The requantizer against the formula of its docstring, and against TFLite's double rounding."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import numpy as np
import pytest

from tests.rtl.support import Cycle, idle, make_config, play
from tfl2hw.ops.arithmetic import multiply_double_rounding
from tfl2hw.rtl_templates.config import CoreConfig
from tfl2hw.rtl_templates.requantizer import Requantizer


@dataclass(frozen=True, kw_only=True)
class Entry:
    mantissa: int
    offset: int
    shift: int
    half_away: int = 1

    def pack(self, config: CoreConfig) -> int:
        offset = self.offset & ((1 << config.offset_bits) - 1)
        return (
            self.mantissa
            | offset << config.mantissa_bits
            | self.shift << (config.mantissa_bits + config.offset_bits)
            | self.half_away << (config.parameter_bits - 1)
        )


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The layer's registers."""

    zero_point: int = 0
    low: int = -128
    high: int = 127
    parameter_base: int = 0

    def taken(self) -> dict[str, object]:
        """The inputs that a job takes over, to stand still for a while."""
        return {"settings": vars(self) | {"based": 1}}


@dataclass(kw_only=True)
class Model:
    """The docstring in Python: which entry each result meets, and its byte."""

    config: CoreConfig
    entries: list[Entry]
    settings: Settings = field(default_factory=Settings)
    group: int = 0
    place: int = 0

    def take(self, accumulator: int, final: int, second: int = 0) -> int:
        chain = self.config.chain
        entry = self.entries[(self.group + second * chain + self.place) % len(self.entries)]
        self.place += 1
        if self.place == chain:
            self.place = 0
            self.group += chain * final * (1 + second)
        return self.byte(accumulator, entry)

    def byte(self, accumulator: int, entry: Entry) -> int:
        s = self.settings
        v = accumulator * entry.mantissa + (entry.offset << self.config.offset_zeros)
        w = (v >> self.config.mantissa_fraction) - (2 if v < 0 and entry.half_away else 0)
        return max(s.low, min(s.high, (((w >> entry.shift) + 1) >> 1) + s.zero_point)) & 0xFF


def random_entry(generator: random.Random, config: CoreConfig) -> Entry:
    limit = 1 << (config.offset_bits - 1)
    near = 1 << min(config.offset_bits - 1, config.mantissa_fraction + 8)
    most = 1 << config.mantissa_bits
    offsets = (-limit, limit - 1, 0, generator.randrange(-near, near), generator.randrange(-limit, limit))
    return Entry(
        mantissa=generator.choice((0, most - 1, generator.randrange(most))),
        offset=generator.choice(offsets),
        shift=generator.randrange(1 << config.shift_bits),
        half_away=generator.randrange(2),
    )


def random_accumulator(generator: random.Random, config: CoreConfig) -> int:
    limit = 1 << (config.accumulator_bits - 1)
    small = 1 << generator.randrange(1, config.accumulator_bits)
    return max(
        -limit, min(limit - 1, generator.choice((-limit, limit - 1, generator.randrange(-small, small))))
    )


def result(accumulator: int, final: int = 0) -> dict[str, object]:
    return {"result": {"value": accumulator, "valid": 1, "final": final}}


def stray(generator: random.Random, config: CoreConfig) -> dict[str, object]:
    """An idle cycle, with what an empty chain may carry."""
    return {
        "result": {
            "value": random_accumulator(generator, config),
            "valid": 0,
            "final": generator.randrange(2),
        }
    }


def check(
    config: CoreConfig, dut: Requantizer, before: list[Cycle], jobs: list[tuple[Model, list[Cycle]]]
) -> None:
    """Each job is its model and its cycles; every byte comes ``latency`` cycles after its result.

    A job begins in the cycle of the last result of the one before.
    """
    latency = Requantizer.latency(config)
    cycles, expected = [*before, {}], {}
    for model, job in jobs:
        taken = model.settings.taken()
        cycles[-1] = {**cycles[-1], **taken, "begin": 1}
        job = [{**cycle, **taken} for cycle in job]
        for number, cycle in enumerate(job, len(cycles)):
            found = cycle.get("result", {"valid": 0})
            if found["valid"]:
                expected[number + latency] = model.take(found["value"], found["final"])
        cycles += job
    cycles += [{**cycle, **taken} for cycle in idle(latency)]
    seen = play(dut, cycles, ("valid", "y"))
    assert [number for number, (valid, _) in enumerate(seen) if valid] == sorted(expected)
    assert {number: seen[number][1] for number in expected} == expected


@pytest.mark.parametrize("registers", [0, 1])
@pytest.mark.parametrize(
    ("shape", "bits", "changes"),
    [
        ((4, 4, 4), (20, 14, 13, 35, 4), {}),
        ((4, 4, 1), (20, 14, 13, 35, 4), {"product_latency": 3}),
        ((8, 8, 4), (32, 31, 30, 63, 5), {}),
        ((8, 4, 2), (17, 12, 10, 20, 1), {}),
        ((8, 4, 2), (24, 20, 19, 45, 2), {}),
        ((8, 8, 1), (20, 14, 13, 12, 3), {}),
        ((4, 4, 1), (20, 14, 13, 27, 4), {"offset_zeros": 8}),
        ((4, 4, 1), (20, 14, 13, 40, 4), {"offset_zeros": 3}),
        ((8, 8, 4), (24, 20, 19, 45, 2), {"loads": False}),
    ],
)
def test_random(
    shape: tuple[int, int, int], bits: tuple[int, ...], changes: dict[str, int], registers: int
) -> None:
    """Random fields, extremes among them, back to back and with gaps; each job has its own registers.

    ``bits`` are those of accumulator, mantissa, fraction, offset and shift.
    """
    names = ("accumulator_bits", "mantissa_bits", "mantissa_fraction", "offset_bits", "shift_bits")
    widths = dict(zip(names, bits, strict=True))
    config = make_config(shape, parameter_registers=registers, **widths, **changes)
    generator = random.Random(f"{shape} {bits} {registers}")
    entries = [random_entry(generator, config) for _ in range(config.parameter_depth)]
    dut = Requantizer(config, tuple(entry.pack(config) for entry in entries))
    jobs = []
    for gaps in (0.0, 0.4, 0.4):
        low = generator.randrange(-128, 100)
        settings = Settings(
            zero_point=generator.choice((-128, 127, generator.randrange(-128, 128))),
            low=low,
            high=generator.randrange(low, 128),
            parameter_base=generator.randrange(4) * config.chain % config.parameter_depth,
        )
        job: list[Cycle] = []
        for pixel in range(60):
            for _ in range(config.chain):
                while generator.random() < gaps:
                    job.append(stray(generator, config))
                job.append(result(random_accumulator(generator, config), final=pixel % 7 == 6))
        jobs.append((
            Model(config=config, entries=entries, settings=settings, group=settings.parameter_base),
            job,
        ))
    check(config, dut, [], jobs)


@pytest.mark.parametrize("half_away", [0, 1])
def test_ties(half_away: int) -> None:
    """A mantissa that stands for one half: every second accumulator is a tie."""
    config = make_config(
        (4, 4, 4), accumulator_bits=16, mantissa_bits=14, mantissa_fraction=13, offset_bits=20
    )
    entries = [
        Entry(mantissa=1 << 13, offset=offset, shift=shift, half_away=half_away)
        for offset in (0, 1 << 13)
        for shift in range(3)
    ]
    dut = Requantizer(config, tuple(entry.pack(config) for entry in entries))
    jobs = []
    for base in range(len(entries)):
        settings = Settings(parameter_base=base)
        job = [result(accumulator) for accumulator in range(-40, 41)]
        jobs.append((Model(config=config, entries=entries, settings=settings, group=base), job))
    check(config, dut, [], jobs)


def test_full_mantissa_is_tflites_double_rounding() -> None:
    config = make_config(
        (4, 4, 4), accumulator_bits=32, mantissa_bits=31, mantissa_fraction=30, offset_bits=63, shift_bits=5
    )
    generator = np.random.default_rng(3)
    mantissas = generator.integers(1 << 30, 1 << 31, 16)
    shifts = generator.integers(1, 22, 16)
    entries = [
        Entry(mantissa=int(m), offset=1 << 30, shift=int(s)) for m, s in zip(mantissas, shifts, strict=True)
    ]
    accumulators = generator.integers(-(1 << 31), 1 << 31, 320)
    accumulators[::3] >>= 16
    which = np.arange(320) % 16
    exact = multiply_double_rounding(accumulators, mantissas[which], -shifts[which])
    latency = Requantizer.latency(config)
    dut = Requantizer(config, tuple(entry.pack(config) for entry in entries))
    # one column a requantizer: each result is final, so each meets the next entry
    results = [result(int(accumulator), final=1) for accumulator in accumulators]
    cycles = [{"begin": 1}, *results, *idle(latency)]
    seen = play(dut, [{**cycle, **Settings().taken()} for cycle in cycles], ("valid", "y"))
    found = [y for valid, y in seen if valid]
    assert found == [int(y) & 0xFF for y in np.clip(exact, -128, 127)]


@pytest.mark.parametrize(
    ("lanes", "offset_bits"), [(4, 12), (4, 20), (4, 40), (4, 110), (8, 44), (8, 50), (16, 40)]
)
@pytest.mark.parametrize("registers", [0, 1])
def test_entries_loaded_in_parts(lanes: int, offset_bits: int, registers: int) -> None:
    """Parts in any order, with idle cycles between, over what other entries hold; base wraps at the depth."""
    config = make_config(
        (lanes, 4, 2), offset_bits=offset_bits, parameter_depth=8, parameter_registers=registers
    )
    generator = random.Random(offset_bits)
    entries = [random_entry(generator, config) for _ in range(config.parameter_depth)]
    parts, bits = config.parameter_parts, 8 * lanes
    loads: list[Cycle] = []
    for number, entry in enumerate(entries):
        for part in range(parts):
            word = entry.pack(config) >> bits * part & ((1 << bits) - 1)
            loads.append({"load_enable": 1, "load_address": number * parts + part, "load_data": word})
            loads.append({"load_address": generator.randrange(16), "load_data": generator.getrandbits(bits)})
    pairs = [loads[2 * n : 2 * n + 2] for n in range(len(loads) // 2)]
    generator.shuffle(pairs)
    loads = [cycle for pair in pairs for cycle in pair]
    settings = Settings(parameter_base=6, zero_point=-7)
    job = [result(random_accumulator(generator, config), final=number % 6 == 5) for number in range(60)]
    model = Model(config=config, entries=entries, settings=settings, group=6)
    check(config, Requantizer(config), loads, [(model, job)])


def test_loads_while_results_pass() -> None:
    """A streamed job loads the next group's entries while the last results of this one pass."""
    config = make_config((4, 4, 1), parameter_depth=16, parameter_registers=0, product_latency=3)
    generator = random.Random(8)
    entries = [random_entry(generator, config) for _ in range(16)]
    parts = config.parameter_parts

    def load(number: int) -> Cycle:
        entry, part = divmod(number, parts)
        word = entries[entry].pack(config) >> 32 * part & 0xFFFFFFFF
        return {"load_enable": 1, "load_address": number, "load_data": word}

    group = 4 * parts
    before = [load(number) for number in range(group)]
    job: list[Cycle] = []
    for first in range(0, 16, 4):
        job += [result(random_accumulator(generator, config), final=number == 3) for number in range(4)]
        if first < 12:
            job += [load(group * (first // 4 + 1) + number) for number in range(group)]
    model = Model(config=config, entries=entries)
    check(config, Requantizer(config), before, [(model, job)])
