"""A systolic column against plain sums of products, and the chain of finished accumulators."""

from __future__ import annotations

import random
from typing import Any

import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from tests.rtl.array_model import ColumnModel, Token, load_tokens, random_bank, random_pixels
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
        ((8, 8, 4), 7, {"window": False}),
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
    cycles, when = stimuli(tokens)
    latency = Column.latency(config) + (1 if config.chain == 1 else 2)
    expected = {}
    for cycle, token in zip(when, tokens, strict=True):
        value = model.take(token)
        if value is not None:
            expected[cycle + latency] = (value, token.final)
    cycles = [*cycles, *idle(latency + 1)]
    seen = play(Bench(config, index, weights), cycles, ("result_out", "token_out", "x_out"))
    found = {number: (r.value, r.final) for number, (r, _, _) in enumerate(seen) if r.valid}
    assert found == expected
    for number in range(len(cycles) - 1):
        _, token_out, x_out = seen[number + 1]
        assert x_out == cycles[number].get("x", 0)
        asked = cycles[number].get("token", {})
        assert all(
            getattr(token_out, name) == asked.get(name, 0) for name in ("valid", "write", "address", "offset")
        )


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
