"""The elementwise operators of two operands, with broadcasting, against the interpreters."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.build_model import ModelBuilder
from tests.ops.agree import NONE, RELU, RELU6, RELU_N1_TO_1, RandomModel, assert_exact
from tfl2hw.errors import ModelError
from tfl2hw.frontend import load
from tfl2hw.ir.primitives import Copy, Depthwise, Extremum, Primitive, Product, TableSum
from tfl2hw.ops import NUMERICS
from tfl2hw.passes import lower

ACTIVATED = ("ADD", "SUB", "MUL")
OPERATORS = (*ACTIVATED, "MAXIMUM", "MINIMUM")
ACTIVATIONS = (NONE, RELU, RELU6, RELU_N1_TO_1)

# shapes of the operands; which one is a constant, or None
OPERANDS: list[tuple[tuple[int, ...], tuple[int, ...], int | None]] = [
    ((1, 16, 16, 20), (1, 16, 16, 20), None),
    ((1, 5, 6, 7), (1, 1, 1, 7), None),
    ((1, 5, 6, 1), (1, 5, 6, 9), None),
    ((1, 5, 1, 3), (1, 1, 4, 1), None),
    ((1, 1, 4, 5), (1, 3, 4, 5), None),
    ((1, 3, 1, 5), (1, 3, 4, 1), None),
    ((1, 200), (1, 1), None),
    ((1, 7, 9), (1, 2, 7, 9), None),
    ((1, 2, 3, 4, 5), (1, 2, 1, 4, 1), None),
    ((1, 4, 5, 17), (17,), 1),
    ((5, 1), (1, 4, 5, 3), 0),
    ((1, 4, 5, 3), (4, 1, 3), 1),
    ((1, 4, 5, 3), (), 1),
    ((1,), (1, 4, 5, 3), 0),
    ((1, 1, 1, 1), (1, 9), 0),
    ((1, 4, 1), (1, 1, 1, 6), 1),
    ((1, 1), (1, 1), 1),
    ((1, 1), (1, 1), None),
]


def operand(model: RandomModel, shape: tuple[int, ...], constant: bool, **fields: Any) -> int:
    if not constant:
        return model.input(shape, **fields)
    data = model.random.integers(-128, 128, shape).astype(np.int8)
    return model.activation(shape, data=data, **fields)


def output_scale(model: RandomModel, operator: str, inputs: list[int]) -> float:
    """A scale at which random operands use the range of a byte."""
    first, second = (model.tensors[index].scales[0] for index in inputs)
    full = first * second * 60 if operator == "MUL" else max(first, second)
    return float(np.float32(full * model.random.uniform(0.7, 2)))


def add(model: RandomModel, operator: str, inputs: list[int]) -> None:
    shape = np.broadcast_shapes(*(model.tensors[index].shape for index in inputs))
    ofm = model.activation(shape, scale=output_scale(model, operator, inputs))
    fields = {}
    if operator in ACTIVATED:
        fields["FusedActivationFunction"] = ACTIVATIONS[len(model.outputs) % len(ACTIVATIONS)]
    model.operator(operator, inputs, [ofm], **fields)
    model.sink(ofm)


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("operator", OPERATORS)
def test_broadcasting(operator: str, seed: int, tmp_path: Path) -> None:
    model = RandomModel(seed)
    for first, second, constant in OPERANDS:
        add(model, operator, [operand(model, first, constant == 0), operand(model, second, constant == 1)])
    twice = model.input((1, 3, 3, 2))
    add(model, operator, [twice, twice])
    assert_exact(model, tmp_path)


@pytest.mark.parametrize("operator", ACTIVATED)
def test_scales(operator: str, tmp_path: Path) -> None:
    """Random ones, equal ones, powers of two, and the ends of the zero points."""
    model = RandomModel(5)
    shape, scales = (1, 12, 12, 9), [model.scale(0.0005, 2) for _ in range(8)]
    pairs = [*pairwise(scales), (0.5, 0.5), (0.25, 1.0), (0.1, 0.1)]
    for first, second in pairs:
        for zero in (None, -128, 127):
            fields = {} if zero is None else {"zero_point": zero}
            inputs = [model.input(shape, scale=scale, **fields) for scale in (first, second)]
            add(model, operator, inputs)
    assert_exact(model, tmp_path)


@pytest.mark.parametrize("constant", [False, True])
def test_squared_difference(constant: bool, tmp_path: Path) -> None:
    model = RandomModel(4)
    for n, (shape, other) in enumerate([
        ((1, 9, 9, 7), (1, 9, 9, 1)),
        ((1, 5, 17), (1, 1, 17)),
        ((1, 9), (1, 1)),
    ]):
        scale, zero = model.scale(), model.zero()
        wide = float(np.float32(scale * scale * 2000))
        single = () if constant else other
        second = {"scale": model.scale()} if constant else {"scale": scale, "zero_point": zero + (n == 2)}
        inputs = [
            model.input(shape, scale=scale, zero_point=zero),
            operand(model, single, constant, **second),
        ]
        ofm = model.activation(shape, scale=wide, zero_point=-128 if n else 100)
        model.operator("SQUARED_DIFFERENCE", inputs, [ofm])
        model.sink(ofm)
    assert_exact(model, tmp_path)


# IFM, alpha
PRELUS = [
    ((1, 5, 6, 7), (1, 1, 7)),
    ((1, 5, 6, 7), (5, 6, 7)),
    ((1, 5, 6, 17), (17,)),
    ((1, 5, 6, 1), (1, 5, 6, 1)),
    ((1, 5, 6, 3), (5, 1, 1)),
    ((1, 16, 16, 9), (1,)),
    ((1, 5, 6, 3), ()),
    ((1, 9), (9,)),
    ((1, 2, 3, 4, 5), (3, 4, 5)),
]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_prelu(seed: int, tmp_path: Path) -> None:
    model = RandomModel(seed)
    for shape, factors in PRELUS:
        scale = model.scale()
        ifm = model.input(shape, scale=scale)
        alpha = operand(model, factors, constant=True, scale=model.scale(0.002, 0.02))
        ofm = model.activation(shape, scale=float(np.float32(scale * model.random.uniform(0.3, 3))))
        model.operator("PRELU", [ifm, alpha], [ofm])
        model.sink(ofm)
    assert_exact(model, tmp_path)


def lowered(model: RandomModel, folder: Path) -> tuple[Primitive, ...]:
    path = folder / "model.tflite"
    path.write_bytes(model.finish(model.inputs, model.outputs))
    return lower(load(path), "tflm").primitives


# operator, its operands, the primitives it becomes
FORMS: list[tuple[str, tuple[tuple[int, ...], tuple[int, ...], int | None], list[type]]] = [
    ("ADD", ((1, 4, 5, 3), (1, 4, 5, 3), None), [TableSum]),
    ("SUB", ((1, 4, 5, 3), (3,), 1), [Copy, TableSum]),
    ("SUB", ((), (1, 4, 5, 3), 0), [TableSum]),
    ("MUL", ((1, 4, 5, 3), (1, 4, 1, 3), None), [Copy, Product]),
    ("MUL", ((1, 1, 1, 3), (1, 4, 5, 3), 0), [Depthwise]),
    ("MUL", ((1, 4, 5, 3), (1,), 1), [TableSum]),
    ("MAXIMUM", ((1, 4, 5, 3), (4, 5, 3), 1), [Extremum]),
    ("MINIMUM", ((1, 1, 5, 3), (1, 4, 1, 3), None), [Copy, Copy, Extremum]),
]


@pytest.mark.parametrize(("operator", "operands", "kinds"), FORMS)
def test_what_it_becomes(
    operator: str, operands: tuple[Any, Any, int | None], kinds: list[type], tmp_path: Path
) -> None:
    model = RandomModel(1)
    first, second, constant = operands
    add(model, operator, [operand(model, first, constant == 0), operand(model, second, constant == 1)])
    assert [type(primitive) for primitive in lowered(model, tmp_path)] == kinds


@pytest.mark.parametrize(
    ("alpha", "kinds"),
    [
        ((1,), [TableSum]),
        ((3,), [Depthwise, Depthwise, TableSum]),
        ((4, 5, 3), [Depthwise, Product, TableSum]),
        ((4, 1, 3), [Depthwise, Copy, Product, TableSum]),
    ],
)
def test_what_prelu_becomes(alpha: tuple[int, ...], kinds: list[type], tmp_path: Path) -> None:
    model = RandomModel(1)
    ofm = model.activation((1, 4, 5, 3))
    model.operator("PRELU", [model.input((1, 4, 5, 3)), operand(model, alpha, constant=True)], [ofm])
    model.sink(ofm)
    assert [type(primitive) for primitive in lowered(model, tmp_path)] == kinds


def test_litert_and_tflite_micro_multiply_scales_differently(tmp_path: Path) -> None:
    """One in float32, the other in double: some multipliers differ in their last bits."""
    model = RandomModel(9)
    for _ in range(8):
        add(model, "MUL", [model.input((1, 4)), model.input((1, 4))])
    path = tmp_path / "model.tflite"
    path.write_bytes(model.finish(model.inputs, model.outputs))
    multipliers = [
        [p.rescale.slope[0] for p in lower(load(path), numerics).primitives] for numerics in NUMERICS
    ]
    assert multipliers[0] != multipliers[1]
    np.testing.assert_allclose(*multipliers, rtol=1e-6)


def binary(
    operator: str,
    *,
    shapes: tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]] = ((1, 4), (1, 4), (1, 4)),
    scales: tuple[float, float, float] = (0.1, 0.1, 0.1),
    zeros: tuple[int, int, int] = (0, 0, 0),
    constants: tuple[int, ...] = (),
    dtype: str = "int8",
    **fields: Any,
) -> bytes:
    model = ModelBuilder()
    tensors = []
    for n, name in enumerate(("first", "second", "ofm")):
        data = np.full(shapes[n], 1, dtype) if n in constants else None
        tensors.append(
            model.tensor(
                shapes[n],
                scale=scales[n],
                zero_point=zeros[n],
                data=data,
                dtype="int8" if n == 2 else dtype,
                name=name,
            )
        )
    model.operator(operator, tensors[:2], [tensors[2]], **fields)
    return model.finish([tensors[n] for n in (0, 1) if n not in constants] or tensors[:1], [tensors[2]])


REFUSED: list[tuple[Callable[[], bytes], str]] = [
    (lambda: binary("ADD", shapes=((1, 4), (1, 3), (1, 4))), "(1, 4) and (1, 3), which do not broadcast"),
    (lambda: binary("SUB", shapes=((1, 4), (1, 1), (1, 5))), "recorded as (1, 5) where the operator makes"),
    (
        lambda: binary("MUL", shapes=((1,) * 7, (1,), (1,) * 7)),
        "accepted: OFM has the shape that the operands'",
    ),
    (lambda: binary("MAXIMUM", dtype="int32"), "'first' is int32; accepted: operands and OFM are int8"),
    (lambda: binary("MINIMUM", scales=(0.1, 0.0, 0.1)), "'second' has scale 0.0"),
    (lambda: binary("SUB", scales=(0.1, 0.1, 1e-8)), "an output multiplier of 19.0735"),
    (lambda: binary("MUL", scales=(10.0, 10.0, 1e-5)), "a multiplier of 1e+07; accepted: the product"),
    (lambda: binary("MUL", FusedActivationFunction=4), "fused activation TANH"),
    (lambda: binary("PRELU"), "'second' is not constant; accepted: alpha (input 1) is a constant"),
    (lambda: binary("PRELU", shapes=((1, 1), (1, 4), (1, 4)), constants=(1,)), "IFM (1, 1) and alpha (1, 4)"),
    (lambda: binary("PRELU", scales=(10.0, 1e5, 0.1), constants=(1,)), "a multiplier of 1e+07"),
    (
        lambda: binary("SQUARED_DIFFERENCE", scales=(0.1, 0.2, 2e-5)),
        "scales 0.1 and 0.2 to 2e-05; accepted: ",
    ),
    (lambda: binary("SQUARED_DIFFERENCE", scales=(1.0, 1.0, 1e-4)), "an output multiplier of"),
]


@pytest.mark.parametrize(("build", "words"), REFUSED, ids=range(len(REFUSED)))
def test_refused_in_these_words(build: Callable[[], bytes], words: str, tmp_path: Path) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(build())
    with pytest.raises(ModelError) as caught:
        lower(load(path), "tflm")
    assert words in str(caught.value)


def test_two_constants_are_refused(tmp_path: Path) -> None:
    model = RandomModel(1)
    constants = [operand(model, (1, 4), constant=True) for _ in range(2)]
    ofm = model.activation((1, 4))
    model.operator("ADD", constants, [ofm])
    model.input((1, 4))
    model.sink(ofm)
    with pytest.raises(ModelError, match="both operands are constants"):
        lowered(model, tmp_path)
