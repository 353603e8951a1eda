"""What each operator refuses, and in which words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tflite

from tests.build_model import ModelBuilder
from tfl2hw.errors import ModelError
from tfl2hw.frontend import load
from tfl2hw.ops import OPERATORS, review, supported
from tfl2hw.passes import lower


def conv(
    *,
    ifm: tuple[int, ...] = (1, 6, 6, 3),
    ofm: tuple[int, ...] = (1, 6, 6, 4),
    weights: tuple[int, ...] = (4, 3, 3, 3),
    weight_zero: int = 0,
    weight_value: int = 1,
    ofm_dtype: str = "int8",
    ifm_scale: float = 0.1,
    constant: bool = True,
    bias: int = 1,
    bias_shape: tuple[int, ...] = (4,),
    operator: str = "CONV_2D",
    **options: int,
) -> bytes:
    model = ModelBuilder()
    first = model.tensor(ifm, scale=ifm_scale, name="ifm")
    values = np.full(weights, weight_value, np.int8) if constant else None
    second = model.tensor(weights, scale=0.1, zero_point=weight_zero, data=values, name="weights")
    third = model.tensor(bias_shape, data=np.full(bias_shape, bias, np.int32), name="bias")
    out = model.tensor(ofm, scale=0.1, dtype=ofm_dtype, name="ofm")
    model.operator(operator, [first, second, third], [out], **options)
    return model.finish([first] if constant else [first, second], [out])


def pool(ofm: tuple[int, ...] = (1, 3, 3, 2), scale: float = 0.1, **options: int) -> bytes:
    model = ModelBuilder()
    ifm, out = model.tensor((1, 6, 6, 2), scale=0.1), model.tensor(ofm, scale=scale)
    fields = {"FilterHeight": 2, "FilterWidth": 2, "StrideH": 2, "StrideW": 2, "Padding": 1, **options}
    model.operator("AVERAGE_POOL_2D", [ifm], [out], **fields)
    return model.finish([ifm], [out])


def elementwise(operator: str, *shapes: tuple[int, ...], scale: float = 0.1, **options: float) -> bytes:
    model = ModelBuilder()
    inputs = [model.tensor(shape, scale=0.1) for shape in shapes[:-1]]
    out = model.tensor(shapes[-1], scale=scale)
    model.operator(operator, inputs, [out], **options)
    return model.finish(inputs, [out])


REFUSED: list[tuple[Callable[[], bytes], str]] = [
    (
        lambda: conv(ifm=(1, 6, 6, 5)),
        "IFM with 5 channels, 4 filters of 3 input channels; accepted: the IFM has groups",
    ),
    (
        lambda: conv(ofm=(1, 5, 6, 4)),
        "'ofm' is recorded as (1, 5, 6, 4) where the operator makes (1, 6, 6, 4)",
    ),
    (lambda: conv(ofm_dtype="int32"), "'ofm' is int32; accepted: IFM and OFM are int8"),
    (lambda: conv(ifm_scale=0.0), "'ifm' has scale 0.0"),
    (lambda: conv(weight_zero=3), "'weights' has a zero point other than 0"),
    (lambda: conv(constant=False, weights=(1, 3, 3, 3)), "'weights' is int8, not constant"),
    (lambda: conv(bias_shape=(3,)), "'bias' has shape (3,)"),
    (lambda: conv(StrideH=0), "stride (0, 1)"),
    (lambda: conv(FusedActivationFunction=4), "fused activation TANH"),
    (lambda: conv(bias=2**31 - 5, weight_value=127), "output channel 0 accumulates"),
    (lambda: conv(Padding=1, DilationHFactor=4, ofm=(1, 1, 4, 4)), "a kernel (3, 3) on an IFM (6, 6)"),
    (lambda: conv(DilationHFactor=1 << 30, ofm=(1, 6, 6, 4)), "at most"),
    (
        lambda: conv(operator="DEPTHWISE_CONV_2D", weights=(1, 3, 3, 4)),
        "weights (1, 3, 3, 4) for an IFM with 3 channels",
    ),
    (lambda: pool(ofm=(1, 6, 6, 2), FilterHeight=0), "a kernel (0, 2); accepted: the kernel has 1 to 4095"),
    (lambda: pool(scale=0.2), "has scale 0.1"),
    (lambda: pool(FilterHeight=9), "a kernel (9, 2) on an IFM (6, 6)"),
    (lambda: elementwise("ADD", (1, 4), (1, 3), (1, 4)), "(1, 4) and (1, 3), which do not broadcast"),
    (lambda: elementwise("ADD", (1, 4), (1, 4), (1, 4), scale=1e-7), "an output multiplier of"),
    (lambda: elementwise("SOFTMAX", (1, 4), (1, 4)), "accepted: OFM has scale 1/256 and zero point -128"),
    (lambda: elementwise("SOFTMAX", (), (), scale=1 / 256), "1 or more elements"),
    (lambda: elementwise("RESHAPE", (1, 4), (1, 5)), "IFM (1, 4) and OFM (1, 5)"),
    (lambda: elementwise("SIN", (1, 4), (1, 4)), "operator 0 (SIN): the operator is not supported"),
]


@pytest.mark.parametrize(("build", "words"), REFUSED, ids=range(len(REFUSED)))
def test_refused_in_these_words(build: Callable[[], bytes], words: str, tmp_path: Path) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(build())
    graph = load(path)
    assert not review(graph)[0].accepted
    with pytest.raises(ModelError) as caught:
        lower(graph, "litert-ref")
    assert words in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_review_names_every_refused_operator(tmp_path: Path) -> None:
    model = ModelBuilder()
    first = model.tensor((1, 4), scale=0.1)
    tensors = [first, *(model.tensor((1, 4), scale=0.1) for _ in range(3))]
    for name, source, result in zip(("SIN", "CUSTOM:mine", "COS"), tensors, tensors[1:], strict=False):
        model.operator(name, [source], [result])
    path = tmp_path / "model.tflite"
    path.write_bytes(model.finish([first], [tensors[-1]]))
    verdicts = review(load(path))
    assert [verdict.operator.op for verdict in verdicts] == ["SIN", "CUSTOM mine", "COS"]
    assert not any(verdict.accepted for verdict in verdicts)
    with pytest.raises(ModelError, match=r"\(SIN\).*and 2 more operators are refused"):
        lower(load(path), "tflm")


def test_every_operator_documents_what_it_accepts() -> None:
    rows = supported()
    assert [name for name, _ in rows] == list(OPERATORS)
    for name, texts in rows:
        assert OPERATORS[name].name == name
        assert texts
        assert all(len(text) > 10 for text in texts)


def test_options_are_read() -> None:
    assert OPERATORS["SOFTMAX"].options in vars(tflite.BuiltinOptions)


def test_a_map_that_no_board_holds(tmp_path: Path) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(elementwise("RESHAPE", (1, 1 << 23), (1, 1 << 23)))
    (verdict,) = review(load(path))
    assert "has 8388608 elements; accepted: at most 4194304" in verdict.reasons[0]
