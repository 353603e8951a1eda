"""The real models on their real inputs: every tensor of the simulated hardware is the interpreter's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from tfl2hw.cli.inputs import random_samples
from tfl2hw.codegen.compile import compile_model
from tfl2hw.frontend import load
from tfl2hw.ops import NUMERICS, Numerics
from tfl2hw.sim.inference import run_samples

Int8 = npt.NDArray[np.int8]

PATTERNS = {
    "kws_int8": "kws_*.dat",
    "resnet8_int8": "imgc_quant_*.dat",
    "vww_96_int8": "vww_quant_test_*.dat",
    "ad01_int8": "anomd_quant_*.dat",
    "mnv2_160_035": "mnv2_*.dat",
    "person_detect_int8": "*.bmp",
    "sww_int8": "",
    "micro_speech": "",
    "hello_world_int8": "",
}
"""The files with each model's inputs; none: five random inputs over the whole range."""

LITERT_REFUSES = ("person_detect_int8",)
"""LiteRT does not take the axis of its biases' quantisation."""


def inputs(path: Path, folder: Path) -> Iterator[tuple[Int8, ...]]:
    graph = load(path)
    shape = graph.tensors[graph.inputs[0]].shape
    files = sorted(folder.glob(PATTERNS[path.stem])) if PATTERNS[path.stem] else []
    if not files:
        yield from (sample.inputs for sample in random_samples(graph, 5, seed=1))
    for file in files:
        for values in slices(file):
            yield (values.reshape(-1, *shape[1:]),)


def slices(file: Path) -> Iterator[Int8]:
    """The inputs in one file, as int8."""
    raw = np.frombuffer(file.read_bytes(), np.uint8)
    if file.suffix == ".bmp":  # grey, the lowest row first
        start = int.from_bytes(file.read_bytes()[10:14], "little")
        yield (raw[start:].reshape(96, 96)[::-1].astype(np.int16) - 128).astype(np.int8)
    elif file.name.startswith("mnv2"):
        yield (raw.astype(np.int16) - 128).astype(np.int8)
    elif file.name.startswith("anomd"):  # 40 windows of 640
        yield from raw.view(np.int8).reshape(-1, 640)
    else:
        yield raw.view(np.int8)


@pytest.mark.long
@pytest.mark.parametrize("numerics", NUMERICS)
@pytest.mark.parametrize("name", PATTERNS)
def test_every_tensor(name: str, numerics: Numerics, models_dir: Path, inputs_dir: Path) -> None:
    if numerics == "litert-ref" and name in LITERT_REFUSES:
        pytest.skip("LiteRT refuses the model")
    path = models_dir / f"{name}.tflite"
    samples = list(inputs(path, inputs_dir))
    compiled = compile_model(path, "sim-large", numerics)
    result = run_samples(compiled, samples, numerics, lambda *_: None)
    assert result.mismatches == ()
    assert {run.cycles for run in result.runs} == {compiled.predicted_cycles}
    tensors = {tensor for layer in compiled.schedule.layers for tensor in layer.outputs}
    assert result.tensors_checked == len(samples) * len(tensors & set(compiled.graph.tensors))
    print(f"{name} {numerics}: {len(samples)} samples, {result.tensors_checked} tensors, all exact")
