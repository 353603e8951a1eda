"""The passes' door: what they refuse of a whole graph, and what stands in the network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.build_model import ModelBuilder
from tests.ops.agree import RandomModel
from tfl2hw.errors import ModelError, UsageError
from tfl2hw.frontend import load
from tfl2hw.ir.check import check_network
from tfl2hw.passes import LEGAL, evaluate, lower


@pytest.fixture
def small(tmp_path: Path) -> Path:
    model = RandomModel(1)
    ifm = model.input((1, 8))
    weights = model.weights((3, 8), None)
    ofm = model.activation((1, 3))
    model.operator("FULLY_CONNECTED", [ifm, weights, model.bias(ifm, weights, 3)], [ofm])
    path = tmp_path / "model.tflite"
    path.write_bytes(model.finish([ifm], [ofm]))
    return path


def test_zero_point_is_in_the_bias(small: Path) -> None:
    graph = load(small)
    (primitive,) = lower(graph, "tflm").primitives
    ifm, weights, bias = (graph.tensors[index] for index in graph.operators[0].inputs)
    zero = ifm.quantisation.zero_point
    expected = bias.data - zero * weights.data.astype(np.int64).sum(axis=1)
    np.testing.assert_array_equal(primitive.bias, expected)
    assert primitive.pad_value == zero


def test_shapes_are_maps(small: Path) -> None:
    network = lower(load(small), "tflm")
    assert network.shapes[network.inputs[0]] == (1, 1, 8)
    assert network.shapes[network.outputs[0]] == (1, 1, 3)
    assert network.numerics == "tflm"
    check_network(network)


def test_unknown_numerics(small: Path) -> None:
    with pytest.raises(UsageError, match="'xnnpack' are unknown; accepted: litert-ref, tflm"):
        lower(load(small), "xnnpack")


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ([], "has 1 inputs, 0 were given"),
        ([np.zeros((1, 7), np.int8)], r"takes int8 \(1, 8\); int8 \(1, 7\) was given"),
        ([np.zeros((1, 8), np.uint8)], "uint8"),
    ],
)
def test_inputs_that_do_not_fit(small: Path, inputs: list[np.ndarray], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        evaluate(load(small), "tflm", inputs)


def test_inputs_of_another_type_are_refused(tmp_path: Path) -> None:
    """A second input that no operator reads is still an input of the model."""
    model = ModelBuilder()
    first, second = model.tensor((1, 4), scale=0.1), model.tensor((1, 4), dtype="float32")
    out = model.tensor((1, 4), scale=1 / 256, zero_point=-128)
    model.operator("SOFTMAX", [first], [out])
    path = tmp_path / "model.tflite"
    path.write_bytes(model.finish([first, second], [out]))
    with pytest.raises(ModelError, match="is an input or output of type float32; accepted: int8"):
        lower(load(path), "tflm")


def test_passes_are_named() -> None:
    assert [name for name, _ in LEGAL] == [
        "static shapes",
        "index wraps",
        "edges",
        "float tables",
        "fuse pads",
        "fuse activations",
        "legalise",
    ]
