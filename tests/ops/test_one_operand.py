"""The operators of one operand against the interpreters: tables, and what only rescales."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.build_model import ModelBuilder
from tests.ops.agree import RandomModel, assert_exact
from tfl2hw.errors import ModelError
from tfl2hw.frontend import load
from tfl2hw.ir.primitives import Depthwise, TableSum
from tfl2hw.ops import NUMERICS
from tfl2hw.passes import lower

EVERY_BYTE = (1, 256)
SHAPES = (EVERY_BYTE, (1, 16, 16, 3), (1, 5, 7, 17), (1, 9), (1, 3, 11), (1, 2, 3, 4, 5), (1, 4, 4, 1))
LITERT, TFLM = NUMERICS[:1], NUMERICS[1:]
ROOTS = ("SQRT", "RSQRT")
FIXED = {"LOGISTIC": (1 / 256, -128), "TANH": (1 / 128, 0)}

# operator, the numerics whose interpreter runs it
OPERATORS = [
    ("LOGISTIC", NUMERICS),
    ("TANH", NUMERICS),
    ("QUANTIZE", NUMERICS),
    ("RELU", NUMERICS),
    ("RELU6", NUMERICS),
    ("RELU_N1_TO_1", LITERT),
    ("RELU_0_TO_1", LITERT),
    ("LEAKY_RELU", NUMERICS),
    ("HARD_SWISH", NUMERICS),
    ("ELU", TFLM),
    ("GELU", LITERT),
    ("EXP", LITERT),
    ("LOG", LITERT),
    ("SQRT", LITERT),
    ("RSQRT", NUMERICS),
    ("ABS", NUMERICS),
    ("NEG", LITERT),
]


def options(operator: str, model: RandomModel) -> dict[str, Any]:
    if operator == "LEAKY_RELU":
        return {"Alpha": float(np.float32(model.random.choice([0.0, 0.01, 0.3, 1.0, 1.7])))}
    return {"Approximate": bool(model.random.integers(2))} if operator == "GELU" else {}


def add(model: RandomModel, operator: str, shape: tuple[int, ...], **given: Any) -> None:
    """An operator with random quantisation, but for what is given."""
    fields = {"zero_point": -128} if operator in ROOTS else {}
    ifm = model.input(shape, **{"scale": model.scale(0.01, 0.15), **fields})
    scale, zero = FIXED.get(operator, (model.scale(0.01, 0.15), model.zero()))
    ofm = model.activation(shape, **{"scale": scale, "zero_point": zero, **given})
    model.operator(operator, [ifm], [ofm], **options(operator, model))
    model.sink(ofm)


@pytest.mark.parametrize(("operator", "numerics"), OPERATORS)
def test_exact(operator: str, numerics: tuple[str, ...], tmp_path: Path) -> None:
    model = RandomModel(len(operator))
    for shape in SHAPES:
        add(model, operator, shape)
    assert_exact(model, tmp_path, numerics)


@pytest.mark.parametrize(("operator", "numerics"), OPERATORS)
def test_every_byte_at_many_scales(operator: str, numerics: tuple[str, ...], tmp_path: Path) -> None:
    model = RandomModel(100 + len(operator))
    for _ in range(24):
        fields = {"zero_point": -128} if operator in ROOTS else {}
        scale, zero = FIXED.get(operator, (model.scale(0.002, 2.0), model.zero()))
        # HARD_SWISH takes ratios down to 1/512 alone
        low, high = (0.5 * scale, 4 * scale) if operator == "HARD_SWISH" else (0.001, 8.0)
        ifm = model.input(EVERY_BYTE, **{"scale": model.scale(low, high), **fields})
        ofm = model.activation(EVERY_BYTE, scale=scale, zero_point=zero)
        model.operator(operator, [ifm], [ofm], **options(operator, model))
        model.sink(ofm)
    assert_exact(model, tmp_path, numerics)


@pytest.mark.parametrize("scales", [(0.1, 0.1), (0.1, 0.2), (0.2, 0.1), (0.3, 0.2)])
def test_scales_with_ties(scales: tuple[float, float], tmp_path: Path) -> None:
    model = RandomModel(3)
    for operator in ("QUANTIZE", "RELU", "ABS", "LEAKY_RELU"):
        for zero in (-128, 0, 3):
            ifm = model.input(EVERY_BYTE, scale=scales[0], zero_point=zero)
            ofm = model.activation(EVERY_BYTE, scale=scales[1], zero_point=zero)
            model.operator(operator, [ifm], [ofm], **options(operator, model))
            model.sink(ofm)
    assert_exact(model, tmp_path)


def test_a_rescale_takes_no_table(tmp_path: Path) -> None:
    model = RandomModel(1)
    for operator in ("RELU", "RELU6", "QUANTIZE", "TANH"):
        add(model, operator, (1, 3, 4, 5))
    path = tmp_path / "model.tflite"
    path.write_bytes(model.finish(model.inputs, model.outputs))
    for numerics in NUMERICS:
        kinds = [type(primitive) for primitive in lower(load(path), numerics).primitives]
        assert kinds == [Depthwise, Depthwise, Depthwise, TableSum]


def unary(
    operator: str,
    *,
    scales: tuple[float, float] = (0.1, 0.1),
    zeros: tuple[int, int] = (0, 0),
    shape: tuple[int, ...] = (1, 4),
    dtypes: tuple[str, str] = ("int8", "int8"),
    **fields: Any,
) -> bytes:
    model = ModelBuilder()
    ifm = model.tensor((1, 4), scale=scales[0], zero_point=zeros[0], dtype=dtypes[0], name="ifm")
    ofm = model.tensor(shape, scale=scales[1], zero_point=zeros[1], dtype=dtypes[1], name="ofm")
    model.operator(operator, [ifm], [ofm], **fields)
    return model.finish([ifm], [ofm])


REFUSED: list[tuple[Callable[[], bytes], str]] = [
    (lambda: unary("RELU", dtypes=("uint8", "int8")), "'ifm' is uint8; accepted: IFM and OFM are int8"),
    (lambda: unary("QUANTIZE", dtypes=("int8", "int32")), "'ofm' is int32"),
    (lambda: unary("RELU", shape=(1, 5)), "recorded as (1, 5) where the operator makes (1, 4)"),
    (lambda: unary("QUANTIZE", scales=(100.0, 1e-6)), "scales with a ratio of 1e+08; accepted: IFM's scale"),
    (lambda: unary("ABS", scales=(100.0, 1e-6)), "below 2**22 times OFM's"),
    (lambda: unary("ELU", scales=(100.0, 1e-6)), "scales with a ratio"),
    (lambda: unary("LOGISTIC"), "'ofm' has scale 0.1 and zero point 0; accepted: OFM has scale 1/256"),
    (lambda: unary("TANH", zeros=(0, 3), scales=(0.1, 1 / 128)), "accepted: OFM has scale 1/128 and zero"),
    (lambda: unary("TANH", scales=(1e-9, 1 / 128)), "IFM's scale is above 2**-27"),
    (lambda: unary("TANH", scales=(1e18, 1 / 128)), "has scale 1e+18"),
    (lambda: unary("LEAKY_RELU", Alpha=-0.5), "alpha -0.5; accepted: alpha is 0 or more"),
    (lambda: unary("LEAKY_RELU", Alpha=1e30), "alpha 1e+30"),
    (lambda: unary("LEAKY_RELU", options=False), "carries no options"),
    (lambda: unary("HARD_SWISH", scales=(0.1, 1e-5)), "scales 0.1 and 1e-05; accepted: IFM's scale is below"),
    (lambda: unary("HARD_SWISH", scales=(1e-8, 1e-8)), "in 2**-21 .. 192"),
    (lambda: unary("SQRT", zeros=(3, 0)), "a zero point of 3; accepted: IFM's zero point is -128"),
    (lambda: unary("SQRT", zeros=(-128, 0), scales=(1e6, 1e-6)), "a square root of"),
    (lambda: unary("RSQRT", zeros=(0, 3)), "a zero point of 0; accepted: IFM's zero point is -128"),
    (lambda: unary("RSQRT", zeros=(-128, 0), scales=(1e-8, 1e-6)), "a multiplier of 1e+10"),
]


@pytest.mark.parametrize(("build", "words"), REFUSED, ids=range(len(REFUSED)))
def test_refused_in_these_words(build: Callable[[], bytes], words: str, tmp_path: Path) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(build())
    with pytest.raises(ModelError) as caught:
        lower(load(path), "tflm")
    assert words in str(caught.value)
