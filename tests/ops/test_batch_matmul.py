"""BATCH_MATMUL and FULLY_CONNECTED by an activation, against the interpreters."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.ops.agree import NONE, RELU, RandomModel, assert_agreement, assert_exact
from tests.ops.test_grouped_convolutions import batched_input
from tfl2hw.errors import ModelError
from tfl2hw.frontend import load
from tfl2hw.ir.primitives import Convolution, Copy, MatMul, Reshape
from tfl2hw.passes import evaluate, lower

# operands' shapes, whether each is transposed, which is a constant, with which zero point
CASES = [
    ((1, 5, 9), (1, 9, 7), (False, False), None, 0),
    ((1, 5, 20), (1, 7, 20), (False, True), None, 0),
    ((1, 9, 5), (1, 9, 3), (True, False), None, 0),
    ((1, 17, 5), (1, 1, 17), (True, True), None, 0),
    ((1, 3, 5, 8), (1, 3, 8, 4), (False, False), None, 0),
    ((1, 3, 5, 8), (1, 1, 8, 4), (False, False), None, 0),
    ((1, 1, 2, 8), (1, 3, 4, 8), (False, True), None, 0),
    ((1, 3, 1, 4, 5), (1, 1, 2, 5, 3), (False, False), None, 0),
    ((4, 6), (6, 3), (False, False), None, 0),
    ((2, 4, 6), (2, 6, 3), (True, True), None, 0),
    ((1, 5, 9), (9, 7), (False, False), 1, 0),
    ((1, 2, 5, 9), (1, 2, 7, 9), (False, True), 1, 0),
    ((1, 9, 5), (7, 9), (True, True), 1, 0),
    ((1, 5, 9), (9, 7), (False, False), 1, 11),
    ((5, 9), (1, 9, 7), (False, False), 0, 0),
    ((1, 3, 9, 5), (1, 3, 9, 2), (True, False), 0, -7),
]


def add_product(model: RandomModel, case: tuple, scale: float | None = None) -> None:
    first, second, adjoint, fixed, zero = case
    if adjoint == (True, True) and len(first) == 3 and first[0] == 2:
        first, second = (2, 6, 4), (2, 3, 6)
    operands = [
        model.tensor(
            shape,
            scale=scale or model.scale(),
            zero_point=zero,
            data=model.random.integers(-128, 128, shape).astype(np.int8),
        )
        if position == fixed
        else batched_input(model, shape)
        for position, shape in enumerate((first, second))
    ]
    turned = [
        np.swapaxes(np.zeros(s, np.int8), -1, -2) if t else np.zeros(s, np.int8)
        for s, t in zip((first, second), adjoint, strict=True)
    ]
    made = (turned[0] @ turned[1]).shape
    ofm = model.activation(made, scale=model.output_scale(operands[0], operands[1], turned[0].shape[-1]))
    model.operator("BATCH_MATMUL", operands, [ofm], AdjX=adjoint[0], AdjY=adjoint[1])
    model.sink(ofm)


@pytest.mark.parametrize("seed", [1, 2])
def test_exact(seed: int, tmp_path: Path) -> None:
    model = RandomModel(seed)
    for case in CASES:
        add_product(model, case)
    assert_exact(model, tmp_path)


def test_ties_round_as_the_interpreters_do(tmp_path: Path) -> None:
    """Scales that are powers of two: many sums lie half way between two bytes."""
    model = RandomModel(3)
    for fixed in (None, 0, 1):
        ifm = [
            model.tensor(
                shape,
                scale=0.0625,
                zero_point=0,
                data=model.random.integers(-128, 128, shape).astype(np.int8),
            )
            if position == fixed
            else model.input(shape, scale=0.0625)
            for position, shape in enumerate(((1, 30, 20), (1, 20, 40)))
        ]
        ofm = model.activation((1, 30, 40), scale=2.0, zero_point=0)
        model.operator("BATCH_MATMUL", ifm, [ofm])
        model.sink(ofm)
    assert_exact(model, tmp_path)


def test_litert_multiplies_the_scales_in_float32(tmp_path: Path) -> None:
    """The sum 20505 rounds to 45 with the product in float32, and to 44 with the product in double."""
    model, path = RandomModel(1), tmp_path / "model.tflite"
    ifm = model.input((1, 1, 2), scale=0.00815996341407299, zero_point=-128)
    values = np.array([[[127], [1]]], np.int8)
    second = model.tensor((1, 2, 1), scale=0.0020115573424845934, zero_point=0, data=values)
    ofm = model.activation((1, 1, 1), scale=0.007563789840787649, zero_point=0)
    model.operator("BATCH_MATMUL", [ifm, second], [ofm])
    path.write_bytes(model.finish([ifm], [ofm]))
    sample = [np.array([[[161 - 128, 58 - 128]]], np.int8)]
    assert_agreement(path, [sample])
    once, twice = (evaluate(load(path), name, sample)[ofm] for name in ("litert-ref", "tflm"))
    assert (once.item(), twice.item()) == (45, 44)


@pytest.mark.parametrize(
    ("number", "kinds"),
    [
        (0, [Copy, MatMul]),
        (1, [MatMul]),
        (3, [Copy, MatMul]),
        (4, [Copy, MatMul, MatMul, MatMul]),
        (5, [Copy, MatMul]),
        (10, [Convolution]),
        (11, [Convolution, Convolution]),
        (13, [MatMul]),
        (14, [Copy, MatMul]),
    ],
)
def test_lowering(number: int, kinds: list[type], tmp_path: Path) -> None:
    model, path = RandomModel(1), tmp_path / "model.tflite"
    add_product(model, CASES[number])
    path.write_bytes(model.finish(model.inputs, model.outputs))
    assert [type(primitive) for primitive in lower(load(path), "tflm").primitives] == kinds


@pytest.mark.parametrize("seed", [1, 2])
def test_fully_connected_by_an_activation(seed: int, tmp_path: Path) -> None:
    model = RandomModel(seed)
    for shape, weights, activation, scales in (
        ((1, 30), (40, 30), NONE, None),
        ((1, 3, 4, 6), (5, 6), RELU, None),
        ((1, 4, 6), (3, 12), NONE, None),
        ((1, 30), (200, 30), NONE, (0.0625, 2.0)),
    ):
        ifm = model.input(shape, **({"scale": scales[0]} if scales else {}))
        second = model.input((1, *weights), **({"scale": scales[0]} if scales else {}))
        source = model.tensors[second]
        matrix = model.activation(weights, scale=source.scales[0], zero_point=source.zero_points[0])
        model.operator("RESHAPE", [second, model.tensor((2,), data=np.array(weights, np.int32))], [matrix])
        made = (int(np.prod(shape)) // weights[1], weights[0])
        scale = scales[1] if scales else model.output_scale(ifm, second, weights[1])
        ofm = model.activation(made, scale=scale)
        model.operator("FULLY_CONNECTED", [ifm, matrix], [ofm], FusedActivationFunction=activation)
        model.sink(ofm)
    assert_exact(model, tmp_path)
    kinds = [type(p) for p in lower(load(tmp_path / "model.tflite"), "tflm").primitives]
    assert kinds == [Reshape, MatMul, Reshape, MatMul, Reshape, Reshape, MatMul, Reshape, MatMul]


@pytest.mark.parametrize(
    ("first", "second", "made", "words"),
    [
        ((1, 5, 9), (1, 8, 7), (1, 5, 7), "operands (1, 5, 9) and (1, 8, 7); accepted: operands have rank 2"),
        ((1, 2, 5, 9), (1, 3, 9, 7), (1, 3, 5, 7), "operands (1, 2, 5, 9) and (1, 3, 9, 7)"),
        ((1, 1), (1,), (1,), "operands (1, 1) and (1,)"),
        ((1, 5, 9), (1, 9, 7), (1, 5, 8), "is recorded as (1, 5, 8) where the operator makes (1, 5, 7)"),
        ((1, 300, 1, 2), (1, 300, 2, 1), (1, 300, 1, 1), "300 products of matrices"),
        ((1, 1, 40000), (1, 1, 40000), (1, 1, 1), "operands (1, 1, 40000) and (1, 1, 40000)"),
        ((1, 1, 40000), (1, 40000, 1), (1, 1, 1), "sums of -"),
    ],
)
def test_refused(first: tuple, second: tuple, made: tuple, words: str, tmp_path: Path) -> None:
    model, path = RandomModel(1), tmp_path / "model.tflite"
    operands = [model.input(first, zero_point=127), model.input(second)]
    ofm = model.activation(made)
    model.operator("BATCH_MATMUL", operands, [ofm])
    path.write_bytes(model.finish(operands, [ofm]))
    with pytest.raises(ModelError) as caught:
        lower(load(path), "litert-ref")
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("fields", "bias", "words"),
    [
        ({}, True, "is not constant and there is a bias; accepted: weights are int8 of rank 2"),
        ({"scale": [0.1, 0.2, 0.3], "zero_point": [0, 0, 0]}, False, "has 3 scales"),
    ],
)
def test_refused_weights(fields: dict, bias: bool, words: str, tmp_path: Path) -> None:
    model, path = RandomModel(1), tmp_path / "model.tflite"
    ifm, second = model.input((1, 4)), model.input((1, 3, 4))
    matrix, ofm = model.activation((3, 4), **fields), model.activation((1, 3))
    model.operator("RESHAPE", [second, model.tensor((2,), data=np.array((3, 4), np.int32))], [matrix])
    extra = [model.tensor((3,), data=np.zeros(3, np.int32))] if bias else []
    model.operator("FULLY_CONNECTED", [ifm, matrix, *extra], [ofm])
    path.write_bytes(model.finish([ifm, second], [ofm]))
    with pytest.raises(ModelError) as caught:
        lower(load(path), "litert-ref")
    assert words in str(caught.value) or "RESHAPE" in str(caught.value)
