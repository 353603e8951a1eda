"""Inputs as arrays: what is taken as it is, what is quantised, what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from tfl2hw.errors import UsageError
from tfl2hw.ir.graph import Tensor
from tfl2hw.ir.quantisation import Quantisation
from tfl2hw.runtime.values import as_input

SCALED = Quantisation(scales=(0.5,), zero_points=(-3,))
TENSOR = Tensor(index=0, name="x", shape=(1, 2, 3), dtype="int8", quantisation=SCALED)


@pytest.mark.parametrize("shape", [(1, 2, 3), (2, 3), (6,)])
def test_the_tensors_own_type_is_taken_as_it_is(shape: tuple[int, ...]) -> None:
    values = np.array([-128, -1, 0, 1, 5, 127], np.int8)
    taken = as_input(values.reshape(shape), TENSOR, "x")
    assert taken.shape == TENSOR.shape
    assert taken.dtype == np.int8
    assert taken.reshape(-1).tolist() == values.tolist()


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_floats_are_quantised(dtype: type) -> None:
    reals = np.array([0, 0.25, -0.25, 0.24, 1000, -1000], dtype)
    assert as_input(reals, TENSOR, "x").reshape(-1).tolist() == [-3, -2, -4, -3, 127, -128]


def test_a_list_of_floats() -> None:
    assert as_input([[1.0, 2, 3], [4, 5, 6]], TENSOR, "x").tolist() == [[[-1, 1, 3], [5, 7, 9]]]


def test_float_tensors_take_floats_of_any_width() -> None:
    tensor = Tensor(index=0, name="x", shape=(2,), dtype="float32")
    taken = as_input(np.array([0.1, 0.2]), tensor, "x")
    assert taken.dtype == np.float32
    assert taken.tolist() == np.array([0.1, 0.2], np.float32).tolist()


@pytest.mark.parametrize(
    "values", [np.zeros(6, np.uint8), np.zeros(6, np.int32), np.zeros(5), np.zeros((3, 2))]
)
def test_refusals(values: np.ndarray) -> None:
    found = rf"^here: holds {values.dtype} of shape .*; input tensor 0 'x' takes int8, or floats of shape"
    with pytest.raises(UsageError, match=found):
        as_input(values, TENSOR, "here")
