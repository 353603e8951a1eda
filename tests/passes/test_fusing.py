"""PAD and standalone activations go into their neighbours where that is exact, and stay otherwise."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.ops.agree import RELU, SAME, VALID, RandomModel, assert_exact, full_range
from tfl2hw.errors import ModelError
from tfl2hw.frontend import load
from tfl2hw.ir.primitives import Convolution
from tfl2hw.ops import NUMERICS
from tfl2hw.passes import evaluate, evaluate_network, lower, review
from tfl2hw.sim.oracle import interpret


def add_conv(model: RandomModel, ifm: int, rows: int, columns: int, **options: int) -> int:
    channels = model.tensors[ifm].shape[3]
    weights = model.weights((4, 3, 3, channels), 0)
    ofm = model.activation((1, rows, columns, 4), scale=model.output_scale(ifm, weights, 9 * channels))
    options = {"Padding": VALID, **options}
    model.operator("CONV_2D", [ifm, weights, model.bias(ifm, weights, 4)], [ofm], **options)
    return ofm


def add_pad(model: RandomModel, ifm: int, cells: list[list[int]], **fields: object) -> int:
    source = model.tensors[ifm]
    shape = tuple(size + sum(pair) for size, pair in zip(source.shape, cells, strict=True))
    scales = {"scale": source.scales[0], "zero_point": source.zero_points[0]}
    ofm = model.activation(shape, **{**scales, **fields})
    model.operator("PAD", [ifm, model.tensor((4, 2), data=np.array(cells, np.int32))], [ofm])
    return ofm


def add_activation(model: RandomModel, name: str, ifm: int, **fields: object) -> int:
    source = model.tensors[ifm]
    same = {"scale": source.scales[0], "zero_point": source.zero_points[0]}
    ofm = model.activation(source.shape, **{**same, **fields})
    model.operator(name, [ifm], [ofm])
    return ofm


def written(model: RandomModel, folder: Path) -> Path:
    path = folder / "model.tflite"
    path.write_bytes(model.finish(model.inputs, model.outputs))
    return path


@pytest.mark.parametrize("activation", ["RELU", "RELU6", "RELU_N1_TO_1"])
@pytest.mark.parametrize("seed", [1, 2])
def test_pad_conv_activation_is_one_convolution(activation: str, seed: int, tmp_path: Path) -> None:
    model = RandomModel(seed)
    ifm = model.input((1, 7, 6, 3))
    padded = add_pad(model, ifm, [[0, 0], [1, 2], [2, 0], [0, 0]])
    ofm = add_activation(model, activation, add_conv(model, padded, 4, 3, StrideH=2, StrideW=2))
    model.sink(ofm)
    path = written(model, tmp_path)
    graph = load(path)
    values = full_range(model.random, (1, 7, 6, 3))
    assert [verdict.accepted for verdict in review(graph)] == [True, True, True]
    for numerics in NUMERICS if activation != "RELU_N1_TO_1" else NUMERICS[:1]:  # TFLM has no such operator
        network = lower(graph, numerics)
        (primitive,) = network.primitives
        assert isinstance(primitive, Convolution)
        assert primitive.padding == (1, 2)
        expected = interpret(path, [[values]], numerics)[0]
        reference = evaluate(graph, numerics, [values])
        assert set(reference) == {ifm, ofm}
        np.testing.assert_array_equal(reference[ofm], expected[ofm])
        np.testing.assert_array_equal(evaluate_network(network, [values])[ofm], expected[ofm][0])


def refused(model: RandomModel, folder: Path, name: str) -> None:
    graph = load(written(model, folder))
    with pytest.raises(ModelError, match=rf"\({name}\): the operator is not supported"):
        lower(graph, "litert-ref")
    assert [v.operator.op for v in review(graph) if not v.accepted] == [name]


def stays(model: RandomModel, folder: Path) -> None:
    """PAD is lowered on its own, and right."""
    assert_exact(model, folder)
    primitives = lower(load(folder / "model.tflite"), "litert-ref").primitives
    assert {primitive.op for primitive in primitives} > {"PAD"}


@pytest.mark.parametrize("cells", [[[0, 0], [1, 1], [1, 1], [0, 1]], [[0, 0], [1, 1], [1, 1], [1, 0]]])
def test_pad_of_channels_stays(cells: list[list[int]], tmp_path: Path) -> None:
    model = RandomModel(1)
    model.sink(add_conv(model, add_pad(model, model.input((1, 5, 5, 3)), cells), 5, 5))
    stays(model, tmp_path)


def test_pad_before_same_padding_stays(tmp_path: Path) -> None:
    model = RandomModel(1)
    padded = add_pad(model, model.input((1, 5, 5, 3)), [[0, 0], [1, 1], [1, 1], [0, 0]])
    model.sink(add_conv(model, padded, 7, 7, Padding=SAME))
    stays(model, tmp_path)


def test_pad_read_twice_stays(tmp_path: Path) -> None:
    model = RandomModel(1)
    padded = add_pad(model, model.input((1, 5, 5, 3)), [[0, 0], [1, 1], [1, 1], [0, 0]])
    model.sink(add_conv(model, padded, 5, 5), add_conv(model, padded, 5, 5))
    stays(model, tmp_path)


def test_pad_before_a_pool_stays(tmp_path: Path) -> None:
    model = RandomModel(1)
    padded = add_pad(model, model.input((1, 5, 5, 3)), [[0, 0], [1, 1], [1, 0], [0, 0]])
    source = model.tensors[padded]
    ofm = model.activation((1, 3, 3, 3), scale=source.scales[0], zero_point=source.zero_points[0])
    window = {"FilterHeight": 3, "FilterWidth": 2, "StrideH": 2, "StrideW": 2, "Padding": VALID}
    model.operator("AVERAGE_POOL_2D", [padded], [ofm], **window)
    model.sink(ofm)
    stays(model, tmp_path)


def kept(model: RandomModel, folder: Path, name: str) -> None:
    primitives = lower(load(written(model, folder)), "litert-ref").primitives
    assert [primitive.op for primitive in primitives] == ["CONV_2D", name]


@pytest.mark.parametrize("operator", ["ADD", "SUB", "MUL"])
@pytest.mark.parametrize("activation", ["RELU", "RELU6", "RELU_N1_TO_1", "RELU_0_TO_1"])
def test_elementwise_operator_and_activation_are_one(operator: str, activation: str, tmp_path: Path) -> None:
    model = RandomModel(1)
    inputs, result = [model.input((1, 9, 9, 5)) for _ in range(2)], model.activation((1, 9, 9, 5))
    model.operator(operator, inputs, [result])
    ofm = add_activation(model, activation, result)
    model.sink(ofm)
    path = written(model, tmp_path)
    values = [full_range(model.random, (1, 9, 9, 5)) for _ in range(2)]
    for numerics in NUMERICS if activation in ("RELU", "RELU6") else NUMERICS[:1]:
        network = lower(load(path), numerics)
        assert len(network.primitives) == 1
        expected = interpret(path, [values], numerics)[0][ofm]
        np.testing.assert_array_equal(evaluate_network(network, values)[ofm], expected[0])


def test_activation_with_another_scale_stays(tmp_path: Path) -> None:
    model = RandomModel(1)
    model.sink(add_activation(model, "RELU", add_conv(model, model.input((1, 5, 5, 3)), 3, 3), scale=0.5))
    kept(model, tmp_path, "RELU")


def test_activation_after_a_fused_one_stays(tmp_path: Path) -> None:
    model = RandomModel(1)
    conv = add_conv(model, model.input((1, 5, 5, 3)), 3, 3, FusedActivationFunction=RELU)
    model.sink(add_activation(model, "RELU6", conv))
    kept(model, tmp_path, "RELU6")


def test_activation_of_an_output_stays(tmp_path: Path) -> None:
    model = RandomModel(1)
    conv = add_conv(model, model.input((1, 5, 5, 3)), 3, 3)
    model.sink(conv, add_activation(model, "RELU", conv))
    kept(model, tmp_path, "RELU")
