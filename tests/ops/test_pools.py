"""AVERAGE_POOL_2D and MAX_POOL_2D with partial windows and batches, against the interpreters."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.ops.agree import NONE, RELU, RELU6, RELU_N1_TO_1, SAME, VALID, RandomModel, assert_exact
from tests.ops.test_grouped_convolutions import batched_input
from tfl2hw.errors import ModelError
from tfl2hw.frontend import load
from tfl2hw.ir.primitives import Depthwise
from tfl2hw.ops.shapes import window
from tfl2hw.passes import lower

# input shape, kernel, stride, padding, activation
POOLS = [
    ((1, 4, 6, 5), (2, 2), (2, 2), VALID, NONE),
    ((1, 7, 7, 3), (3, 3), (1, 1), SAME, NONE),
    ((1, 7, 6, 9), (3, 2), (2, 1), SAME, RELU),
    ((1, 5, 9, 1), (2, 4), (2, 3), SAME, RELU6),
    ((1, 8, 8, 17), (5, 5), (3, 3), SAME, RELU_N1_TO_1),
    ((1, 3, 4, 2), (7, 9), (1, 2), SAME, NONE),
    ((1, 6, 5, 4), (2, 2), (4, 3), SAME, NONE),
    ((2, 5, 5, 3), (3, 3), (2, 2), SAME, NONE),
    ((3, 4, 4, 2), (2, 2), (1, 1), VALID, RELU),
]


def add_pool(model: RandomModel, name: str, case: tuple) -> None:
    shape, kernel, stride, padding, activation = case
    ifm = batched_input(model, shape)
    scheme = "SAME" if padding == SAME else "VALID"
    rows, columns = window(shape[1:3], kernel, stride, (1, 1), scheme).output
    source = model.tensors[ifm]
    ofm = model.activation(
        (shape[0], rows, columns, shape[3]), scale=source.scales[0], zero_point=source.zero_points[0]
    )
    model.operator(
        name,
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


def built(name: str, case: tuple, folder: Path) -> Path:
    model, path = RandomModel(1), folder / "model.tflite"
    add_pool(model, name, case)
    path.write_bytes(model.finish(model.inputs, model.outputs))
    return path


@pytest.mark.parametrize("name", ["AVERAGE_POOL_2D", "MAX_POOL_2D"])
@pytest.mark.parametrize("seed", [1, 2])
def test_exact(name: str, seed: int, tmp_path: Path) -> None:
    model = RandomModel(seed)
    for case in POOLS:
        add_pool(model, name, case)
    assert_exact(model, tmp_path)


def test_rectangles_of_one_divisor(tmp_path: Path) -> None:
    path = built("AVERAGE_POOL_2D", POOLS[1], tmp_path)
    made = [p for p in lower(load(path), "litert-ref").primitives if isinstance(p, Depthwise)]
    assert [p.rescale.count for p in made] == [4, 6, 4, 6, 9, 6, 4, 6, 4]
    assert [p.padding for p in made[3:6]] == [(0, 1), (0, 0), (0, -5)]
    assert [(p.region.row, p.region.column) for p in made[:3]] == [(0, 0), (0, 1), (0, 6)]
    assert sum(p.output_shape[0] * p.output_shape[1] for p in made) == 49


@pytest.mark.parametrize(
    ("name", "case", "words"),
    [
        (
            "AVERAGE_POOL_2D",
            ((1, 40, 40, 1), (40, 40), (1, 1), SAME, NONE),
            "windows of up to 1600 cells, 40 x 40 rectangles; accepted: windows have",
        ),
        ("AVERAGE_POOL_2D", ((1, 4, 4, 1), (4096, 1), (1, 1), SAME, NONE), "a kernel (4096, 1)"),
        ("MAX_POOL_2D", ((1, 4, 4, 1), (2, 2), (1, 0), SAME, NONE), "stride (1, 0)"),
    ],
)
def test_refused(name: str, case: tuple, words: str, tmp_path: Path) -> None:
    model, path = RandomModel(1), tmp_path / "model.tflite"
    shape, kernel, stride, padding, activation = case
    add_pool(model, name, (shape, kernel, (1, 1), padding, activation))
    model.operators[-1].options.update(StrideH=stride[0], StrideW=stride[1])
    path.write_bytes(model.finish(model.inputs, model.outputs))
    with pytest.raises(ModelError) as caught:
        lower(load(path), "litert-ref")
    assert words in str(caught.value)


@pytest.mark.parametrize("name", ["AVERAGE_POOL_2D", "MAX_POOL_2D"])
def test_activation_behind_is_fused(name: str, tmp_path: Path) -> None:
    model = RandomModel(3)
    add_pool(model, name, (*POOLS[2][:4], NONE))
    before = model.tensors[model.outputs[0]]
    ofm = model.activation(before.shape, scale=before.scales[0], zero_point=before.zero_points[0])
    model.operator("RELU", [model.outputs.pop()], [ofm])
    model.sink(ofm)
    assert_exact(model, tmp_path)
    assert all(isinstance(p, Depthwise) for p in lower(load(tmp_path / "model.tflite"), "tflm").primitives)
