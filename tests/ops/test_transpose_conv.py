"""TRANSPOSE_CONV against the interpreters."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.ops.agree import NONE, RELU, RELU6, SAME, VALID, RandomModel, assert_exact
from tests.ops.test_grouped_convolutions import batched_input
from tfl2hw.errors import ModelError
from tfl2hw.frontend import load
from tfl2hw.ir.primitives import Convolution
from tfl2hw.ops.transpose_conv import phases
from tfl2hw.passes import lower

# input shape, kernel, filters, stride, padding, output size (None: the usual one), bias, per channel
CASES = [
    ((1, 4, 5, 3), (3, 3), 4, (2, 2), SAME, None, True, True),
    ((1, 4, 5, 3), (3, 3), 5, (2, 2), VALID, None, True, True),
    ((1, 3, 3, 5), (2, 2), 3, (2, 2), SAME, None, False, True),
    ((1, 5, 4, 2), (4, 4), 1, (2, 2), SAME, None, True, False),
    ((1, 3, 4, 1), (2, 1), 9, (3, 4), VALID, None, True, True),
    ((1, 4, 3, 17), (3, 5), 2, (1, 1), SAME, None, True, True),
    ((1, 3, 3, 2), (5, 4), 3, (3, 2), SAME, (7, 5), True, True),
    ((1, 4, 4, 2), (5, 5), 3, (4, 4), SAME, (13, 15), True, True),
    ((1, 3, 3, 2), (3, 3), 2, (2, 2), VALID, (7, 8), False, True),
    ((2, 3, 2, 3), (3, 3), 4, (2, 1), SAME, None, True, True),
]


def add_transpose(model: RandomModel, case: tuple, activation: int = NONE) -> None:
    shape, kernel, filters, stride, padding, size, bias, per_channel = case
    ifm = batched_input(model, shape)
    if size is None:
        more = [0, 0] if padding == SAME else [max(k - s, 0) for k, s in zip(kernel, stride, strict=True)]
        size = [n * s + m for n, s, m in zip(shape[1:3], stride, more, strict=True)]
    made = (shape[0], *size, filters)
    weights = model.weights((filters, *kernel, shape[3]), 0 if per_channel else None)
    scale = model.output_scale(ifm, weights, shape[3] * max(kernel[0] * kernel[1] // 4, 1))
    ofm = model.activation(made, scale=scale)
    stated = model.tensor((4,), data=np.array(made, np.int32))
    inputs = [stated, weights, ifm, *([model.bias(ifm, weights, filters)] if bias else [])]
    model.operator(
        "TRANSPOSE_CONV",
        inputs,
        [ofm],
        Padding=padding,
        StrideH=stride[0],
        StrideW=stride[1],
        FusedActivationFunction=activation,
    )
    model.sink(ofm)


@pytest.mark.parametrize("seed", [1, 2])
def test_exact(seed: int, tmp_path: Path) -> None:
    model = RandomModel(seed)
    for case in CASES:
        add_transpose(model, case)
    assert_exact(model, tmp_path)


def test_fused_activations(tmp_path: Path) -> None:
    model = RandomModel(4)
    for activation in (RELU, RELU6):
        add_transpose(model, CASES[0], activation)
        add_transpose(model, CASES[1], activation)
    assert_exact(model, tmp_path)


def test_phases_meet_every_tap_once() -> None:
    for kernel, stride, pad in ((3, 2, 0), (3, 2, 1), (5, 3, 2), (2, 4, 0), (5, 4, 2)):
        made = phases(30, kernel, stride, pad)
        assert sorted(tap for phase in made for tap in phase.taps) == list(range(kernel))
        assert sum(phase.length for phase in made) == 30


@pytest.mark.parametrize(
    ("case", "words"),
    [
        (
            ((1, 2, 2, 1), (3, 3), 1, (2, 2), SAME, (5, 4), True, True),
            "an IFM (2, 2) where such a convolution",
        ),
        (((1, 2, 2, 1), (1, 1), 1, (20, 20), VALID, (40, 40), True, True), "stride (20, 20)"),
        (((1, 2, 2, 1), (1, 1), 1, (1, 0), VALID, (2, 2), True, True), "stride (1, 0)"),
    ],
)
def test_refused(case: tuple, words: str, tmp_path: Path) -> None:
    refused(case, words, tmp_path)


def test_other_shape_and_weights_are_refused(tmp_path: Path) -> None:
    case = ((1, 2, 2, 3), (1, 1), 1, (1, 1), VALID, (2, 2), True, True)
    refused(case, "an output shape (1, 2, 2, 2) with weights (1, 1, 1, 3)", tmp_path, np.array([1, 2, 2, 2]))
    refused(case, "an output shape of float32, constant", tmp_path, np.ones(4, np.float32))
    refused(
        case,
        "is recorded as (1, 2, 2, 1) where the operator makes (1, 3, 2, 1)",
        tmp_path,
        np.array([1, 3, 2, 1]),
    )


def refused(case: tuple, words: str, folder: Path, stated: np.ndarray | None = None) -> None:
    model, path = RandomModel(1), folder / "model.tflite"
    add_transpose(model, case)
    if stated is not None:
        values = stated if stated.dtype == np.float32 else stated.astype(np.int32)
        operator = model.operators[-1]
        model.operators[-1] = type(operator)(
            operator.name,
            (model.tensor((4,), data=values), *operator.inputs[1:]),
            operator.outputs,
            operator.options,
        )
    path.write_bytes(model.finish(model.inputs, model.outputs))
    with pytest.raises(ModelError) as caught:
        lower(load(path), "litert-ref")
    assert words in str(caught.value)


def test_activation_behind_is_fused(tmp_path: Path) -> None:
    model = RandomModel(5)
    add_transpose(model, CASES[0])
    before = model.tensors[model.outputs[0]]
    ofm = model.activation(before.shape, scale=before.scales[0], zero_point=before.zero_points[0])
    model.operator("RELU", [model.outputs.pop()], [ofm])
    model.sink(ofm)
    assert_exact(model, tmp_path)
    made = lower(load(tmp_path / "model.tflite"), "tflm").primitives
    assert [type(primitive) for primitive in made] == [Convolution] * 4
