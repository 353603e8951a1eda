"""The whole systolic array, columns, chains and requantizers, against sums and the requantizers' formula."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from tests.rtl.array_model import (
    ColumnModel,
    Token,
    load_tokens,
    mode_pixels,
    pair_pixels,
    random_bank,
    random_pixels,
    stray_token,
)
from tests.rtl.support import SHAPES, idle, make_config, play, register_writes, unsigned
from tests.rtl.test_column import stimuli
from tests.rtl.test_requantizer import Entry, Model, Settings
from tfl2hw.rtl_templates.array import Array
from tfl2hw.rtl_templates.config import CoreConfig
from tfl2hw.rtl_templates.image import Image


def gentle_entries(generator: random.Random, config: CoreConfig) -> list[Entry]:
    """Parameters that bring sums of a few dozen products into the range of a byte."""
    fraction = config.mantissa_fraction
    return [
        Entry(
            mantissa=generator.randrange(1 << fraction, 2 << fraction),
            offset=generator.randrange(-(1 << fraction + 12), 1 << fraction + 12),
            shift=generator.randrange(9, 12),
            half_away=generator.randrange(2),
        )
        for _ in range(config.parameter_depth)
    ]


class ArrayModel:
    """Columns and the requantizers behind them, a token at a time."""

    def __init__(
        self, config: CoreConfig, banks: list[list[list[int]]], entries: list[list[Entry]], settings: Settings
    ) -> None:
        self._config = config
        self._columns = [
            ColumnModel(config=config, index=index, bank=list(bank)) for index, bank in enumerate(banks)
        ]
        self._requantizers = [
            Model(config=config, entries=each, settings=settings, group=settings.parameter_base)
            for each in entries
        ]

    def take(self, token: Token) -> list[int] | None:
        """The words of ``y`` in consecutive cycles, if the token closes a pixel."""
        sums = [column.take(token) for column in self._columns]
        if not (token.valid and token.last):
            return None
        if "pair" not in token.modes:
            return self._requantized(sums, token.final)
        upper = [column.upper for column in self._columns]
        return self._requantized(sums, 0) + self._requantized(upper, token.final)

    def _requantized(self, sums: list[int | None], final: int) -> list[int]:
        config, words = self._config, []
        for place in reversed(range(config.chain)):
            found = [
                requantizer.take(sums[group * config.chain + place], final)
                for group, requantizer in enumerate(self._requantizers)
            ]
            words.append(unsigned(found))
        return words


def image(banks: list[list[list[int]]], entries: list[list[Entry]], config: CoreConfig) -> Image:
    return Image(
        program=(),
        weights=tuple(tuple(unsigned(word) for word in bank) for bank in banks),
        parameters=tuple(tuple(entry.pack(config) for entry in each) for each in entries),
        tables=(),
        exponentials=(),
        scratchpad=(),
    )


def check(
    shape: tuple[int, int, int], *, loads: bool, bubbles: float, pixels: int = 20, **changes: Any
) -> None:
    config = make_config(shape, bank_depth=8, **{"accumulator_bits": 21} | changes)
    generator = random.Random(f"{shape} {loads} {bubbles}")
    banks = [random_bank(generator, config) for _ in range(config.columns)]
    entries = [gentle_entries(generator, config) for _ in range(config.requantizers)]
    settings = Settings(zero_point=-5, low=-100, high=120)
    empty = [[[0] * config.lanes for _ in range(config.bank_depth)] for _ in range(config.columns)]
    model = ArrayModel(config, empty if loads else banks, entries, settings)
    tokens = load_tokens(config, banks, generator) if loads else []
    modes = ("product", "digit") if config.product and config.digits else ()
    for pick in (False, True, False, True):
        tokens += random_pixels(generator, config, pixels, pick=pick, bubbles=bubbles)
        for mode in modes:
            tokens += mode_pixels(generator, config, pixels // 2, mode, bubbles=bubbles)
        if config.pair:
            tokens += [stray_token(generator, config) for _ in range(config.chain)]
            tokens += pair_pixels(generator, config, pixels, generator.choice((4, 5)), bubbles=bubbles)
    cycles, when = stimuli(tokens)
    before = [*register_writes(**vars(settings)), {"begin": 1}]
    latency = Array.latency(config)
    expected = {}
    for cycle, token in zip(when, tokens, strict=True):
        for number, word in enumerate(model.take(token) or []):
            expected[len(before) + cycle + latency + number] = word
    initial = image([] if loads else banks, entries, config)
    seen = play(
        Array(config, initial),
        [*before, *cycles, *idle(latency + 2 * config.chain)],
        ("valid", "y", "tail_x", "tail_token"),
    )
    assert [number for number, (valid, *_) in enumerate(seen) if valid] == sorted(expected)
    assert {number: seen[number][1] for number in expected} == expected
    assert len({*expected.values()}) > 60, "the test's numbers say little"
    for cycle, token in zip(when, tokens, strict=True):
        _, _, _, tail = seen[len(before) + cycle + config.columns]
        assert (tail.valid, tail.write, tail.address) == (token.valid, token.write, token.address)
        assert seen[len(before) + cycle + 1 + config.columns][2] == unsigned(token.x)


@pytest.mark.parametrize("shape", [*SHAPES, (4, 4, 4), (8, 2, 1), (4, 4, 2)])
def test_back_to_back(shape: tuple[int, int, int]) -> None:
    check(shape, loads=False, bubbles=0.0)


@pytest.mark.parametrize("shape", [(4, 4, 1), (8, 4, 2), (8, 8, 4)])
@pytest.mark.parametrize("loads", [False, True])
def test_with_bubbles(shape: tuple[int, int, int], loads: bool) -> None:
    check(shape, loads=loads, bubbles=0.4)


@pytest.mark.parametrize("shape", [(4, 4, 1), (8, 4, 4)])
def test_small_variant(shape: tuple[int, int, int]) -> None:
    """Fewer registers in multipliers and parameter memories."""
    fewer = {"multiplier_latency": 2, "bank_registers": 0, "parameter_registers": 0, "product_latency": 3}
    check(shape, loads=False, bubbles=0.2, **fewer)


@pytest.mark.parametrize("shape", [(4, 4, 1), (8, 8, 4)])
@pytest.mark.parametrize("bubbles", [0.0, 0.4])
def test_modes(shape: tuple[int, int, int], bubbles: float) -> None:
    """Products and digits, whose flags pass from column to column, among plain pixels."""
    modes = {"product": True, "digits": True, "maximum": True}
    check(shape, loads=True, bubbles=bubbles, accumulator_bits=36, offset_bits=50, **modes)


@pytest.mark.parametrize("shape", [(8, 4, 4), (8, 8, 4), (16, 8, 2), (16, 16, 2)])
@pytest.mark.parametrize("bubbles", [0.0, 0.4])
def test_pairs(shape: tuple[int, int, int], bubbles: float) -> None:
    """Two results a pixel: a chain's first ones, then its second ones, each with its own parameters."""
    check(shape, loads=True, bubbles=bubbles, accumulator_bits=36, offset_bits=50, pair=True)


@pytest.mark.parametrize("mode", ["maximum", "minimum"])
@pytest.mark.parametrize("bubbles", [0.0, 0.4])
@pytest.mark.parametrize("shape", [(4, 4, 1), (8, 8, 4)])
def test_pooling(shape: tuple[int, int, int], bubbles: float, mode: str) -> None:
    """The greatest and the least byte of each pixel in every column, against numpy."""
    config = make_config(shape, bank_depth=2, maximum=True, mantissa_bits=15, window=False)
    generator = random.Random(f"{shape} {mode}")
    banks = [[[1] + [0] * (config.lanes - 1)] * 2] * config.columns
    same = Entry(mantissa=2 << config.mantissa_fraction, offset=0, shift=0, half_away=0)
    initial = image(banks, [[same] * config.parameter_depth] * config.requantizers, config)
    tokens = mode_pixels(generator, config, 60, mode, bubbles=bubbles)
    cycles, _ = stimuli(tokens)
    cycles = [
        *register_writes(**vars(Settings())),
        {"begin": 1},
        *cycles,
        *idle(Array.latency(config) + config.chain),
    ]
    seen = [y for valid, y in play(Array(config, initial), cycles, ("valid", "y")) if valid]
    wanted: list[int] = []
    window: list[list[int]] = []
    for token in tokens:
        if token.valid:
            window = ([] if token.first else window) + [token.x[token.offset :][: config.columns]]
            if token.last:
                pooled = (np.max if mode == "maximum" else np.min)(window, axis=0)
                by_chain = pooled.reshape(config.requantizers, config.chain)
                wanted += [unsigned(by_chain[:, place]) for place in reversed(range(config.chain))]
    assert seen == wanted
