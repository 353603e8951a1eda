"""The byte packer against bytes cut into words."""

from __future__ import annotations

import random

import pytest

from tests.rtl.support import play, unsigned
from tfl2hw.rtl_templates.packer import BytePacker


@pytest.mark.parametrize("lanes", [4, 8, 16])
@pytest.mark.parametrize("gaps", [0.0, 0.5])
def test_rows(lanes: int, gaps: float) -> None:
    """Rows of every length, ``last`` on their last bytes; the bytes behind keep what they held."""
    generator = random.Random(lanes)
    cycles: list[dict[str, int]] = []
    expected = {}
    held = [0] * lanes
    for length in [*range(1, 2 * lanes + 3), 1, 1, lanes, lanes]:
        row = [generator.randrange(256) for _ in range(length)]
        for number, byte in enumerate(row):
            while generator.random() < gaps:
                cycles.append({"byte": generator.randrange(256), "last": generator.randrange(2)})
            last = number == length - 1
            held[number % lanes] = byte
            cycles.append({"valid": 1, "byte": byte, "last": int(last)})
            if last or number % lanes == lanes - 1:
                expected[len(cycles) - 1 + BytePacker.latency] = unsigned(held)
    seen = play(BytePacker(lanes), [*cycles, {}], ("word_valid", "word"))
    assert {number: word for number, (valid, word) in enumerate(seen) if valid} == expected


def test_rows_without_an_end() -> None:
    """Full words close themselves."""
    row = list(range(1, 13))
    cycles = [{"valid": 1, "byte": byte} for byte in row]
    seen = play(BytePacker(4), [*cycles, {}], ("word_valid", "word"))
    assert [word for valid, word in seen if valid] == [unsigned(row[n : n + 4]) for n in (0, 4, 8)]
