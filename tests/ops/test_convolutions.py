"""CONV_2D and DEPTHWISE_CONV_2D against the interpreters."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.ops.agree import NONE, RELU, RELU6, RELU_N1_TO_1, SAME, VALID, RandomModel, assert_exact
from tfl2hw.ops.shapes import window

# input (height, width, channels), kernel, outputs, stride, dilation, padding, activation, bias, per channel
CONVOLUTIONS = [
    ((6, 7, 5), (3, 3), 6, (1, 1), (1, 1), SAME, NONE, True, True),
    ((9, 4, 3), (1, 1), 9, (1, 1), (1, 1), VALID, RELU, True, True),
    ((9, 8, 2), (3, 2), 4, (2, 2), (1, 1), SAME, RELU6, True, True),
    ((9, 8, 2), (3, 2), 4, (2, 1), (1, 1), VALID, RELU_N1_TO_1, True, True),
    ((12, 5, 1), (10, 4), 7, (2, 2), (1, 1), SAME, RELU, True, True),
    ((8, 8, 4), (2, 3), 5, (3, 2), (1, 1), SAME, NONE, True, False),
    ((9, 9, 3), (3, 3), 4, (1, 1), (2, 2), SAME, NONE, True, True),
    ((9, 11, 3), (3, 3), 4, (1, 1), (2, 3), VALID, NONE, True, False),
    ((1, 1, 17), (1, 1), 3, (1, 1), (1, 1), SAME, NONE, True, True),
    ((3, 3, 2), (5, 5), 2, (1, 1), (1, 1), SAME, NONE, True, True),
]
DEPTHWISE = [
    ((6, 7, 5), (3, 3), 5, (1, 1), (1, 1), SAME, NONE, True, True),
    ((6, 7, 9), (3, 3), 9, (2, 2), (1, 1), SAME, RELU6, True, True),
    ((6, 7, 4), (3, 3), 4, (2, 2), (1, 1), VALID, RELU, False, True),
    ((9, 1, 8), (5, 1), 8, (1, 1), (1, 1), VALID, NONE, True, False),
    ((9, 9, 3), (3, 3), 3, (1, 1), (2, 2), SAME, NONE, True, True),
    ((10, 6, 1), (5, 4), 8, (2, 2), (1, 1), SAME, RELU, True, True),
    ((4, 4, 1), (3, 3), 1, (1, 1), (1, 1), SAME, NONE, True, True),
]


def add_convolution(model: RandomModel, name: str, case: tuple) -> int:
    """A random convolution of ``case`` in ``model``; the index of its output."""
    (height, width, channels), kernel, filters, stride, dilation, padding, activation, bias, per_channel = (
        case
    )
    depthwise = name == "DEPTHWISE_CONV_2D"
    ifm = model.input((1, height, width, channels))
    shape = (1, *kernel, filters) if depthwise else (filters, *kernel, channels)
    axis = 3 if depthwise else 0
    weights = model.weights(shape, axis if per_channel else None)
    inputs = [ifm, weights, model.bias(ifm, weights, filters)] if bias else [ifm, weights]
    scheme = "SAME" if padding == SAME else "VALID"
    rows, columns = window((height, width), kernel, stride, dilation, scheme).output
    taps = kernel[0] * kernel[1] * (1 if depthwise else channels)
    ofm = model.activation((1, rows, columns, filters), scale=model.output_scale(ifm, weights, taps))
    fields = {"DepthMultiplier": filters // channels} if depthwise else {}
    model.operator(
        name,
        inputs,
        [ofm],
        Padding=padding,
        StrideH=stride[0],
        StrideW=stride[1],
        DilationHFactor=dilation[0],
        DilationWFactor=dilation[1],
        FusedActivationFunction=activation,
        **fields,
    )
    model.sink(ofm)
    return ofm


@pytest.mark.parametrize(
    ("name", "cases"),
    [("CONV_2D", CONVOLUTIONS), ("DEPTHWISE_CONV_2D", DEPTHWISE)],
    ids=["dense", "depthwise"],
)
@pytest.mark.parametrize("seed", [1, 2])
def test_exact(name: str, cases: list[tuple], seed: int, tmp_path: Path) -> None:
    model = RandomModel(seed)
    for case in cases:
        add_convolution(model, name, case)
    assert_exact(model, tmp_path)


def test_dense_without_bias(tmp_path: Path) -> None:
    """LiteRT wants a bias of CONV_2D, TFLite Micro does not."""
    model = RandomModel(3)
    add_convolution(model, "CONV_2D", ((6, 7, 5), (3, 3), 6, (1, 1), (1, 1), SAME, NONE, False, True))
    assert_exact(model, tmp_path, ("tflm",))
