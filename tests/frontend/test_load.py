"""What the frontend reads of a good file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.build_model import ModelBuilder
from tfl2hw.frontend import load


def graph_of(model: ModelBuilder, folder: Path, inputs: list[int], outputs: list[int], **how: object):
    path = folder / "model.tflite"
    path.write_bytes(model.finish(inputs, outputs, **how))
    return load(path)


def test_kws(models_dir: Path) -> None:
    graph = load(models_dir / "kws_int8.tflite")
    assert graph.inputs == (0,)
    assert graph.outputs == (34,)
    assert [operator.op for operator in graph.operators][-4:] == [
        "AVERAGE_POOL_2D",
        "RESHAPE",
        "FULLY_CONNECTED",
        "SOFTMAX",
    ]
    first = graph.operators[0]
    assert dict(first.options) == {
        "padding": "SAME",
        "stride": (2, 2),
        "dilation": (1, 1),
        "activation": "RELU",
    }
    ifm, weights, bias = (graph.tensors[index] for index in first.inputs)
    assert (ifm.shape, ifm.dtype, ifm.quantisation.zero_point, ifm.is_constant) == (
        (1, 49, 10, 1),
        "int8",
        83,
        False,
    )
    assert (weights.shape, len(weights.quantisation.scales), weights.quantisation.axis) == (
        (64, 10, 4, 1),
        64,
        0,
    )
    assert weights.data.dtype == np.int8
    assert (bias.dtype, bias.data.shape) == ("int32", (64,))


@pytest.mark.parametrize("codes", ["both", "new", "old"])
def test_operator_codes_in_either_field(codes: str, tmp_path: Path) -> None:
    """The generated reader takes a PAD written in the new field alone for an ADD."""
    model = ModelBuilder()
    ifm, ofm = model.tensor((1, 2), scale=0.1), model.tensor((1, 4), scale=0.1)
    cells = model.tensor((2, 2), data=np.array([[0, 0], [1, 1]], np.int32))
    model.operator("PAD", [ifm, cells], [ofm])
    assert graph_of(model, tmp_path, [ifm], [ofm], codes=codes).operators[0].op == "PAD"


def test_dynamic_batch_is_one(tmp_path: Path) -> None:
    model = ModelBuilder()
    ifm = model.tensor((1, 4), scale=0.1, signature=(-1, 4))
    ofm = model.tensor((1, 4), scale=1 / 256, zero_point=-128, signature=(-1, 4))
    model.operator("SOFTMAX", [ifm], [ofm])
    assert graph_of(model, tmp_path, [ifm], [ofm]).tensors[ifm].shape == (1, 4)


def test_every_operator_of_the_schema_loads(tmp_path: Path) -> None:
    model = ModelBuilder()
    tensors = [model.tensor((1, 4), scale=0.1) for _ in range(4)]
    for name, source, result in zip(("LSTM", "GELU", "CUSTOM:mine"), tensors, tensors[1:], strict=False):
        model.operator(name, [source], [result])
    graph = graph_of(model, tmp_path, tensors[:1], tensors[-1:])
    assert [operator.op for operator in graph.operators] == ["LSTM", "GELU", "CUSTOM mine"]


def test_names_are_printable_and_short(tmp_path: Path) -> None:
    model = ModelBuilder()
    ifm = model.tensor((1, 4), scale=0.1, name="a\x1b[31m\nb" + "x" * 4000)
    ofm = model.tensor((1, 4), scale=1 / 256, zero_point=-128)
    model.operator("SOFTMAX", [ifm], [ofm])
    name = graph_of(model, tmp_path, [ifm], [ofm]).tensors[ifm].name
    assert name.startswith("a?[31m?bxxx")
    assert len(name) <= 120


def test_absent_optional_input(tmp_path: Path) -> None:
    model = ModelBuilder()
    ifm, ofm = model.tensor((1, 4), scale=0.1), model.tensor((1, 2), scale=0.1)
    weights = model.tensor((2, 4), scale=0.1, data=np.ones((2, 4), np.int8))
    model.operator("FULLY_CONNECTED", [ifm, weights, -1], [ofm])
    assert graph_of(model, tmp_path, [ifm], [ofm]).operators[0].inputs == (ifm, weights, -1)
