"""A systolic column against plain sums of products, and the chain of finished accumulators."""

from __future__ import annotations

import random
from typing import Any

import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from tests.rtl.array_model import (
    ColumnModel,
    Token,
    byte_bank,
    load_tokens,
    mode_pixels,
    random_bank,
    random_pixels,
    stray_token,
    window_pixels,
)
from tests.rtl.support import Cycle, idle, make_config, play, unsigned
from tfl2hw.rtl_templates.column import Column, first_control, result_layout
from tfl2hw.rtl_templates.config import CoreConfig
from tfl2hw.rtl_templates.isa import token_layout


class Bench(wiring.Component):
    """One column with the control that column 0 gets."""

    def __init__(self, config: CoreConfig, index: int, weights: tuple[int, ...]) -> None:
        self._config = config
        self._column = Column(config, index, weights)
        super().__init__({
            "token": In(token_layout(config)), "x": In(8 * config.lanes), "before": In(result_layout(config)),
            "token_out": Out(token_layout(config)), "x_out": Out(8 * config.lanes),
            "result_out": Out(result_layout(config)),
        })  # fmt: skip

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.column = column = self._column
        m.d.comb += [
            column.token.eq(self.token), column.x.eq(self.x), column.result.eq(self.before),
            column.control.eq(first_control(m, self._config, self.token)),
            self.token_out.eq(column.token_out), self.x_out.eq(column.x_out),
            self.result_out.eq(column.result_out),
        ]  # fmt: skip
        return m


def stimuli(tokens: list[Token]) -> tuple[list[Cycle], list[int]]:
    """Cycles with each word one behind its token, and the cycle of each token."""
    cycles: list[dict[str, Any]] = [{}]
    when = []
    for token in tokens:
        when.append(len(cycles) - 1)
        cycles[-1]["token"] = token.fields()
        cycles.append({"x": unsigned(token.x)})
    return cycles, when


@pytest.mark.parametrize(
    ("shape", "index", "changes"),
    [
        ((4, 4, 1), 3, {"multiplier_latency": 2, "bank_registers": 0}),
        ((4, 4, 4), 0, {}),
        ((8, 4, 2), 2, {}),
        ((8, 8, 4), 7, {}),
        ((16, 8, 4), 5, {"multiplier_latency": 2}),
    ],
)
@pytest.mark.parametrize("bubbles", [0.0, 0.4])
@pytest.mark.parametrize("loads", [False, True])
def test_sums(
    shape: tuple[int, int, int], index: int, changes: dict[str, Any], bubbles: float, loads: bool
) -> None:
    """Whole-word and pick pixels in turn, the bank initialised or written through tokens."""
    config = make_config(shape, accumulator_bits=24, bank_depth=16, **changes)
    generator = random.Random(f"{shape} {index} {bubbles}")
    bank = random_bank(generator, config)
    tokens = []
    if loads:
        banks = [random_bank(generator, config) for _ in range(config.columns)]
        banks[index] = bank
        tokens += load_tokens(config, banks, generator)
    for pick in (False, True, True, False, True):
        tokens += random_pixels(generator, config, 12, pick=pick, bubbles=bubbles)
    weights = () if loads else tuple(unsigned(word) for word in bank)
    model = ColumnModel(config=config, index=index, bank=[[0] * config.lanes] * 16 if loads else list(bank))
    cycles, seen = check(model, tokens, weights)
    for number in range(len(cycles) - 1):
        _, token_out, x_out = seen[number + 1]
        assert x_out == cycles[number].get("x", 0)
        asked = cycles[number].get("token", {})
        assert all(
            getattr(token_out, name) == asked.get(name, 0) for name in ("valid", "write", "address", "offset")
        )


MODES = {
    "product": {"product": True},
    "maximum": {"maximum": True},
    "minimum": {"maximum": True},
    "digit": {"digits": True},
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("bubbles", [0.0, 0.4])
@pytest.mark.parametrize(
    ("shape", "index", "changes"),
    [
        ((4, 4, 4), 1, {"bank_registers": 0}),
        ((8, 4, 4), 2, {"bank_registers": 0, "window": 3, "places": 4}),
        ((8, 8, 4), 7, {"window": 8, "places": 8}),
        ((16, 8, 4), 5, {}),
    ],
)
def test_modes(
    shape: tuple[int, int, int], index: int, changes: dict[str, Any], bubbles: float, mode: str
) -> None:
    """Products of two bytes, maxima and minima, digits, with the flags of that mode alone and with all;
    plain pixels before, between and after.
    """
    for flags in (MODES[mode], {"product": True, "maximum": True, "digits": True}):
        config = make_config(shape, accumulator_bits=36, bank_depth=16, **changes, **flags)
        generator = random.Random(f"{shape} {bubbles} {mode}")
        bank = (byte_bank if mode in ("maximum", "minimum") else random_bank)(generator, config)
        tokens = []
        for pick in (False, True, True):
            tokens += random_pixels(generator, config, 6, pick=pick, bubbles=bubbles)
            tokens += mode_pixels(generator, config, 12, mode, bubbles=bubbles)
        model = ColumnModel(config=config, index=index, bank=list(bank))
        check(model, tokens, tuple(unsigned(word) for word in bank))


SMALL = {"multiplier_latency": 2, "bank_registers": 0}
ALL_MODES = {"maximum": True, "product": True, "digits": True}
EVERY = {"pair": True, "twin": True, "quad": True}


@pytest.mark.parametrize("bubbles", [0.0, 0.4])
@pytest.mark.parametrize(
    ("shape", "index", "words", "changes"),
    [
        ((4, 4, 1), 2, (3, 4), {"window": 3, "places": 4, **SMALL}),
        ((4, 4, 4), 1, (1,), {"window": 4, "single": True, **SMALL}),
        ((4, 4, 4), 0, (2, 1), {"window": 4, "places": 2, "single": True}),
        ((8, 8, 8), 3, (4, 1, 8), {"window": 8, "places": 8, "single": True, "pair": True}),
        ((8, 8, 4), 7, (3, 5), {"window": 3, "places": 8, "pair": True, "bank_registers": 0}),
        ((8, 8, 2), 6, (4,), {"window": 5, "places": 16, "pair": True, **ALL_MODES}),
        ((8, 4, 2), 3, (3, 2), {"window": 4, "places": 4, "twin": True, "pair": True}),
        ((8, 4, 4), 1, (1, 3), {"window": 7, "places": 4, "single": True, "twin": True, **SMALL}),
        ((16, 8, 8), 5, (4, 1), {"window": 3, "places": 4, "single": True, "quad": True, **ALL_MODES}),
        ((16, 8, 4), 7, (4,), {"window": 4, "places": 4, "quad": True, "twin": True}),
        ((16, 8, 8), 0, (5, 1), {"window": 16, "places": 8, "single": True, **EVERY}),
        ((16, 4, 4), 2, (4,), {"window": 8, "places": 4, **EVERY}),
        ((32, 8, 4), 6, (4,), {"window": 10, "places": 4, **EVERY}),
        ((16, 8, 8), 6, (9,), {**EVERY}),
    ],
)  # fmt: skip
def test_windows(
    shape: tuple[int, int, int], index: int, words: tuple[int, ...], changes: dict[str, Any], bubbles: float
) -> None:
    """All sums of pixels of several lengths, for every division of the lanes, among plain pixels."""
    config = make_config(shape, accumulator_bits=36, bank_depth=16, **changes)
    generator = random.Random(f"{shape} {bubbles} {words}")
    bank = random_bank(generator, config)
    tokens = []
    for number in (*words, *words):
        for division in ((1, 1), *config.divisions):
            tokens += random_pixels(generator, config, 6, pick=False, bubbles=bubbles)
            tokens += [stray_token(generator, config) for _ in range(config.chain)]
            count = config.window + 20
            tokens += window_pixels(generator, config, count, number, bubbles=bubbles, division=division)
    model = ColumnModel(config=config, index=index, bank=list(bank))
    check(model, tokens, tuple(unsigned(word) for word in bank))


def test_a_product_with_zero_points() -> None:
    """Split into two weights each, zero points at both ends of their range; every pair of extreme bytes."""
    config = make_config((4, 4, 4), product=True, accumulator_bits=21)
    for za, zb in ((-128, -128), (127, 127), (-128, 127), (3, -77)):
        # (a - za) * (b - zb) is a * b - b * za - a * zb and a constant
        bank = [[-za // 3, -za // 3, -za - 2 * (-za // 3), 0], [99, -zb // 2, -zb - -zb // 2, 0]]
        values = (-128, -127, -1, 0, 1, 126, 127)
        tokens, products = [], []
        for a in values:
            for b in values:
                for number, byte in enumerate((b, a)):
                    x = [77, byte, 77, 77]
                    flags = {"first": 1 - number, "last": number}
                    tokens.append(Token(x=x, pick=1, address=number, modes=("product",), **flags))
                products.append((a - za) * (b - zb) - za * zb)
        weights = tuple(unsigned(word) for word in bank)
        model = ColumnModel(config=config, index=1, bank=bank)
        _, seen = check(model, tokens, weights)
        assert [result.value for result, _, _ in seen if result.valid] == products


def check(
    model: ColumnModel, tokens: list[Token], weights: tuple[int, ...]
) -> tuple[list[Cycle], list[tuple[Any, ...]]]:
    """Every finished accumulator is the model's, in its cycle. Returns what was played and seen."""
    config = model.config
    cycles, when = stimuli(tokens)
    latency = Column.latency(config) + (1 if config.chain == 1 else 2)
    expected = {}
    for cycle, token in zip(when, tokens, strict=True):
        value = model.take(token)
        if value is not None:
            _, channels = token.division
            for number, each in enumerate(value):
                last, second = number == len(value) - 1, number % channels
                expected[cycle + latency + number * config.chain] = (each, int(token.final and last), second)
    cycles = [*cycles, *idle(latency + 3 * config.chain + 1)]
    seen = play(Bench(config, model.index, weights), cycles, ("result_out", "token_out", "x_out"))
    found = {
        number: (r.value, r.final, r.second if config.channels > 1 else 0)
        for number, (r, _, _) in enumerate(seen)
        if r.valid
    }
    assert found == expected
    return cycles, seen


def test_a_chain_passes_on_what_comes_from_before() -> None:
    """Results of the columns before go through, two cycles a column, where this one has none."""
    config = make_config((8, 8, 2))
    generator = random.Random(1)
    cycles: list[Cycle] = []
    for _ in range(200):
        value = {
            "value": generator.randrange(-1000, 1000),
            "valid": generator.randrange(2),
            "final": generator.randrange(2),
        }
        cycles.append({"before": value})
    seen = play(Bench(config, 1, ()), cycles, ("result_out",))
    for number, (result,) in enumerate(seen[2:]):
        sent = cycles[number]["before"]
        assert (result.valid, result.value, result.final) == (sent["valid"], sent["value"], sent["final"])
