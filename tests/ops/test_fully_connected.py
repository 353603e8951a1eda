"""FULLY_CONNECTED against the interpreters: the operator in which the two numerics differ."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.ops.agree import NONE, RELU, RELU6, RandomModel, assert_exact
from tfl2hw.frontend import load
from tfl2hw.ir.primitives import Convolution, Reshape
from tfl2hw.passes import evaluate, lower

# input shape, outputs, output shape, activation, bias, per channel, keep dimensions
CASES = [
    ((1, 64), 12, (1, 12), NONE, True, False, False),
    ((1, 37), 5, (1, 5), RELU, False, False, False),
    ((1, 100), 300, (1, 300), RELU6, True, True, False),
    ((1, 3, 2, 16), 7, (6, 7), NONE, True, False, False),
    ((1, 3, 2, 16), 7, (1, 7), NONE, True, False, False),
    ((1, 5, 16), 4, (1, 5, 4), NONE, True, False, True),
    ((1, 1), 3, (1, 3), NONE, True, False, False),
]


def build(seed: int, cases: list[tuple] = CASES) -> RandomModel:
    model = RandomModel(seed)
    for shape, outputs, made, activation, bias, per_channel, keep in cases:
        ifm = model.input(shape)
        depth = int(np.prod(shape)) * outputs // int(np.prod(made))
        weights = model.weights((outputs, depth), 0 if per_channel else None)
        inputs = [ifm, weights, model.bias(ifm, weights, outputs) if bias else -1]
        ofm = model.activation(made, scale=model.output_scale(ifm, weights, depth))
        model.operator("FULLY_CONNECTED", inputs, [ofm], FusedActivationFunction=activation, KeepNumDims=keep)
        model.sink(ofm)
    return model


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_exact(seed: int, tmp_path: Path) -> None:
    assert_exact(build(seed), tmp_path)


def test_constant_rows(tmp_path: Path) -> None:
    """The first step of an unrolled LSTM multiplies its state, zeros, with the weights."""
    model = RandomModel(3)
    for shape, made in (((1, 16), (1, 7)), ((1, 2, 8), (1, 7))):
        rows = model.activation(shape, data=model.random.integers(-128, 128, shape).astype(np.int8))
        weights = model.weights((7, 16), None)
        ofm = model.activation(made, scale=model.output_scale(rows, weights, 16))
        model.operator("FULLY_CONNECTED", [rows, weights, model.bias(rows, weights, 7)], [ofm])
        scale = model.tensors[ofm].scales[0]
        total = model.activation(made, scale=scale)
        model.operator("ADD", [ofm, model.input(made, scale=scale)], [total])
        model.sink(total)
    assert_exact(model, tmp_path)


def test_ties(tmp_path: Path) -> None:
    """Scales that are powers of two: many sums lie half way between two bytes, on either side of zero."""
    model = RandomModel(7)
    for per_channel in (False, True):
        ifm = model.input((1, 30), scale=0.0625)
        values = model.random.integers(-128, 128, (1500, 30)).astype(np.int8)
        scales = [0.03125] * (1500 if per_channel else 1)
        weights = model.tensor((1500, 30), scale=scales, data=values)
        bias = model.tensor((1500,), data=model.random.integers(-9000, 9000, 1500).astype(np.int32))
        for inputs in ([ifm, weights], [ifm, weights, bias]):
            ofm = model.activation((1, 1500), scale=1.0, zero_point=7)
            model.operator("FULLY_CONNECTED", inputs, [ofm])
            model.sink(ofm)
    assert_exact(model, tmp_path)


def test_numerics_differ(tmp_path: Path) -> None:
    """One rounding or two: with enough outputs some byte differs."""
    model = build(5, [((1, 20), 4000, (1, 4000), NONE, True, False, False)])
    path = tmp_path / "model.tflite"
    path.write_bytes(model.finish(model.inputs, model.outputs))
    values = [model.random.integers(-128, 128, (1, 20)).astype(np.int8)]
    graph = load(path)
    once, twice = (evaluate(graph, name, values)[graph.outputs[0]] for name in ("litert-ref", "tflm"))
    difference = np.abs(once.astype(int) - twice.astype(int))
    assert difference.max() <= 1


def test_rows_of_another_length_are_reshaped(tmp_path: Path) -> None:
    model = build(1, [CASES[4]])
    path = tmp_path / "model.tflite"
    path.write_bytes(model.finish(model.inputs, model.outputs))
    network = lower(load(path), "litert-ref")
    assert [type(primitive) for primitive in network.primitives] == [Reshape, Convolution]
    assert network.primitives[1].input_shape == (1, 1, 96)
    assert network.primitives[1].input >= len(model.tensors)
