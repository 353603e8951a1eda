"""The MLPerf Tiny models and others: interpreter, operator references and primitives agree everywhere."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.ops.agree import assert_agreement, full_range
from tfl2hw.frontend import load
from tfl2hw.ops import NUMERICS

REAL_INPUTS = {
    "kws_int8": "kws_yes_9.dat",
    "resnet8_int8": "imgc_quant_cat.dat",
    "vww_96_int8": "vww_quant_test_yes_0.dat",
    "ad01_int8": "anomd_quant_anomaly_0.dat",
}


@pytest.mark.parametrize("name", REAL_INPUTS)
def test_mlperf_tiny(name: str, models_dir: Path, inputs_dir: Path) -> None:
    """A real input and a random one over the full range, both numerics, every tensor."""
    path = models_dir / f"{name}.tflite"
    graph = load(path)
    shape = graph.tensors[graph.inputs[0]].shape
    real = np.fromfile(inputs_dir / REAL_INPUTS[name], np.int8)[: int(np.prod(shape))].reshape(shape)
    assert_agreement(path, [[real], [full_range(np.random.default_rng(1), shape)]])


@pytest.mark.parametrize(
    ("name", "numerics"),
    [
        ("sww_int8", NUMERICS),
        ("hello_world_int8", NUMERICS),
        ("micro_speech", NUMERICS),
        ("person_detect_int8", ("tflm",)),  # LiteRT refuses its bias tensors' quantized_dimension
    ],
)
def test_others(name: str, numerics: tuple[str, ...], models_dir: Path) -> None:
    path = models_dir / f"{name}.tflite"
    graph = load(path)
    shape = graph.tensors[graph.inputs[0]].shape
    assert_agreement(path, [[full_range(np.random.default_rng(1), shape)]], numerics)
