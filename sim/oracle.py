"""The real interpreters, as oracles: every activation tensor of a model for given inputs."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from math import prod
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tfl2hw.errors import ModelError, ToolError
from tfl2hw.frontend import load
from tfl2hw.ir.graph import Graph
from tfl2hw.ops.node import called
from tfl2hw.passes.evaluate import bound_inputs
from tfl2hw.passes.pipeline import known_numerics, settled
from tfl2hw.sim.oracle_child import NOT_INSTALLED, REFUSED

INTERPRETERS = {"litert-ref": "LiteRT's reference interpreter", "tflm": "TFLite Micro's interpreter"}
TIMEOUT_SECONDS = 600
Arrays = Sequence[npt.NDArray[Any]]
Child = Callable[[Path], "subprocess.CompletedProcess[str]"]
"""Runs the job in a file, away from this process, and gives its exit code and what it said."""


def fresh_child(job: Path) -> subprocess.CompletedProcess[str]:
    """Run ``job`` in a process of its own, away from the user's folder, whose modules it must not import.

    Raises
    ------
    subprocess.TimeoutExpired : it did not finish.
    """
    return subprocess.run(
        [sys.executable, "-m", "tfl2hw.sim.oracle_child", str(job)],
        cwd=job.parent,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=TIMEOUT_SECONDS,
        check=False,
    )


def interpret(
    model_path: str | PathLike[str], inputs: Sequence[Arrays], numerics: str, child: Child = fresh_child
) -> list[dict[int, npt.NDArray[Any]]]:
    """For each sample, every activation tensor by its index, in the file's type and its shape at run time.

    What only computes shapes is left out.

    Parameters
    ----------
    inputs : samples, each with one array a model input, of the file's type.
    numerics : "litert-ref" (LiteRT, BUILTIN_REF) or "tflm" (TFLite Micro).
    child : what runs the interpreter.

    Raises
    ------
    ModelError : the model is not accepted, by the frontend or by the interpreter.
    UsageError : the inputs do not fit the model's, or no such numerics.
    ToolError : the interpreter is not installed, aborted, or did not finish.
    """
    known_numerics(numerics)
    recorded = load(model_path)
    graph = settled(recorded)
    if numerics == "tflm":
        _check_recorded(recorded, graph)
    samples = [bound_inputs(graph, arrays) for arrays in inputs]
    with tempfile.TemporaryDirectory(prefix="tfl2hw-oracle-") as folder:
        job = _write_job(graph, samples, numerics, Path(folder))
        _run(graph, numerics, job, child)
        with np.load(Path(folder) / "results.npz") as results:
            return [
                {
                    index: results[f"{sample}_{index}"].reshape(graph.tensors[index].shape)
                    for index in _activations(graph)
                }
                for sample in range(len(samples))
            ]


def _check_recorded(recorded: Graph, graph: Graph) -> None:
    """TFLite Micro computes with the shapes that the file records, right or wrong."""
    for index in _activations(graph):
        found, wanted = recorded.tensors[index], graph.tensors[index].shape
        if prod(found.shape) != prod(wanted):
            raise ModelError(
                f"{graph.file}: {INTERPRETERS['tflm']} cannot run the model as written: it keeps to recorded "
                f"shapes, and {called(found)} is recorded as {found.shape} where the operators make {wanted} "
                "(the converter's error, where the batch is left open); convert with keras.Input(shape, "
                "batch_size=1), or use LiteRT's arithmetic: --numerics litert-ref"
            )


def _write_job(graph: Graph, samples: list[dict[int, npt.NDArray[Any]]], numerics: str, folder: Path) -> Path:
    """The child's job file, and its inputs."""
    arrays = {
        f"{number}_{position}": sample[index]
        for number, sample in enumerate(samples)
        for position, index in enumerate(graph.inputs)
    }
    np.savez(folder / "inputs.npz", **arrays)  # type: ignore[arg-type]
    sizes = sum(4 * prod(graph.tensors[index].shape) for index in _activations(graph))
    job = {
        "model": str(Path(graph.file).resolve()),
        "numerics": numerics,
        "samples": len(samples),
        "input_count": len(graph.inputs),
        "tensors": _activations(graph),
        "inputs": str(folder / "inputs.npz"),
        "results": str(folder / "results.npz"),
        "arena": 4 * sizes + 10 * Path(graph.file).stat().st_size + (1 << 20),
    }
    path = folder / "job.json"
    path.write_text(json.dumps(job))
    return path


def _activations(graph: Graph) -> list[int]:
    written = {index for operator in graph.operators for index in operator.outputs}
    return sorted({*graph.inputs, *written})


def _run(graph: Graph, numerics: str, job: Path, child: Child) -> None:
    name = INTERPRETERS[numerics]
    try:
        done = child(job)
    except subprocess.TimeoutExpired as error:
        raise ToolError(f"{graph.file}: {name} did not finish in {TIMEOUT_SECONDS} seconds") from error
    if done.returncode == 0:
        return
    if done.returncode == NOT_INSTALLED:
        raise ToolError(f"{name} is not installed ({_last(done.stderr)}): pip install 'tfl2hw[sim]'")
    other = next(numbers for numbers in INTERPRETERS if numbers != numerics)
    advice = f"compare with {INTERPRETERS[other]} instead: --numerics {other}"
    if done.returncode == REFUSED:
        raise ModelError(f"{graph.file}: {name} refuses the model ({_last(done.stderr)}); {advice}")
    aborted = done.returncode < 0
    how = signal.Signals(-done.returncode).name if aborted else f"exit code {done.returncode}"
    raise ToolError(f"{graph.file}: {name} aborted on the model with {how} ({_last(done.stderr)}); {advice}")


def _last(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return lines[-1][:300] if lines else "no message"
