"""The interpreters in their child processes: results, and sentences instead of crashes."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from tests.ops.agree import RandomModel
from tfl2hw.errors import ModelError, ToolError, UsageError
from tfl2hw.sim import oracle
from tfl2hw.sim.oracle import interpret


def softmax_model(folder: Path, shape: tuple[int, ...], scale: float) -> Path:
    model = RandomModel(1)
    ifm = model.input(shape, scale=scale)
    ofm = model.tensor(shape, scale=1 / 256, zero_point=-128)
    model.operator("SOFTMAX", [ifm], [ofm])
    path = folder / "model.tflite"
    path.write_bytes(model.finish([ifm], [ofm]))
    return path


@pytest.mark.parametrize("numerics", ["litert-ref", "tflm"])
def test_every_activation_of_every_sample(numerics: str, tmp_path: Path) -> None:
    path = softmax_model(tmp_path, (1, 3), 0.1)
    samples = [[np.array([[1, 2, 3]], np.int8)], [np.array([[9, -9, 0]], np.int8)]]
    results = interpret(path, samples, numerics)
    assert [sorted(result) for result in results] == [[0, 1], [0, 1]]
    np.testing.assert_array_equal(results[1][0], samples[1][0])
    assert results[0][1].dtype == np.int8
    assert results[0][1].shape == (1, 3)
    assert results[0][1][0].argmax() == 2
    assert results[1][1][0].argmax() == 0


def test_known_words(models_dir: Path, inputs_dir: Path) -> None:
    """The class in each input's name is what LiteRT answers, but for those it is known to miss."""
    files = sorted(inputs_dir.glob("kws_*.dat"))
    samples = [[np.fromfile(file, np.int8).reshape(1, 49, 10, 1)] for file in files]
    results = interpret(models_dir / "kws_int8.tflite", samples, "litert-ref")
    right = [
        int(result[34].argmax()) == int(file.stem.split("_")[2])
        for file, result in zip(files, results, strict=True)
    ]
    assert sum(right) >= len(files) - 1


@pytest.mark.parametrize(("numerics", "other"), [("litert-ref", "tflm"), ("tflm", "litert-ref")])
def test_an_abort_is_a_sentence(numerics: str, other: str, tmp_path: Path) -> None:
    """Deep and near-uniform: an assertion in either interpreter ends its process."""
    path = softmax_model(tmp_path, (1, 4000), 0.0001)
    with pytest.raises(ToolError, match=f"aborted on the model with SIG.*--numerics {other}"):
        interpret(path, [[np.zeros((1, 4000), np.int8)]], numerics)


def test_a_refused_model_is_a_sentence(models_dir: Path) -> None:
    with pytest.raises(ModelError, match=r"refuses the model \(quantized_dimension.*--numerics tflm"):
        interpret(
            models_dir / "person_detect_int8.tflite", [[np.zeros((1, 96, 96, 1), np.int8)]], "litert-ref"
        )


def test_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = tmp_path / "python"
    fake.write_text("#!/bin/sh\necho \"No module named 'ai_edge_litert'\" >&2\nexit 3\n")
    fake.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(fake))
    with pytest.raises(ToolError, match=r"No module named 'ai_edge_litert'.*pip install 'tfl2hw\[sim\]'"):
        interpret(softmax_model(tmp_path, (1, 3), 0.1), [[np.zeros((1, 3), np.int8)]], "litert-ref")


def test_a_slow_interpreter_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oracle, "TIMEOUT_SECONDS", 0.01)
    with pytest.raises(ToolError, match="did not finish"):
        interpret(softmax_model(tmp_path, (1, 3), 0.1), [[np.zeros((1, 3), np.int8)]], "litert-ref")


def test_wrong_inputs(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="takes int8"):
        interpret(softmax_model(tmp_path, (1, 3), 0.1), [[np.zeros((1, 4), np.int8)]], "tflm")
    with pytest.raises(UsageError, match="are unknown"):
        interpret(softmax_model(tmp_path, (1, 3), 0.1), [], "float")
