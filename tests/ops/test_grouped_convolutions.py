"""Grouped convolutions, several filters a channel, and batches, against the interpreters."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.ops.agree import NONE, RELU, RELU6, SAME, VALID, RandomModel, assert_exact
from tfl2hw.frontend import load
from tfl2hw.ir.primitives import Convolution, Depthwise
from tfl2hw.ops.shapes import window
from tfl2hw.passes import lower

# batch, input (height, width, channels), kernel, filters, groups, stride, dilation, padding, activation
GROUPED = [
    (1, (6, 7, 6), (3, 3), 4, 2, (1, 1), (1, 1), SAME, NONE),
    (1, (5, 4, 9), (1, 1), 9, 3, (1, 1), (1, 1), VALID, RELU),
    (1, (7, 6, 5), (3, 2), 10, 5, (2, 1), (1, 1), SAME, RELU6),
    (2, (5, 5, 4), (3, 3), 6, 1, (2, 2), (1, 1), SAME, NONE),
    (3, (4, 6, 6), (2, 3), 4, 2, (1, 1), (1, 2), VALID, NONE),
    (1, (9, 9, 1), (9, 9), 3, 1, (1, 1), (1, 1), VALID, NONE),
    (4, (3, 3, 17), (1, 1), 5, 1, (1, 1), (1, 1), SAME, NONE),
]
MULTIPLIED = [
    (1, (6, 7, 3), (3, 3), 6, 3, (1, 1), (1, 1), SAME, NONE),
    (1, (6, 5, 5), (3, 2), 15, 5, (2, 2), (1, 1), VALID, RELU),
    (2, (5, 5, 4), (3, 3), 4, 4, (1, 1), (1, 1), SAME, RELU6),
    (3, (6, 4, 2), (2, 2), 8, 2, (2, 1), (1, 1), VALID, NONE),
    (2, (7, 7, 1), (5, 5), 3, 1, (1, 1), (1, 1), SAME, NONE),
    (1, (9, 9, 3), (3, 3), 6, 3, (1, 1), (2, 3), SAME, NONE),
]


def batched_input(model: RandomModel, shape: tuple[int, ...]) -> int:
    """An activation whose first axis may be above 1, which a model's inputs may not have."""
    if shape[0] == 1:
        return model.input(shape)
    scale, zero = model.scale(), model.zero()
    flat = model.input((1, int(np.prod(shape[:-1])), shape[-1]), scale=scale, zero_point=zero)
    ifm = model.activation(shape, scale=scale, zero_point=zero)
    new = model.tensor((len(shape),), data=np.array(shape, np.int32))
    model.operator("RESHAPE", [flat, new], [ifm], NewShape=shape)
    return ifm


def build(seed: int, depthwise: bool, cases: list[tuple]) -> RandomModel:
    model = RandomModel(seed)
    for batch, (height, width, channels), kernel, filters, groups, stride, dilation, padding, act in cases:
        ifm = batched_input(model, (batch, height, width, channels))
        inputs = channels // groups
        shape = (1, *kernel, filters) if depthwise else (filters, *kernel, inputs)
        weights = model.weights(shape, 3 if depthwise else 0)
        scheme = "SAME" if padding == SAME else "VALID"
        rows, columns = window((height, width), kernel, stride, dilation, scheme).output
        scale = model.output_scale(ifm, weights, kernel[0] * kernel[1] * inputs)
        ofm = model.activation((batch, rows, columns, filters), scale=scale)
        fields = {"DepthMultiplier": filters // channels} if depthwise else {}
        model.operator(
            "DEPTHWISE_CONV_2D" if depthwise else "CONV_2D",
            [ifm, weights, model.bias(ifm, weights, filters)],
            [ofm],
            Padding=padding,
            StrideH=stride[0],
            StrideW=stride[1],
            DilationHFactor=dilation[0],
            DilationWFactor=dilation[1],
            FusedActivationFunction=act,
            **fields,
        )
        model.sink(ofm)
    return model


@pytest.mark.parametrize("seed", [1, 2])
def test_groups_and_batches(seed: int, tmp_path: Path) -> None:
    assert_exact(build(seed, False, GROUPED), tmp_path)


@pytest.mark.parametrize("seed", [1, 2])
def test_several_filters_a_channel(seed: int, tmp_path: Path) -> None:
    assert_exact(build(seed, True, MULTIPLIED), tmp_path)


def test_one_primitive_a_map(tmp_path: Path) -> None:
    path = tmp_path / "model.tflite"
    model = build(1, True, [MULTIPLIED[3], MULTIPLIED[2]])
    path.write_bytes(model.finish(model.inputs, model.outputs))
    made = [p for p in lower(load(path), "tflm").primitives if isinstance(p, Convolution | Depthwise)]
    assert [type(p) for p in made] == [Convolution] * 3 + [Depthwise] * 2
    assert [(p.input_row, p.region.row) for p in made] == [(0, 0), (6, 3), (12, 6), (0, 0), (5, 5)]
    assert [p.groups for p in made if isinstance(p, Convolution)] == [2, 2, 2]
