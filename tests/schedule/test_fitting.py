"""The numbers of all jobs: the shortest that serve all of them, or those of a core that is there already."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from tests.schedule.test_split_sums import UNFITTING
from tests.schedule.test_table_fit import add, single
from tests.schedule.walker import agree, alone, target_of
from tfl2hw.errors import ModelError
from tfl2hw.ir.primitives import Product
from tfl2hw.ops.rescale import fixed_point
from tfl2hw.schedule.fitting import fit_all_tables, fit_requantizer
from tfl2hw.schedule.jobs import Layer
from tfl2hw.schedule.lowering import Lowering
from tfl2hw.schedule.schedule import schedule
from tfl2hw.schedule.shape import Target


def product(real: float, number: int = 0) -> Product:
    rescale = fixed_point(np.array([real]), "double", 0, (-128, 127))
    return Product(
        op_index=number, op="MUL", inputs=(0, 1), output=2 + number, shape=(1, 2, 3), zero_points=(0, 0),
        rescale=rescale,
    )  # fmt: skip


def layers(target: Target, *reals: float) -> list[Layer]:
    primitives = [product(real, number) for number, real in enumerate(reals)]
    network = alone(*primitives, shapes=dict.fromkeys(range(2 + len(reals)), (1, 2, 3)))
    lowering = Lowering(network, target)
    return [
        Layer(op_index=each.op_index, op=each.op, outputs=(each.output,), macs=0, jobs=lowering.jobs(each))
        for each in primitives
    ]


def only_width(primitive: Product) -> int:
    network = alone(primitive, shapes=dict.fromkeys(range(3), (1, 2, 3)))
    return schedule(network, target_of()).accumulator_bits


def test_one_fraction_for_all_and_none_shorter() -> None:
    """The longest of those that each job needs alone."""
    target, reals = target_of(), (0.0101, 0.0062, 0.0173)
    alone_each = [fit_requantizer("file", layers(target, real), target)[0] for real in reals]
    fraction, parameters, _ = fit_requantizer("file", layers(target, *reals), target)
    assert len(parameters) == 3
    assert fraction >= max(alone_each)
    assert fraction < 31


@pytest.mark.parametrize("real", [0.5**7, 0.0101, 0.0062])
def test_a_cores_fraction_is_taken_as_it_is(real: float) -> None:
    target = target_of(core=True)
    assert fit_requantizer("file", layers(target, real), target)[0] == target.core.mantissa_fraction == 30
    assert fit_requantizer("file", layers(target_of(), real), target_of())[0] < 30


def test_accumulators_hold_the_greatest_sum() -> None:
    """128 * 128 and its sign."""
    assert fit_requantizer("file", layers(target_of(), 0.01), target_of())[2] == 16
    assert only_width(replace(product(0.01), zero_points=(-128, -128))) == 17
    assert fit_requantizer("file", [], target_of()) == (10, (), 16)


def test_what_has_no_parameters_is_named() -> None:
    """Of two jobs on a core with 4 fractional bits, the one whose scale is no power of two."""
    target = target_of(core=True)
    text = (
        "file: the output scale of operator 1 (MUL) cannot be met exactly by the requantizer; the ratio of "
    )
    text += "its scales is out of range of the 4 fractional bits of the board's one core."
    found = layers(target, 0.01, 0.02)
    low = replace(target, core=replace(target.core, mantissa_fraction=4))
    assert fit_requantizer("file", layers(low, 0.5**8), low)[0] == 4
    mixed = [layers(low, 0.5**8)[0], found[1]]
    with pytest.raises(ModelError, match=re.escape(text)):
        fit_requantizer("file", mixed, low)


def test_tables_of_a_core_have_its_shift() -> None:
    sums = [add(single((0.11, 0.07, 0.13)), (3, -20, 9)), add(single((0.2, 0.3, 0.4)), (0, 0, 0))]
    target = target_of(core=True)
    shift, pairs = fit_all_tables("file", sums, target)
    assert shift == target.core.vector_shift
    assert {pair.shift for pair in pairs} == {shift}
    assert fit_all_tables("file", sums, target_of())[0] < shift
    assert fit_all_tables("file", [], target) == (0, ())


@pytest.mark.parametrize("core", [False, True])
def test_a_sum_without_tables_is_split(core: bool) -> None:
    """The schedule has maps of its own then, and the outputs are exact."""
    scales, zeros = UNFITTING[0]
    primitive = add(single(scales), zeros)
    with pytest.raises(ModelError, match=r"operator 0 \(ADD\) cannot be met exactly by the table"):
        fit_all_tables("file", [primitive], target_of(core=True))
    network = alone(primitive, shapes=dict.fromkeys(range(3), (1, 1, 8)))
    planned = agree(network, target_of(core=core))
    assert len(planned.layers[0].jobs) >= 3
    assert set(schedule(network, target_of(core=core)).placements) > {0, 1, 2}
