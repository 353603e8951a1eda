"""Behind the last column: destinations of loads, and memories whose entries arrive in parts."""

from __future__ import annotations

import random

import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from tests.rtl.support import Cycle, make_config, play
from tfl2hw.rtl_templates.config import parts as words_of
from tfl2hw.rtl_templates.entries import entry_memory
from tfl2hw.rtl_templates.tail import Tail, destinations

DEPTH = 8


@pytest.mark.parametrize("shape", [(4, 4, 1), (8, 8, 4), (8, 2, 2)])
def test_destinations(shape: tuple[int, int, int]) -> None:
    """Requantizers, two tables, the exponentials; what is for a column, or no load, is not for here."""
    config, generator = make_config(shape), random.Random(1)
    places = destinations(config)
    assert list(places.values()) == [
        config.columns, config.columns + config.requantizers, config.columns + config.requantizers + 1,
        config.columns + config.requantizers + 2,
    ]  # fmt: skip
    assert max(places.values()) < 1 << config.destination_bits
    tokens = [
        {
            "write": int(generator.random() < 0.8),
            "destination": generator.randrange(places["exponentials"] + 1),
            "address": generator.randrange(1 << config.token_address_bits),
            "valid": generator.randrange(2),
        }
        for _ in range(200)
    ]  # fmt: skip
    words = [generator.getrandbits(8 * config.lanes) for _ in range(200)]
    cycles: list[Cycle] = [
        {"token": token, "x": word} for token, word in zip([*tokens, {}], [0, *words], strict=True)
    ]
    seen = play(Tail(config), cycles, ("enable", "address", "data"))
    for token, word, (enable, address, data) in zip(tokens, words, seen[1:], strict=True):
        number = token["destination"] - config.columns
        assert enable == (1 << number if token["write"] and number >= 0 else 0)
        assert (address, data) == (token["address"], word)


class EntryMemory(wiring.Component):
    """A memory made by ``entry_memory`` with ports."""

    def __init__(self, field: tuple[int, int], init: list[int], word_bits: int, parts: int) -> None:
        config = make_config((word_bits // 8, 2, 1))
        self._arguments = {"config": config, "field": field, "init": init, "parts": parts}
        super().__init__({
            "enable": In(1), "where": In(8), "word": In(word_bits), "address": In(range(DEPTH)),
            "value": Out(field[1] - field[0]),
        })  # fmt: skip

    def elaborate(self, platform: object) -> Module:
        m = Module()
        load = (self.enable, self.where, self.word)
        value = entry_memory(m, "memory", depth=DEPTH, load=load, address=self.address, **self._arguments)
        m.d.comb += self.value.eq(value)
        return m


@pytest.mark.parametrize("word_bits", [32, 64, 128])
@pytest.mark.parametrize(
    "field", [(0, 14), (14, 49), (0, 32), (32, 64), (0, 65), (31, 33), (20, 130), (0, 128)]
)
@pytest.mark.parametrize("initial", [True, False])
def test_entries(word_bits: int, field: tuple[int, int], initial: bool) -> None:
    """Read as initialised, or written part by part, in any order, while others are read."""
    generator = random.Random(f"{word_bits} {field}")
    parts = words_of(field[1], word_bits // 8)
    bits = parts * word_bits
    entries = [generator.getrandbits(bits) for _ in range(DEPTH)]
    kept = list(entries) if initial else [0] * DEPTH
    loads = [(entry, part) for entry in range(DEPTH) for part in range(parts)]
    generator.shuffle(loads)
    cycles: list[Cycle] = []
    wanted = []

    def cycle(**values: int) -> None:
        """One cycle that also reads an entry which no write changes."""
        address = generator.randrange(DEPTH)
        if values.get("enable") and values["where"] // parts == address:
            address = (address + 1) % DEPTH
        cycles.append({"address": address, **values})
        wanted.append(kept[address] >> field[0] & (1 << field[1] - field[0]) - 1)

    for _ in range(2 * DEPTH):
        cycle(where=generator.randrange(DEPTH * parts), word=generator.getrandbits(word_bits))
    for entry, part in loads:
        word, mask = generator.getrandbits(word_bits), (1 << word_bits) - 1
        cycle(enable=1, where=entry * parts + part, word=word)
        kept[entry] = kept[entry] & ~(mask << part * word_bits) | word << part * word_bits
    for _ in range(2 * DEPTH):
        cycle()
    seen = play(EntryMemory(field, entries if initial else [], word_bits, parts), [*cycles, {}], ("value",))
    assert [value for (value,) in seen[1:]] == wanted
