"""Float32 and uint8 inputs and outputs: the host converts exactly as the interpreter does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.edge_models import converted_edges
from tests.ops.agree import RandomModel
from tfl2hw.codegen import compile_model
from tfl2hw.errors import ModelError
from tfl2hw.frontend import load
from tfl2hw.ops import NUMERICS
from tfl2hw.passes import conversions, evaluate, evaluate_network, lower, review
from tfl2hw.sim.inference import run_samples
from tfl2hw.sim.oracle import interpret


def written(model: RandomModel, folder: Path) -> Path:
    path = folder / "model.tflite"
    path.write_bytes(model.finish(model.inputs, model.outputs))
    return path


def inputs_of(model: RandomModel, path: Path) -> list[np.ndarray]:
    """Values over more than the range of int8, and exactly halfway between two bytes."""
    (conversion,) = [
        conversion for index, conversion in conversions(load(path)).items() if index in model.inputs
    ]
    if conversion.dtype == "uint8":
        return [model.random.integers(0, 256, (1, 16)).astype(np.uint8) for _ in range(20)]
    scale, zero = np.float32(conversion.int8.scale), conversion.int8.zero_point
    steps = [model.random.uniform(-200, 200, (1, 16)) for _ in range(10)]
    steps += [model.random.integers(-200, 200, (1, 16)) + 0.5 for _ in range(10)]
    return [(scale * (each - zero).astype(np.float32)).astype(np.float32) for each in steps]


def quantisations(seed: int) -> tuple[dict[str, Any], dict[str, Any]]:
    random = np.random.default_rng(seed)
    first, second = (
        {"scale": float(np.float32(random.uniform(0.003, 0.1))), "zero_point": int(random.integers(256))}
        for _ in range(2)
    )
    return first, second


@pytest.mark.parametrize("numerics", NUMERICS)
@pytest.mark.parametrize(("dtype", "seed"), [("float32", 1), ("float32", 2), ("uint8", 3), ("uint8", 4)])
def test_host_converts_as_the_interpreter(dtype: str, seed: int, numerics: str, tmp_path: Path) -> None:
    entry, leave = quantisations(seed) if dtype == "uint8" else ({}, {})
    model = converted_edges(seed, dtype, entry, leave)
    path = written(model, tmp_path)
    graph, made = load(path), conversions(load(path))
    assert set(made) == {*model.inputs, *model.outputs}
    arrays = inputs_of(model, path)
    network = lower(graph, numerics)
    for values, expected in zip(arrays, interpret(path, [[a] for a in arrays], numerics), strict=True):
        reference = evaluate(graph, numerics, [values])
        device = [made[index].to_device(values) for index in graph.inputs]
        maps = evaluate_network(network, device)
        for index in reference:
            np.testing.assert_array_equal(reference[index], expected[index])
        for index, inner in zip(graph.outputs, network.outputs, strict=True):
            answer = made[index].from_device(maps[inner].reshape(1, 6).astype(np.int8))
            assert answer.dtype.name == dtype
            np.testing.assert_array_equal(answer, expected[index])


def test_every_byte_at_one_scale_differs_by_128(tmp_path: Path) -> None:
    model = RandomModel(1)
    given = model.tensor((1, 256), dtype="uint8", scale=0.5, zero_point=100)
    inner = model.tensor((1, 256), scale=0.5, zero_point=-28)
    answer = model.tensor((1, 256), scale=1 / 256, zero_point=-128)
    model.operator("QUANTIZE", [given], [inner])
    model.operator("SOFTMAX", [inner], [answer])
    path = tmp_path / "model.tflite"
    path.write_bytes(model.finish([given], [answer]))
    every = np.arange(256, dtype=np.uint8)
    np.testing.assert_array_equal(
        conversions(load(path))[given].to_device(every), every.astype(np.int16) - 128
    )


def test_extreme_floats_saturate(tmp_path: Path) -> None:
    path = written(converted_edges(1, "float32"), tmp_path)
    conversion = conversions(load(path))[0]
    values = np.array([np.inf, -np.inf, 3e38, -3e38, 0], np.float32)
    assert conversion.to_device(values).tolist() == [127, -128, 127, -128, conversion.int8.zero_point]


@pytest.mark.parametrize("dtype", ["float32", "uint8"])
def test_on_the_core(dtype: str, tmp_path: Path) -> None:
    """Simulated: outputs in the file's type, and they are compared."""
    model = converted_edges(5, dtype, *(quantisations(5) if dtype == "uint8" else ()))
    path = written(model, tmp_path)
    compiled = compile_model(path, "sim-large")
    result = run_samples(compiled, [inputs_of(model, path)[:1]], "litert-ref", lambda *_: None)
    assert not result.mismatches
    assert result.runs[0].outputs[0].dtype.name == dtype
    assert result.tensors_checked == 2


def refused(model: RandomModel, folder: Path) -> str:
    graph = load(written(model, folder))
    with pytest.raises(ModelError) as caught:
        lower(graph, "litert-ref")
    assert not all(verdict.accepted for verdict in review(graph))
    return str(caught.value)


def test_input_that_two_read(tmp_path: Path) -> None:
    model = converted_edges(1, "float32")
    other = model.activation((1, 16))
    model.operator("QUANTIZE", [0], [other])
    model.sink(other)
    assert "QUANTIZE" in refused(model, tmp_path)


def test_output_that_is_read(tmp_path: Path) -> None:
    model = converted_edges(1, "float32")
    again = model.activation((1, 6))
    model.operator("QUANTIZE", [model.outputs[0]], [again])
    model.sink(again)
    assert "DEQUANTIZE" in refused(model, tmp_path)


def test_an_edge_without_a_network(tmp_path: Path) -> None:
    """QUANTIZE, then DEQUANTIZE: nothing would be left for the core."""
    model = RandomModel(1)
    given, inner = model.tensor((1, 4), dtype="float32"), model.activation((1, 4))
    model.operator("QUANTIZE", [given], [inner])
    answer = model.tensor((1, 4), dtype="float32")
    model.operator("DEQUANTIZE", [inner], [answer])
    model.inputs = [given]
    model.sink(answer)
    refused(model, tmp_path)


def test_one_tensor_leaves_in_two_types(tmp_path: Path) -> None:
    """The int8 tensor before the DEQUANTIZE is an output itself, and another float32 is made of it."""
    model = converted_edges(6, "float32")
    (inner,) = model.operators[-1].inputs
    again = model.tensor((1, 6), dtype="float32")
    model.operator("DEQUANTIZE", [inner], [again])
    model.sink(inner, again)
    path = written(model, tmp_path)
    values = inputs_of(model, path)[0]
    compiled = compile_model(path, "sim-large")
    result = run_samples(compiled, [[values]], "litert-ref", lambda *_: None)
    assert compiled.network.outputs == (inner,) * 3
    assert [output.dtype.name for output in result.runs[0].outputs] == ["float32", "int8", "float32"]
    assert not result.mismatches
