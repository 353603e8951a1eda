"""Sums, products and extrema, walked; operands that are one map; maps that fill no word."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.schedule.test_table_fit import add, single
from tests.schedule.walker import TARGETS, agree, alone, named, target_of
from tfl2hw.ir.primitives import Extremum, MapShape, Product, TableSum
from tfl2hw.ops.rescale import IdentityRescale, fixed_point
from tfl2hw.schedule.shape import Target

SHAPES = [(3, 4, 5), (1, 1, 21), (2, 3, 16), (4, 1, 1)]
COMMON = {"op_index": 0, "op": "OPERATOR", "output": 2}


def maps(shape: MapShape, count: int = 2) -> dict[int, MapShape]:
    return {**dict.fromkeys(range(count), shape), 2: shape}


@pytest.mark.parametrize("target", TARGETS, ids=named)
@pytest.mark.parametrize("shape", SHAPES)
def test_table_sums(shape: MapShape, target: Target) -> None:
    primitive = replace(add(single((0.11, 0.07, 0.13)), (3, -20, 9)), inputs=(0, 1), output=2, shape=shape)
    planned = agree(alone(primitive, shapes=maps(shape)), target)
    assert len(planned.tables) == 1


@pytest.mark.parametrize("target", TARGETS, ids=named)
def test_one_operand(target: Target) -> None:
    """A function of a byte reads its map twice and has an empty second table."""
    table = np.random.default_rng(1).integers(-128, 128, (1, 256))
    primitive = TableSum(**COMMON, inputs=(0,), shape=(3, 4, 5), tables=table, rescale=IdentityRescale())
    planned = agree(alone(primitive, shapes=maps((3, 4, 5), 1)), target)
    assert not planned.tables[0].tables[1].any()


def test_operators_that_do_the_same_share_tables() -> None:
    table = np.random.default_rng(1).integers(-128, 128, (2, 1, 256))
    sums = [
        TableSum(
            op_index=n, op="OPERATOR", inputs=(0,), output=n + 1, shape=(1, 2, 3), tables=table[which],
            rescale=IdentityRescale(),
        )
        for n, which in enumerate((0, 1, 0))
    ]  # fmt: skip
    planned = agree(alone(*sums, shapes=dict.fromkeys(range(4), (1, 2, 3))), target_of())
    assert [layer.jobs[0].number for layer in planned.layers] == [0, 1, 0]
    assert len(planned.tables) == 2


@pytest.mark.parametrize("target", TARGETS, ids=named)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("zeros", [(0, 0), (-128, 127), (13, -128), (-128, -128)])
def test_products(shape: MapShape, zeros: tuple[int, int], target: Target) -> None:
    """Zero points at the ends of a byte, which do not fit one weight."""
    rescale = fixed_point(np.array([1 / 170]), "double", -3, (-128, 127))
    primitive = Product(**COMMON, inputs=(0, 1), shape=shape, zero_points=zeros, rescale=rescale)
    agree(alone(primitive, shapes=maps(shape)), target)


@pytest.mark.parametrize("target", TARGETS, ids=named)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("reduction", ["maximum", "minimum"])
def test_extrema(shape: MapShape, reduction: str, target: Target) -> None:
    primitive = Extremum(**COMMON, inputs=(0, 1), shape=shape, reduction=reduction, low=-90, high=100)
    agree(alone(primitive, shapes=maps(shape)), target)


@pytest.mark.parametrize("kind", ["product", "extremum"])
def test_a_map_with_itself(kind: str) -> None:
    if kind == "product":
        rescale = fixed_point(np.array([1 / 170]), "single", 5, (-128, 127))
        primitive: Product | Extremum = Product(
            **COMMON, inputs=(0, 0), shape=(3, 4, 5), zero_points=(7, 7), rescale=rescale
        )
    else:
        primitive = Extremum(**COMMON, inputs=(0, 0), shape=(3, 4, 5), reduction="maximum")
    agree(alone(primitive, shapes=maps((3, 4, 5), 1)), target_of())
