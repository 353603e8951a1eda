"""Sounds: through the user's own function, or not at all."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest

from tfl2hw.errors import UsageError
from tfl2hw.ir.graph import Tensor
from tfl2hw.ir.quantisation import Quantisation
from tfl2hw.runtime.sound import load_features, load_sound

TENSOR = Tensor(
    index=0, name="x", shape=(1, 3), dtype="int8", quantisation=Quantisation(scales=(0.5,), zero_points=(0,))
)
FUNCTIONS = """
def means(samples, rate):
    return [float(samples.mean()), rate / 1000, float(samples.ndim)]
def failing(samples, rate):
    raise RuntimeError("no sound")
def short(samples, rate):
    return [1.0]
value = 3
"""


def sound(file: Path, samples: np.ndarray, channels: int = 1, width: int = 2) -> Path:
    with wave.open(str(file), "wb") as target:
        target.setnchannels(channels)
        target.setsampwidth(width)
        target.setframerate(16000)
        target.writeframes(samples.tobytes())
    return file


@pytest.fixture
def functions(tmp_path: Path) -> Path:
    (tmp_path / "own.py").write_text(FUNCTIONS)
    return tmp_path / "own.py"


@pytest.mark.parametrize("channels", [1, 2])
def test_the_users_function_makes_the_input(channels: int, functions: Path, tmp_path: Path) -> None:
    file = sound(tmp_path / "x.wav", np.array([4, 6, 4, 6], np.int16), channels)
    loaded = load_sound(file, TENSOR, load_features(f"{functions}:means"))
    assert loaded.tolist() == [[10, 32, 2 * channels]]


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("none", "has no function none"),
        ("value", "has no function value"),
    ],
)
def test_no_such_function(name: str, sentence: str, functions: Path) -> None:
    with pytest.raises(UsageError, match=sentence):
        load_features(f"{functions}:{name}")


@pytest.mark.parametrize("where", ["", "f", "nowhere.py:f", ":f"])
def test_no_such_file(where: str) -> None:
    with pytest.raises(UsageError, match=r"give FILE\.py:FUNCTION"):
        load_features(where)


def test_a_file_that_fails(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text("import nothing_of_that_name")
    with pytest.raises(UsageError, match="fails with ModuleNotFoundError: No module named"):
        load_features(f"{tmp_path / 'own.py'}:f")


def test_refusals(functions: Path, tmp_path: Path) -> None:
    file = sound(tmp_path / "x.wav", np.zeros(4, np.int16))
    with pytest.raises(UsageError, match=r"--features FILE\.py:FUNCTION"):
        load_sound(file, TENSOR, None)
    with pytest.raises(UsageError, match="the features' function fails, RuntimeError: no sound"):
        load_sound(file, TENSOR, load_features(f"{functions}:failing"))
    with pytest.raises(UsageError, match=r"its features: holds float64 of shape \(1,\)"):
        load_sound(file, TENSOR, load_features(f"{functions}:short"))
    means = load_features(f"{functions}:means")
    with pytest.raises(UsageError, match="samples of 8 bits; 16 are taken"):
        load_sound(sound(tmp_path / "8.wav", np.zeros(4, np.uint8), width=1), TENSOR, means)
    (tmp_path / "y.wav").write_bytes(b"RIFF")
    with pytest.raises(UsageError, match=r"y\.wav: not a readable \.wav file"):
        load_sound(tmp_path / "y.wav", TENSOR, means)
