"""The ARG_MAX unit against the operator's integer reference."""

from __future__ import annotations

import random

import numpy as np
import pytest

from tests.rtl.support import Cycle, idle, play, signed_bytes
from tfl2hw.ir.row_primitives import ArgMax as Primitive
from tfl2hw.ops.arg_max import compute
from tfl2hw.rtl_templates.arg_max import ArgMax


def rows(generator: random.Random, least: int) -> list[list[int]]:
    """Random rows, rows with equal greatest and least bytes, and one longer than a byte counts."""
    made = [signed_bytes(generator, generator.randrange(least, 20)) for _ in range(6)]
    made += [[generator.choice((-128, 127)) for _ in range(8)], [5] * 9, [-128] * 8, [127] * 8]
    late = [generator.randrange(-9, 9) for _ in range(300)]
    late[259], late[280] = 100, -100
    return [*made, late, signed_bytes(generator, 8)]


def stimuli(work: list[list[int]], generator: random.Random, gap: int, job: Cycle) -> list[Cycle]:
    cycles: list[Cycle] = [{"start": 1, **job}]
    for row in work:
        for index, x in enumerate(row):
            for _ in range(generator.randrange(gap + 1)):
                noise = {name: generator.randrange(2) for name in ("x_last", "minimum", "wide")}
                cycles.append({"x": generator.randrange(-128, 128), **noise})
            cycles.append({"x_valid": 1, "x": x, "x_last": int(index == len(row) - 1)})
    return cycles


@pytest.mark.parametrize("minimum", [0, 1])
@pytest.mark.parametrize("element_bytes", [4, 8])
@pytest.mark.parametrize("gap", [0, 3])
def test_rows(minimum: int, element_bytes: int, gap: int) -> None:
    generator = random.Random(f"{minimum} {element_bytes} {gap}")
    work = rows(generator, ArgMax.interval(element_bytes))
    cycles = stimuli(work, generator, gap, {"minimum": minimum, "wide": int(element_bytes == 8)})
    seen = play(ArgMax(), [*cycles, *idle(20)], ["y_valid", "y", "y_last"])
    ends = [cycle for cycle, given in enumerate(cycles) if given.get("x_valid") and given["x_last"]]
    expected = {}
    for end, row in zip(ends, work, strict=True):
        primitive = Primitive(
            op_index=0, op="", input=0, output=1, rows=1, depth=len(row), minimum=bool(minimum),
            element_bytes=element_bytes,
        )  # fmt: skip
        for place, byte in enumerate(compute(primitive, np.array([row], np.int64))[0]):
            expected[end + ArgMax.LATENCY + place] = (int(byte) & 255, int(place == element_bytes - 1))
    got = {cycle: (y, last) for cycle, (valid, y, last) in enumerate(seen) if valid}
    assert got == expected


def test_short_rows_with_idle_cycles() -> None:
    """Rows shorter than their indices, as far apart as those are long; a new start forgets half a row."""
    work = [[3], [1, 2], [9, 8, 9]]
    cycles: list[Cycle] = [{"start": 1}, {"x_valid": 1, "x": 100}, {"start": 1}]
    for row in work:
        cycles += [
            {"x_valid": 1, "x": x, "x_last": int(index == len(row) - 1)} for index, x in enumerate(row)
        ]
        cycles += idle(4 - len(row))
    seen = play(ArgMax(), [*cycles, *idle(12)], ["y_valid", "y"])
    assert [y for valid, y in seen if valid] == [0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]
