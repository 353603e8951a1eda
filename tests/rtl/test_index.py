"""The index register against the number that its tokens spell."""

from __future__ import annotations

import random

import pytest

from tests.rtl.support import Cycle, make_config, play
from tfl2hw.rtl_templates.index import IndexRegister


@pytest.mark.parametrize("gaps", [0.0, 0.5])
def test_numbers(gaps: float) -> None:
    """Bytes highest first, doubled by padding, modulo the memory; it stays until the next one."""
    config, generator = make_config((8, 4, 2)), random.Random(gaps)
    mask = (1 << config.byte_address_bits) - 1
    cycles: list[Cycle] = []
    wanted: list[int] = []
    index = 0
    for _ in range(40):
        pads = sorted(generator.randrange(2) for _ in range(generator.randrange(1, 6)))
        for number, pad in enumerate(pads):
            while generator.random() < gaps:
                cycles.append({"byte": generator.randrange(256), "pad": 1, "first": 1})
                wanted.append(index)
            byte = generator.randrange(256)
            cycles.append({"valid": 1, "first": int(number == 0), "pad": pad, "byte": byte})
            wanted.append(index)
            index = 0 if number == 0 else index
            index = (index << 1 if pad else index << 8 | byte) & mask
    seen = play(IndexRegister(config), [*cycles, {}], ("index",))
    assert [value for (value,) in seen] == [*wanted, index]
