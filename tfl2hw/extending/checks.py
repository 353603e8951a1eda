"""What the tests of an extension call. Each raises AssertionError with a sentence on the first difference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tfl2hw.codegen import compile_model
from tfl2hw.codegen.functions import first_difference
from tfl2hw.codegen.multipliers import first_wrong
from tfl2hw.frontend import load
from tfl2hw.ir.graph import Tensor
from tfl2hw.ops.node import Numerics
from tfl2hw.passes import evaluate, evaluate_network, lower
from tfl2hw.rtl_templates.parts import Multiplier, VectorFunction
from tfl2hw.sim.inference import run_samples
from tfl2hw.sim.oracle import interpret

Arrays = Sequence[npt.NDArray[Any]]


def check_references(
    model: str | PathLike[str], samples: Sequence[Arrays], numerics: Numerics = "litert-ref"
) -> None:
    """The operators' references, their primitives and the interpreter give the same bytes of every tensor.

    ``samples`` are inputs, an array a model input each. A second suffices: nothing is compiled. It needs
    tfl2hw[sim].
    """
    graph = load(model)
    network = lower(graph, numerics)
    for number, (arrays, expected) in enumerate(
        zip(samples, interpret(model, samples, numerics), strict=True)
    ):
        values = evaluate(graph, numerics, arrays)
        maps = evaluate_network(network, [values[index] for index in network.inputs])
        for index, found in values.items():
            name = f"sample {number}, tensor {index} '{graph.tensors[index].name}'"
            _same(found, expected[index], f"{name}: reference and interpreter")
            whole = np.ascontiguousarray(found).view(np.int8)
            _same(maps[index].reshape(-1), whole.reshape(-1), f"{name}: primitives and reference")


def check_hardware(
    model: str | PathLike[str],
    samples: Sequence[Arrays],
    board: str,
    numerics: Numerics = "litert-ref",
    **options: Any,
) -> int:
    """The simulated core gives the interpreter's bytes of every tensor, in the predicted cycles: how many.

    ``options`` are those of ``tfl2hw.codegen.compile_model``. It needs tfl2hw[sim], and half a minute for a
    core that was not simulated before.
    """
    compiled = compile_model(Path(model), board, numerics, **options)
    found = run_samples(compiled, samples, numerics, lambda *_: None)
    for each in found.mismatches:
        raise AssertionError(f"sample {each.sample}, tensor {each.tensor} '{each.name}': {each.first}")
    for run in found.runs:
        assert run.cycles == compiled.predicted_cycles, (
            f"{run.cycles} cycles, not {compiled.predicted_cycles}"
        )
    return compiled.predicted_cycles


def check_function(function: VectorFunction, lanes: Sequence[int] = (8,), **fields: int) -> None:
    """The unit makes what the reference says, when it says, of all bytes or all pairs of bytes.

    ``lanes`` are the bytes of the words that it is tried with, ``fields`` values of the function's fields.
    """
    places = np.random.default_rng(0).permutation(1 << (8 * function.operands))
    operands = [(places >> (8 * number) & 255) - 128 for number in range(function.operands)]
    for count in lanes:
        words = np.array(operands, np.int64).reshape(len(operands), -1, count)
        wrong = first_difference(function, fields, words)
        assert wrong is None, f"{function.name} {wrong}"


def check_multiplier(multiplier: Multiplier) -> None:
    """All 65,536 products are exact, and come with each latency that the multiplier says it can have."""
    for latency in multiplier.latencies:
        wrong = first_wrong(multiplier, latency)
        assert wrong is None, "{} * {} = {} after {} cycles".format(*wrong, latency)


def random_samples(
    model: str | PathLike[str], count: int = 3, seed: int = 0
) -> list[list[npt.NDArray[np.int8]]]:
    """``count`` random inputs of an int8 model, over the whole range."""
    graph, random = load(model), np.random.default_rng(seed)
    tensors: Mapping[int, Tensor] = graph.tensors
    return [
        [random.integers(-128, 128, tensors[index].shape).astype(np.int8) for index in graph.inputs]
        for _ in range(count)
    ]


def _same(found: npt.NDArray[Any], wanted: npt.NDArray[Any], what: str) -> None:
    places = np.argwhere(found != wanted)
    assert not len(places), (
        f"{what} differ at {tuple(int(axis) for axis in places[0])}: {found[tuple(places[0])]}, "
        f"{wanted[tuple(places[0])]}"
    )
