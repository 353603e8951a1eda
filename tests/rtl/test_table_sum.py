"""The table-sum unit against its docstring's formula, and its tables loaded word by word."""

from __future__ import annotations

import random
from dataclasses import dataclass

import pytest

from tests.rtl.support import Cycle, idle, make_config, play, register_writes, signed_bytes, unsigned
from tfl2hw.rtl_templates.config import CoreConfig
from tfl2hw.rtl_templates.table_sum import TableSum

SHAPES = [(4, 1), (4, 4), (8, 4), (8, 2), (16, 8), (16, 1)]
"""Lanes, and elements a cycle."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    zero_point: int = 0
    low: int = -128
    high: int = 127
    table_base: int = 0

    def byte(self, tables: list[list[int]], a: int, b: int, shift: int) -> int:
        v = tables[0][self.table_base + a + 128] + tables[1][self.table_base + b + 128]
        return max(self.low, min(self.high, (v >> shift) + self.zero_point))


def config_for(lanes: int, vector_lanes: int, bits: int = 22, operators: int = 2) -> CoreConfig:
    sizes = {"table_depth": 256 * operators, "table_bits": bits, "vector_shift": 12}
    return make_config((lanes, 4, 1), vector_lanes=vector_lanes, **sizes)


def random_tables(generator: random.Random, config: CoreConfig) -> list[list[int]]:
    """Entries of every size, the extremes among them."""
    limit = 1 << (config.table_bits - 1)
    low = -limit
    return [
        [
            generator.choice((
                low,
                limit - 1,
                generator.randrange(low, limit),
                generator.randrange(low, limit) >> 2,
            ))
            for _ in range(config.table_depth)
        ]
        for _ in range(2)
    ]


def packed(tables: list[list[int]], config: CoreConfig) -> tuple[tuple[int, ...], ...]:
    mask = (1 << config.table_bits) - 1
    return tuple(tuple(value & mask for value in table) for table in tables)


def check(
    config: CoreConfig,
    tables: list[list[int]],
    before: list[Cycle],
    dut: TableSum,
    *,
    gaps: bool,
    pairs: int = 20,
) -> None:
    generator = random.Random(gaps)
    slices = config.lanes // config.vector_lanes
    cycles, expected = list(before), {}
    for base in range(0, config.table_depth, 256):
        low = generator.randrange(-128, 0)
        settings = Settings(
            zero_point=generator.choice((-128, 127, 3)), low=low, high=generator.randrange(0, 128),
            table_base=base,
        )  # fmt: skip
        writes = register_writes(**vars(settings))  # the job before may still be under way
        cycles += [*writes, *idle(max(0, TableSum.latency(config) - len(writes)))]
        for number in range(pairs):
            a, b = (signed_bytes(generator, config.lanes) for _ in range(2))
            cycles.append({"valid": 1, "first": 1, "x": unsigned(a), "begin": int(number == 0)})
            stray = {"first": generator.randrange(2), "x": generator.getrandbits(8 * config.lanes)}
            cycles += [stray] * (generator.randrange(4) if gaps else 0)
            cycles.append({"valid": 1, "x": unsigned(b)})
            word = unsigned(
                settings.byte(tables, *each, config.vector_shift) for each in zip(a, b, strict=True)
            )
            expected[len(cycles) - 1 + TableSum.latency(config)] = word
            cycles += [stray] * (max(0, slices - 2) + (generator.randrange(4) if gaps else 0))
    cycles += idle(TableSum.latency(config))
    seen = play(dut, [*cycles, {}], ("word_valid", "word"))
    assert {number: word for number, (valid, word) in enumerate(seen) if valid} == expected


@pytest.mark.parametrize(("lanes", "vector_lanes"), SHAPES)
@pytest.mark.parametrize("gaps", [False, True])
def test_random_tables(lanes: int, vector_lanes: int, gaps: bool) -> None:
    """Pairs of words as close as the unit takes them, or with gaps; two operators' tables and registers."""
    config = config_for(lanes, vector_lanes)
    tables = random_tables(random.Random(lanes), config)
    check(config, tables, [], TableSum(config, packed(tables, config)), gaps=gaps)


@pytest.mark.parametrize(("lanes", "bits"), [(4, 13), (4, 32), (4, 33), (8, 40)])
def test_loaded_tables(lanes: int, bits: int) -> None:
    config = config_for(lanes, 2, bits, operators=1)
    tables = random_tables(random.Random(bits), config)
    loads: list[Cycle] = []
    word_bits, parts = 8 * lanes, config.table_parts
    for operand, table in enumerate(packed(tables, config)):
        for number, entry in enumerate(table):
            for part in range(parts):
                word = entry >> part * word_bits & (1 << word_bits) - 1
                where = number * parts + part
                loads.append({"load_enable": 1 << operand, "load_address": where, "load_data": word})
    check(config, tables, loads, TableSum(config), gaps=False, pairs=8)
