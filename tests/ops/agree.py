"""Random operators in real files, and the check that every link of the chain gives the same bytes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tflite

from tests.build_model import ModelBuilder
from tfl2hw.codegen.compile import compile_model
from tfl2hw.frontend import load
from tfl2hw.ops import NUMERICS
from tfl2hw.passes import evaluate, evaluate_network, lower
from tfl2hw.passes.pipeline import known_numerics
from tfl2hw.sim.inference import run_core
from tfl2hw.sim.oracle import interpret

Maps = dict[int, npt.NDArray[Any]]
SAME, VALID = tflite.Padding.SAME, tflite.Padding.VALID
NONE, RELU = tflite.ActivationFunctionType.NONE, tflite.ActivationFunctionType.RELU
RELU6, RELU_N1_TO_1 = tflite.ActivationFunctionType.RELU6, tflite.ActivationFunctionType.RELU_N1_TO_1


class RandomModel(ModelBuilder):
    """A model of independent random operators, each with inputs and an output of its own."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.random = np.random.default_rng(seed)
        self.inputs: list[int] = []
        self.outputs: list[int] = []

    def scale(self, low: float = 0.002, high: float = 0.2) -> float:
        """A random scale, as float32 has it."""
        return float(np.float32(np.exp(self.random.uniform(np.log(low), np.log(high)))))

    def zero(self) -> int:
        return int(self.random.integers(-128, 128))

    def activation(self, shape: tuple[int, ...], **fields: Any) -> int:
        """A random int8 activation."""
        return self.tensor(shape, **{"scale": self.scale(), "zero_point": self.zero(), **fields})

    def input(self, shape: tuple[int, ...], **fields: Any) -> int:
        """A random int8 activation that is an input of the model."""
        self.inputs.append(self.activation(shape, **fields))
        return self.inputs[-1]

    def weights(self, shape: tuple[int, ...], axis: int | None) -> int:
        """Random int8 weights, -128 among them, scaled per tensor (axis None) or by ``axis``."""
        values = self.random.integers(-128, 128, shape).astype(np.int8)
        count = 1 if axis is None else shape[axis]
        return self.tensor(shape, scale=[self.scale() for _ in range(count)], axis=axis or 0, data=values)

    def bias(self, source: int, weights: int, channels: int) -> int:
        """A random int32 bias at the scales that TFLite wants of it."""
        step = np.float32(self.tensors[source].scales[0]) * np.array(self.tensors[weights].scales, np.float32)
        values = self.random.integers(-20000, 20000, channels).astype(np.int32)
        return self.tensor((channels,), scale=[float(s) for s in step], data=values)

    def output_scale(self, source: int, weights: int, taps: int) -> float:
        """A scale at which random sums of ``taps`` products use the range of a byte."""
        product = self.tensors[source].scales[0] * max(self.tensors[weights].scales)
        return float(np.float32(product * 5400 * np.sqrt(taps) / self.random.uniform(20, 90)))

    def sink(self, *outputs: int) -> None:
        self.outputs += outputs


def assert_exact(model: RandomModel, folder: Path, numerics: tuple[str, ...] = NUMERICS) -> None:
    """Interpreter, operator reference and primitives agree on every tensor for several inputs."""
    path = folder / "model.tflite"
    path.write_bytes(model.finish(model.inputs, model.outputs))
    graph = load(path)
    shapes = [graph.tensors[index].shape for index in graph.inputs]
    assert_agreement(
        path, [[full_range(model.random, shape) for shape in shapes] for _ in range(3)], numerics
    )


def full_range(random: np.random.Generator, shape: tuple[int, ...]) -> npt.NDArray[np.int8]:
    """Random bytes over the whole range, its ends more often."""
    values = random.integers(-128, 128, shape)
    ends = random.random(shape)
    return np.where(ends < 0.05, -128, np.where(ends > 0.95, 127, values)).astype(np.int8)


def assert_agreement(
    path: Path, samples: list[list[npt.NDArray[Any]]], numerics: tuple[str, ...] = NUMERICS
) -> None:
    """The same for given inputs of the model at ``path``; and the prebuilt core computes it so in simulation.

    The hardware runs once for each arithmetic that gives other bytes than those before.
    """
    graph = load(path)
    simulated: list[list[Maps]] = []
    for arithmetic in numerics:
        network = lower(graph, arithmetic)
        results = []
        for arrays, expected in zip(samples, interpret(path, samples, arithmetic), strict=True):
            reference = evaluate(graph, arithmetic, arrays)
            maps = evaluate_network(network, arrays)
            for index in reference:
                name = f"{arithmetic}, tensor {index} '{graph.tensors[index].name}'"
                np.testing.assert_array_equal(reference[index], expected[index], err_msg=f"reference, {name}")
                whole = np.ascontiguousarray(expected[index]).view(np.int8).reshape(-1)
                np.testing.assert_array_equal(maps[index].reshape(-1), whole, err_msg=f"primitive, {name}")
            assert len(set(maps) & set(graph.tensors)) == len(reference)
            results.append(reference)
        if not any(_same(results, before) for before in simulated):
            assert_hardware(path, samples, arithmetic, results)
            simulated.append(results)


def assert_hardware(
    path: Path, samples: list[list[npt.NDArray[np.int8]]], numerics: str, expected: list[Maps]
) -> None:
    """Every tensor that the prebuilt core makes is the ``expected`` one, in the predicted cycles."""
    compiled = compile_model(path, "sim-large", known_numerics(numerics))
    for run, wanted in zip(run_core(compiled, samples, lambda *_: None), expected, strict=True):
        found = run.tensors | dict(zip(compiled.network.outputs, run.outputs, strict=True))
        for index, values in found.items():
            name = f"tensor {index} '{compiled.graph.tensors[index].name}'"
            np.testing.assert_array_equal(values, wanted[index], err_msg=f"hardware, {numerics}, {name}")
        assert run.cycles == compiled.predicted_cycles


def _same(one: list[Maps], other: list[Maps]) -> bool:
    return all(
        np.array_equal(first[index], second[index])
        for first, second in zip(one, other, strict=True)
        for index in first
    )
