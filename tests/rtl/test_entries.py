"""Memories a little deeper than whole block RAMs: the rest of their words stands in LUTs."""

from __future__ import annotations

import random

import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from tests.rtl.support import Cycle, make_config, play
from tfl2hw.rtl_templates.entries import piece_bits, rest_words, split_memory

BITS = 20


class Memory(wiring.Component):
    """A memory of an ECP5 made by ``split_memory``, with ports."""

    def __init__(self, depth: int, init: list[int], registers: int) -> None:
        self._depth, self._init, self._registers = depth, init, registers
        super().__init__({
            "enable": In(1), "where": In(range(depth)), "word": In(BITS), "address": In(range(depth)),
            "value": Out(BITS),
        })  # fmt: skip

    def elaborate(self, platform: object) -> Module:
        m = Module()
        value = split_memory(
            m, "memory", make_config(multiplier="ecp5"), bits=BITS, depth=self._depth, init=self._init,
            write=(self.enable, self.where, self.word), address=self.address, registers=self._registers,
        )  # fmt: skip
        m.d.comb += self.value.eq(value)
        return m


@pytest.mark.parametrize(
    ("depth", "family", "rest"),
    [
        (1024, "ecp5", 0), (1025, "ecp5", 1), (1088, "ecp5", 64), (1089, "ecp5", 0), (4128, "ecp5", 32),
        (64, "ecp5", 0), (4128, "ice40", 0), (4128, "generic", 0),
    ],
)  # fmt: skip
def test_what_stands_in_luts(depth: int, family: str, rest: int) -> None:
    assert rest_words(depth, family) == rest


@pytest.mark.parametrize(
    ("bits", "depth", "family", "wide"),
    [
        (64, 1024, "ecp5", 18), (64, 2048, "ecp5", 9), (64, 3072, "ecp5", 18), (64, 4096, "ecp5", 4),
        (64, 32768, "ecp5", 18), (2, 2048, "ecp5", 9), (64, 4096, "generic", 64), (64, 4096, "ice40", 64),
    ],
)  # fmt: skip
def test_a_piece_is_one_block_deep_where_that_takes_no_more_blocks(
    bits: int, depth: int, family: str, wide: int
) -> None:
    assert piece_bits(bits, depth, family) == wide


@pytest.mark.parametrize("registers", [0, 1])
@pytest.mark.parametrize("depth", [1025, 2048 + 33, 1024 + 64, 1024 + 65])
def test_every_word_is_where_it_was_written(depth: int, registers: int) -> None:
    """Initial words, then others written over them around the seam, while any other word is read."""
    generator = random.Random(depth)
    kept = [generator.getrandbits(BITS) for _ in range(depth)]
    init = list(kept)
    seam = depth // 1024 * 1024
    places = [*range(seam - 40, depth), *range(depth - seam)]
    cycles: list[Cycle] = []
    wanted = []
    for turn in range(3):
        generator.shuffle(places)
        for where in places:
            address = generator.choice([place for place in generator.choices(places, k=3) if place != where])
            word = generator.getrandbits(BITS)
            enable = int(turn > 0 and generator.random() < 0.8)
            cycles.append({"enable": enable, "where": where, "word": word, "address": address})
            wanted.append(kept[address])
            if enable:
                kept[where] = word
    late = 1 + registers
    seen = play(Memory(depth, init, registers), [*cycles, *[{}] * late], ("value",))
    assert [value for (value,) in seen[late:]] == wanted
