"""MEAN, SUM, REDUCE_MAX and REDUCE_MIN against the interpreters."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.ops.agree import RandomModel, assert_exact
from tests.ops.test_grouped_convolutions import batched_input
from tfl2hw.errors import ModelError
from tfl2hw.frontend import load
from tfl2hw.ir.primitives import Convolution, Copy, Depthwise, Reshape, TableSum
from tfl2hw.passes import lower

NAMES = ("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN")
CASES = [
    ((1, 7, 5, 9), (1, 2)),
    ((1, 7, 5, 9), (2, 1)),
    ((1, 4, 6, 3), (1,)),
    ((1, 4, 6, 3), (2,)),
    ((1, 4, 6, 17), (3,)),
    ((1, 4, 6, 5), (-1, 1)),
    ((1, 4, 6, 5), (2, 3)),
    ((1, 4, 6, 5), (1, 2, 3)),
    ((1, 4, 6), (1,)),
    ((1, 4, 6), (-1,)),
    ((1, 40), (1,)),
    ((1, 3, 4, 2, 5), (1, 3)),
    ((1, 3, 4, 2, 5), (2, 4)),
    ((1, 5, 1, 3), (2,)),
    ((1, 5, 4, 1), (1, 3)),
    ((1, 5, 4, 3), (1, 1)),
    ((2, 3, 4, 5), (0, 2)),
    ((2, 3, 4, 5), (1, 2)),
    ((1, 3, 4, 5), (0, 1, 2, 3)),
    ((2, 3, 2, 2, 4, 5), (0, 2, 4)),
]


def add_reduction(
    model: RandomModel, name: str, shape: tuple, axes: tuple, keep: bool, ratio: float | None = None
) -> None:
    gone = {axis % len(shape) for axis in axes}
    count = int(np.prod([shape[axis] for axis in gone]))
    if keep:
        made = tuple(1 if axis in gone else size for axis, size in enumerate(shape))
    else:
        made = tuple(size for axis, size in enumerate(shape) if axis not in gone)
    ifm = batched_input(model, shape)
    source = model.tensors[ifm]
    if ratio is None:
        ratio = {"MEAN": 1.7 / np.sqrt(count), "SUM": 1.1 * np.sqrt(count)}.get(name, 1)
    same = ratio == 1
    fields = {"zero_point": source.zero_points[0]} if same else {}
    ofm = model.activation(made, scale=float(np.float32(source.scales[0] * ratio)), **fields)
    listed = model.tensor((len(axes),), data=np.array(axes, np.int32))
    model.operator(name, [ifm, listed], [ofm], KeepDims=keep)
    model.sink(ofm)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("keep", [False, True])
def test_exact(name: str, keep: bool, tmp_path: Path) -> None:
    model = RandomModel(1)
    for shape, axes in CASES:
        add_reduction(model, name, shape, axes, keep)
    assert_exact(model, tmp_path)


@pytest.mark.parametrize("name", ["MEAN", "SUM"])
@pytest.mark.parametrize("ratio", [1.0, 0.5, 0.125, 2.0, 16.0, 0.31])
def test_scales(name: str, ratio: float, tmp_path: Path) -> None:
    """Equal quantisation, ratios that make ties, and sums that saturate."""
    model = RandomModel(2)
    for shape, axes in CASES[:5]:
        add_reduction(model, name, shape, axes, True, ratio)
        add_reduction(model, name, shape, axes, False, ratio)
    assert_exact(model, tmp_path)


@pytest.mark.parametrize(
    ("name", "numerics", "case", "keep", "kinds"),
    [
        ("MEAN", "litert-ref", CASES[0], True, [Depthwise]),
        ("MEAN", "litert-ref", CASES[4], True, [Convolution]),
        ("MEAN", "litert-ref", CASES[4], False, [Convolution, Reshape]),
        ("MEAN", "litert-ref", CASES[5], True, [Convolution]),
        ("MEAN", "litert-ref", CASES[12], False, [Convolution, Reshape]),
        ("MEAN", "litert-ref", CASES[11], True, [Copy, Depthwise]),
        ("SUM", "tflm", CASES[6], True, [Convolution]),
        ("SUM", "litert-ref", CASES[6], True, [TableSum, Convolution, TableSum]),
        ("REDUCE_MAX", "tflm", CASES[4], False, [Copy, Depthwise]),
        ("REDUCE_MIN", "tflm", CASES[11], True, [Copy, Depthwise]),
    ],
)
def test_lowering(
    name: str, numerics: str, case: tuple, keep: bool, kinds: list[type], tmp_path: Path
) -> None:
    model, path = RandomModel(1), tmp_path / "model.tflite"
    add_reduction(model, name, *case, keep)
    path.write_bytes(model.finish(model.inputs, model.outputs))
    assert [type(primitive) for primitive in lower(load(path), numerics).primitives] == kinds


@pytest.mark.parametrize("name", NAMES)
def test_many_elements(name: str, tmp_path: Path) -> None:
    """More than a kernel has rows: rows and columns."""
    model = RandomModel(3)
    add_reduction(model, name, (1, 90, 60, 2), (1, 2), True)
    add_reduction(model, name, (1, 70, 80, 2), (1, 2), False)
    assert_exact(model, tmp_path)


@pytest.mark.parametrize(
    ("name", "shape", "axes", "made", "scale", "words"),
    [
        ("MEAN", (1, 4, 3), (3,), (1, 4), 0.1, "axes [3] of an IFM of rank 3; accepted: the IFM has rank 1"),
        ("MEAN", (1, 4, 3), (1,), (1, 4), 0.1, "is recorded as (1, 4) where the operator makes (1, 3)"),
        ("MEAN", (1, 4099, 1), (1,), (1, 1), 0.1, "4099 elements make one; accepted: at most 2**23"),
        ("REDUCE_MAX", (1, 4, 3), (1,), (1, 3), 0.2, "has scale 0.1"),
        ("SUM", (1, 4, 3), (1,), (1, 3), 1e-9, "sums of up to 1536; accepted: sums stay in int32"),
        ("MEAN", (1, 4, 3), 1.0, (1, 3), 0.1, "axes of float32, constant"),
    ],
)
def test_refused(
    name: str, shape: tuple, axes: tuple | float, made: tuple, scale: float, words: str, tmp_path: Path
) -> None:
    model, path = RandomModel(1), tmp_path / "model.tflite"
    ifm, ofm = model.input(shape, scale=0.1, zero_point=0), model.activation(made, scale=scale, zero_point=0)
    values = np.array(axes, np.int32) if isinstance(axes, tuple) else np.array([axes], np.float32)
    model.operator(name, [ifm, model.tensor(values.shape, data=values)], [ofm])
    path.write_bytes(model.finish([ifm], [ofm]))
    with pytest.raises(ModelError) as caught:
        lower(load(path), "litert-ref")
    assert words in str(caught.value)
