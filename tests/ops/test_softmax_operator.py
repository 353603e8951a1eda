"""SOFTMAX against the interpreters, over depths, scales and betas."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.ops.agree import RandomModel, assert_exact
from tfl2hw.ops.exponential import exp_of_negative, one_over_one_plus

CASES = [
    ((1, 2), 0.1, 1.0),
    ((1, 12), 0.17, 1.0),
    ((1, 1000), 0.02, 1.0),
    ((1, 4095), 0.1, 1.0),
    ((1, 7000), 0.8, 1.0),
    ((1, 10), 2.5, 1.0),
    ((1, 10), 0.05, 3.0),
    ((1, 3, 4, 5), 0.3, 1.0),
    ((1, 1), 0.3, 1.0),
    ((1, 7), 40.0, 1.0),
    ((1, 7), 3.0e-7, 0.5),
]


@pytest.mark.parametrize("seed", [1, 2])
def test_exact(seed: int, tmp_path: Path) -> None:
    model = RandomModel(seed)
    for shape, scale, beta in CASES:
        ifm = model.input(shape, scale=float(np.float32(scale * model.random.uniform(0.9, 1.1))))
        ofm = model.tensor(shape, scale=1 / 256, zero_point=-128)
        model.operator("SOFTMAX", [ifm], [ofm], Beta=beta)
        model.sink(ofm)
    assert_exact(model, tmp_path)


def test_exponential_is_near() -> None:
    value = -np.linspace(0, 31 * (1 << 26), 5000).astype(np.int64)
    np.testing.assert_allclose(exp_of_negative(value) / 2**31, np.exp(value / 2**26), atol=3e-7)


def test_reciprocal_is_near() -> None:
    value = np.linspace(0, 2**31 - 1, 5000).astype(np.int64)
    np.testing.assert_allclose(one_over_one_plus(value) / 2**31, 1 / (1 + value / 2**31), atol=1e-8)
