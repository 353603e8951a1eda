"""LOG_SOFTMAX, L2_NORMALIZATION, ARG_MAX and ARG_MIN against the interpreters."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import tflite

from tests.ops.agree import RandomModel, full_range
from tfl2hw.errors import ModelError
from tfl2hw.frontend import load
from tfl2hw.ops import NUMERICS, l2_normalization
from tfl2hw.ops.logarithm import logarithm
from tfl2hw.passes import evaluate, evaluate_network, lower
from tfl2hw.sim.oracle import interpret

INDEX_TYPES = {"int32": tflite.TensorType.INT32, "int64": tflite.TensorType.INT64}


def write(model: RandomModel, folder: Path) -> Path:
    path = folder / "model.tflite"
    path.write_bytes(model.finish(model.inputs, model.outputs))
    return path


def assert_exact(
    model: RandomModel,
    folder: Path,
    more: list[npt.NDArray[np.int8]] | None = None,
    numerics: tuple[str, ...] = NUMERICS,
) -> None:
    """Interpreter, reference and primitives agree, in type and value; ``more`` are a last sample's inputs."""
    path = write(model, folder)
    graph = load(path)
    shapes = [graph.tensors[index].shape for index in graph.inputs]
    samples = [[full_range(model.random, shape) for shape in shapes] for _ in range(3)]
    samples += [more] if more else []
    for arithmetic in numerics:
        network = lower(graph, arithmetic)
        for sample, expected in zip(samples, interpret(path, samples, arithmetic), strict=True):
            reference, maps = evaluate(graph, arithmetic, sample), evaluate_network(network, sample)
            for index, wanted in expected.items():
                assert reference[index].dtype == wanted.dtype
                np.testing.assert_array_equal(reference[index], wanted, err_msg=f"{arithmetic}, {index}")
                assert maps[index].tobytes() == wanted.tobytes(), f"primitive, {arithmetic}, tensor {index}"


LOG_CASES = [
    ((1, 2), 0.1), ((1, 12), 0.17), ((1, 1000), 0.02), ((1, 4095), 0.1), ((1, 511), 0.001), ((1, 10), 2.5),
    ((1, 300, 4, 5), 0.3), ((1, 1), 0.3), ((1, 7), 40.0), ((1, 4095), 1.0e-4),
    ((1, 7), 3.0e-7), ((1, 50, 3), 1.0e6), ((1, 9), 0.6),
    ((1, 400, 10), 0.065), ((1, 200, 30), 0.12), ((1, 200, 4), 0.25), ((1, 200, 3), 15.6), ((1, 99, 2), 31.0),
]  # fmt: skip


@pytest.mark.parametrize("seed", [1, 2])
def test_log_softmax(seed: int, tmp_path: Path) -> None:
    model = RandomModel(seed)
    for shape, scale in LOG_CASES:
        ifm = model.input(shape, scale=float(np.float32(scale * model.random.uniform(0.9, 1.1))))
        ofm = model.tensor(shape, scale=1 / 16, zero_point=127)
        model.operator("LOG_SOFTMAX", [ifm], [ofm])
        model.sink(ofm)
    assert_exact(model, tmp_path)


def test_log_softmax_of_near_rows(tmp_path: Path) -> None:
    """Rows whose sums of exponentials take many values in every octave."""
    model, inputs = RandomModel(5), []
    for depth in (2, 3, 5, 9, 17, 40, 90, 200, 500):
        ifm = model.input((1, 60, depth), scale=float(np.float32(0.03)))
        ofm = model.tensor((1, 60, depth), scale=1 / 16, zero_point=127)
        model.operator("LOG_SOFTMAX", [ifm], [ofm])
        model.sink(ofm)
        inputs.append(model.random.integers(60, 128, (1, 60, depth)).astype(np.int8))
    assert_exact(model, tmp_path, inputs)


L2_CASES = [
    (1, 2),
    (1, 12),
    (1, 1000),
    (1, 8256),
    (1, 30, 4, 5),
    (1, 1),
    (1, 40, 3),
    (1, 7),
    (1, 60, 7),
    (1, 50, 2),
]


@pytest.mark.parametrize("seed", [1, 2])
def test_l2_normalization(seed: int, tmp_path: Path) -> None:
    """Random rows, and rows so short that their sums of squares are 0, 1, 2 ..."""
    model, short = RandomModel(seed), []
    for shape in L2_CASES:
        ifm = model.input(shape)
        ofm = model.tensor(shape, scale=1 / 128)
        model.operator("L2_NORMALIZATION", [ifm], [ofm])
        model.sink(ofm)
        zero = model.tensors[ifm].zero_points[0]
        sizes = model.random.integers(0, 4, (*shape[:-1], 1))
        near = zero + model.random.integers(-2, 3, shape) * sizes // 3
        short.append(np.clip(near, -128, 127).astype(np.int8))
    assert_exact(model, tmp_path, short)


def test_l2_normalization_of_extremes(tmp_path: Path) -> None:
    """The largest sums of squares of the greatest depth, from either end's zero point."""
    model, ends = RandomModel(3), []
    for zero, value in ((-128, 127), (127, -128), (-128, -127), (0, 1)):
        ifm = model.input((1, 8256), zero_point=zero)
        ofm = model.tensor((1, 8256), scale=1 / 128)
        model.operator("L2_NORMALIZATION", [ifm], [ofm])
        model.sink(ofm)
        ends.append(np.full((1, 8256), value, np.int8))
    assert_exact(model, tmp_path, ends)


ARG_CASES = [
    ((1, 10), 1),
    ((1, 30, 5), -1),
    ((1, 4, 6, 3), 3),
    ((1, 4, 6, 3), 1),
    ((1, 4, 6, 3), -2),
    ((1, 3, 2, 5, 4), 2),
    ((1, 7), 0),
    ((1, 300), 1),
    ((1, 65535), 1),
    ((1, 9, 1), 2),
    ((1, 9, 1), 1),
]


def arg(
    model: RandomModel, operator: str, shape: tuple[int, ...], axis: int, index: str = "int32"
) -> tuple[int, int]:
    """Input and output of an operator of its own."""
    ifm = model.input(shape)
    dimension = model.tensor((1,), data=np.array([axis], np.int32))
    last = axis % len(shape)
    ofm = model.tensor(shape[:last] + shape[last + 1 :], dtype=index, name="ofm")
    model.operator(operator, [ifm, dimension], [ofm], OutputType=INDEX_TYPES[index])
    model.sink(ofm)
    return ifm, ofm


def arg_model(index: str) -> RandomModel:
    model = RandomModel(4)
    for operator in ("ARG_MAX", "ARG_MIN"):
        for shape, axis in ARG_CASES:
            arg(model, operator, shape, axis, index)
    return model


@pytest.mark.parametrize(("index", "numerics"), [("int32", NUMERICS), ("int64", ("litert-ref",))])
def test_arg(index: str, numerics: tuple[str, ...], tmp_path: Path) -> None:
    assert_exact(arg_model(index), tmp_path, numerics=numerics)


def test_logarithm_is_near() -> None:
    value = np.unique(np.exp(np.linspace(0, np.log(4095), 20000)) * 2**19).astype(np.int64)
    np.testing.assert_allclose(logarithm(value) / 2**26, np.log(value / 2**19), atol=1e-6)


def test_inverse_root_is_near() -> None:
    total = np.unique(np.exp(np.linspace(0, np.log(2**29 - 1), 5000))).astype(np.int64)
    multiplier, shift = l2_normalization.inverse_root(total)
    np.testing.assert_allclose(multiplier * 2.0 ** (shift - 31), total**-0.5, rtol=1e-3)


def rows(
    operator: str, scale: float, zero: int, *, depth: int = 4, ifm_scale: float = 0.1, **options: int
) -> RandomModel:
    model = RandomModel(1)
    ifm, ofm = (
        model.input((1, depth), scale=ifm_scale),
        model.tensor((1, depth), scale=scale, zero_point=zero),
    )
    model.operator(operator, [ifm], [ofm], **options)
    model.sink(ofm)
    return model


def odd_arg(axis: int = 1, depth: int = 4, ofm: tuple[int, ...] = (1,), dtype: str = "int32") -> RandomModel:
    model = RandomModel(1)
    ifm, dimension = model.input((1, depth)), model.tensor((1,), data=np.array([axis], np.int32))
    out = model.tensor(ofm, dtype=dtype)
    model.operator("ARG_MAX", [ifm, dimension], [out], OutputType=tflite.TensorType.INT32)
    model.sink(out)
    return model


REFUSED: list[tuple[Callable[[], RandomModel], str]] = [
    (
        lambda: rows("LOG_SOFTMAX", 1 / 8, 127),
        "has scale 0.125 and zero point 127; accepted: OFM has scale 1/16",
    ),
    (
        lambda: rows("LOG_SOFTMAX", 1 / 16, 127, depth=4096),
        "has shape (1, 4096); accepted: the last axis has 1 to",
    ),
    (lambda: rows("LOG_SOFTMAX", 1 / 16, 127, ifm_scale=1e-9), "scale 1e-09; accepted: scale * 2**26"),
    (lambda: rows("L2_NORMALIZATION", 1 / 128, 1), "zero point 1; accepted: OFM has scale 1/128"),
    (lambda: rows("L2_NORMALIZATION", 1 / 128, 0, depth=8257), "(1, 8257); accepted: IFM has rank 1 to 4"),
    (
        lambda: rows("L2_NORMALIZATION", 1 / 128, 0, FusedActivationFunction=1),
        "fused activation RELU; accepted: the fused activation is NONE",
    ),
    (lambda: odd_arg(axis=2), "axis 2 of rank 2; accepted: the axis is one constant"),
    (lambda: odd_arg(depth=65536), "(1, 65536); accepted: the axis has 1 to 65535 elements"),
    (lambda: odd_arg(ofm=(1, 1)), "is recorded as (1, 1) where the operator makes (1,)"),
    (lambda: odd_arg(dtype="int64"), "is int64, the output type int32; accepted: OFM is int32 or int64"),
]


@pytest.mark.parametrize(("model", "words"), REFUSED, ids=range(len(REFUSED)))
def test_refused_in_these_words(model: Callable[[], RandomModel], words: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError) as caught:
        lower(load(write(model(), tmp_path)), "litert-ref")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
