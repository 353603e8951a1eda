"""ADD, AVERAGE_POOL_2D and RESHAPE against the interpreters."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.ops.agree import NONE, RELU, RELU6, SAME, VALID, RandomModel, assert_exact

# shape, activation, ratio of the operands' scales
ADDS = [
    ((1, 5, 6, 7), NONE, 1.0),
    ((1, 5, 6, 7), RELU, 0.3),
    ((1, 16, 16, 8), NONE, 30.0),
    ((1, 200), RELU6, 1.7),
    ((1, 7, 9), NONE, 0.01),
]
# input (height, width, channels), kernel, stride, padding, activation
POOLS = [
    ((4, 6, 5), (2, 2), (2, 2), VALID, NONE),
    ((25, 5, 64), (25, 5), (25, 5), VALID, NONE),
    ((7, 7, 3), (3, 2), (2, 1), VALID, RELU),
    ((8, 8, 3), (2, 2), (2, 2), SAME, RELU6),
    ((6, 6, 3), (1, 1), (1, 1), SAME, NONE),
]


@pytest.mark.parametrize("seed", [1, 2])
def test_add(seed: int, tmp_path: Path) -> None:
    model = RandomModel(seed)
    for shape, activation, ratio in ADDS:
        scale = model.scale()
        first = model.input(shape, scale=scale)
        second = model.input(shape, scale=float(np.float32(scale * ratio)))
        ofm = model.activation(
            shape, scale=float(np.float32(scale * max(ratio, 1) * model.random.uniform(0.7, 2)))
        )
        model.operator("ADD", [first, second], [ofm], FusedActivationFunction=activation)
        model.sink(ofm)
    twice = model.input((1, 3, 3, 2))
    double = model.activation((1, 3, 3, 2))
    model.operator("ADD", [twice, twice], [double])
    model.sink(double)
    assert_exact(model, tmp_path)


def test_average_pool(tmp_path: Path) -> None:
    model = RandomModel(1)
    for (height, width, channels), kernel, stride, padding, activation in POOLS:
        scale, zero = model.scale(), model.zero()
        ifm = model.input((1, height, width, channels), scale=scale, zero_point=zero)
        rows, columns = ((s - k) // d + 1 for s, k, d in zip((height, width), kernel, stride, strict=True))
        ofm = model.activation((1, rows, columns, channels), scale=scale, zero_point=zero)
        model.operator(
            "AVERAGE_POOL_2D",
            [ifm],
            [ofm],
            Padding=padding,
            FilterHeight=kernel[0],
            FilterWidth=kernel[1],
            StrideH=stride[0],
            StrideW=stride[1],
            FusedActivationFunction=activation,
        )
        model.sink(ofm)
    assert_exact(model, tmp_path)


def test_reshape(tmp_path: Path) -> None:
    model = RandomModel(1)
    for before, after in (((1, 3, 4, 5), (1, 60)), ((1, 60), (1, 5, 4, 3)), ((1, 2, 3), (6,))):
        scale, zero = model.scale(), model.zero()
        ifm = model.input(before, scale=scale, zero_point=zero)
        ofm = model.activation(after, scale=scale, zero_point=zero)
        shape = model.tensor((len(after),), data=np.array(after, np.int32))
        model.operator("RESHAPE", [ifm, shape], [ofm], NewShape=after)
        model.sink(ofm)
    assert_exact(model, tmp_path)
