"""LOG_SOFTMAX, L2_NORMALIZATION, ARG_MAX and ARG_MIN against the interpreters."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import tflite

from tests.ops.agree import RandomModel, full_range
from tfl2hw.frontend import load
from tfl2hw.ir.row_primitives import ArgMax, L2Normalize, LogSoftmax
from tfl2hw.ops import NUMERICS, Node, arg_max, l2_normalization, log_softmax
from tfl2hw.ops.logarithm import logarithm
from tfl2hw.ops.node import Kind, refusals
from tfl2hw.sim.oracle import interpret

KINDS: Mapping[str, Kind] = {
    kind.name: kind for kind in (log_softmax.KIND, l2_normalization.KIND, arg_max.ARG_MAX, arg_max.ARG_MIN)
}
INDEX_TYPES = {"int32": tflite.TensorType.INT32, "int64": tflite.TensorType.INT64}


@pytest.fixture(autouse=True)
def _known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tfl2hw.frontend.operators.OPERATORS", KINDS)


def nodes(model: RandomModel, folder: Path) -> tuple[Path, list[Node]]:
    path = folder / "model.tflite"
    path.write_bytes(model.finish(model.inputs, model.outputs))
    graph = load(path)
    return path, [Node(graph=graph, operator=operator) for operator in graph.operators]


def computed(node: Node, given: npt.NDArray[np.int8], numerics: Any) -> npt.NDArray[Any]:
    primitive = KINDS[node.operator.op].lower(node, numerics)
    rows = given.reshape(primitive.rows, primitive.depth).astype(np.int64)
    if isinstance(primitive, LogSoftmax):
        return log_softmax.compute(primitive, rows).reshape(-1)
    if isinstance(primitive, L2Normalize):
        return l2_normalization.compute(primitive, rows).reshape(-1)
    assert isinstance(primitive, ArgMax)
    raw = arg_max.compute(primitive, rows).astype(np.int8)
    return np.frombuffer(raw.tobytes(), node.output.dtype)


def assert_exact(
    model: RandomModel, folder: Path, more: list[npt.NDArray[np.int8]] | None = None, numerics: Any = NUMERICS
) -> None:
    """Interpreter, reference and primitive agree; ``more`` are a last sample's inputs."""
    path, found = nodes(model, folder)
    assert [refusals(node, KINDS[node.operator.op]) for node in found] == [[]] * len(found)
    samples = [[full_range(model.random, node.input(0).shape) for node in found] for _ in range(3)]
    samples += [more] if more else []
    for arithmetic in numerics:
        for sample, expected in zip(samples, interpret(path, samples, arithmetic), strict=True):
            for node, given in zip(found, sample, strict=True):
                kind, wanted = KINDS[node.operator.op], expected[node.output.index]
                got = kind.reference(node, [given], arithmetic)
                assert got.dtype == wanted.dtype
                np.testing.assert_array_equal(got, wanted, err_msg=f"{arithmetic}, {node.operator}")
                np.testing.assert_array_equal(computed(node, given, arithmetic), wanted.reshape(-1))


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
    ((1, 300), 1),
    ((1, 65535), 1),
    ((1, 9, 1), 2),
]


def arg_model(index: str) -> RandomModel:
    model = RandomModel(4)
    for operator in ("ARG_MAX", "ARG_MIN"):
        for shape, axis in ARG_CASES:
            ifm = model.input(shape)
            dimension = model.tensor((1,), data=np.array([axis], np.int32))
            ofm = model.tensor(shape[:-1], dtype=index)
            model.operator(operator, [ifm, dimension], [ofm], OutputType=INDEX_TYPES[index])
            model.sink(ofm)
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
