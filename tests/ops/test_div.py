"""DIV by and of one constant, against the interpreters."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.ops.agree import NONE, RELU, RELU6, RandomModel, assert_agreement
from tfl2hw.errors import ModelError
from tfl2hw.frontend import load
from tfl2hw.passes import lower


def divide(model: RandomModel, constant: int, value: int) -> None:
    """A division of every byte but the divisor 0 by ``value``, or of ``value`` by it (constant 1, 0)."""
    data = np.array(value, np.int8)
    fields = {"scale": model.scale(0.005, 0.05)}
    single = model.tensor((), data=data, zero_point=-128, **fields)
    zero = -128 if constant == 0 else model.zero()
    ifm = model.input((1, 3, 5, 17), zero_point=zero, **fields)
    pair = [single, ifm] if constant == 0 else [ifm, single]
    steps = 1 / (value + 128) if constant == 1 and value > -128 else (value + 128) / 255
    scale = float(np.float32(max(steps, 0.01) * model.random.uniform(0.4, 0.9)))
    result = model.activation((1, 3, 5, 17), scale=scale)
    activation = (NONE, RELU, RELU6)[len(model.outputs) % 3]
    model.operator("DIV", pair, [result], FusedActivationFunction=activation)
    model.sink(result)


@pytest.mark.parametrize("constant", [0, 1])
def test_exact(constant: int, tmp_path: Path) -> None:
    model = RandomModel(constant)
    for value in (-127, -100, 0, 126, 127):
        divide(model, constant, value)
    path = tmp_path / "model.tflite"
    path.write_bytes(model.finish(model.inputs, model.outputs))
    least = -127 if constant == 0 else -128
    inputs = [model.random.integers(least, 128, (1, 3, 5, 17)).astype(np.int8) for _ in model.inputs]
    assert_agreement(path, [inputs])


def test_refused(tmp_path: Path) -> None:
    """A divisor 0, and two activations, with how to write the quotient instead."""
    model, path = RandomModel(1), tmp_path / "model.tflite"
    divide(model, 1, -128)
    path.write_bytes(model.finish(model.inputs, model.outputs))
    with pytest.raises(ModelError, match=r"tensor 0 '.*' is 0; accepted: one operand is one constant"):
        lower(load(path), "tflm")
    model = RandomModel(2)
    ofm = model.activation((1, 4))
    model.operator("DIV", [model.input((1, 4)), model.input((1, 4))], [ofm], FusedActivationFunction=NONE)
    path.write_bytes(model.finish(model.inputs, [ofm]))
    with pytest.raises(ModelError, match=r"is divided by .*accepted: one operand is one constant"):
        lower(load(path), "tflm")
