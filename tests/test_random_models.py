"""Random models: every tensor of the interpreters, the references, the primitives and the hardware agrees."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.fuzz.chain import Chain, Target
from tests.fuzz.plan import Plan, build, plans, random_plan
from tests.fuzz.table import ROWS
from tfl2hw.ops import OPERATORS

MODELS = 120
GENERATED = (
    Target(board="ulx3s-85f", lanes=8, columns=8),
    Target(board="icebreaker"),
    Target(lanes=4, columns=4),
    Target(lanes=16, columns=8),
)


@pytest.fixture(scope="module")
def chain() -> Iterator[Chain]:
    with Chain() as made:
        yield made


@settings(
    max_examples=MODELS,
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.generate, Phase.shrink),
    suppress_health_check=(HealthCheck.too_slow,),
)
@given(plan=plans())
def test_every_link_agrees(chain: Chain, plan: Plan) -> None:
    case = build(plan)
    if case is not None:
        verdict = chain.check(case)
        assert verdict.fault is None, str(verdict.fault)


@pytest.mark.parametrize("name", ROWS)
def test_every_operator_is_compared_to_the_end(name: str, chain: Chain) -> None:
    """Some model of the operator alone is refused by nobody."""
    for seed in range(20):
        case = build(Plan(size=6, numerics=ROWS[name].numerics, steps=((name, seed),)))
        verdict = None if case is None else chain.check(case)
        if verdict is None or verdict.refused or verdict.interpreters:
            continue
        assert verdict.fault is None, str(verdict.fault)
        assert verdict.tensors["hardware"] > 0
        return
    pytest.fail("no model of it is accepted")


def test_every_operator_is_in_the_table() -> None:
    """But for FLOAT_TABLE, which no file has: a pass makes it."""
    assert set(OPERATORS) - {"FLOAT_TABLE"} == set(ROWS)


@pytest.mark.long
@pytest.mark.parametrize("target", GENERATED, ids=str)
@pytest.mark.parametrize("seed", range(6))
def test_on_other_cores(target: Target, seed: int, chain: Chain) -> None:
    """Cores generated for the model, and other arrays of the prebuilt one."""
    case = build(random_plan(seed + 1000, size=8))
    assert case is not None
    verdict = chain.check(case, target)
    assert verdict.fault is None, str(verdict.fault)
