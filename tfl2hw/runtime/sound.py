"""A .wav file to a model's input, by a function of the user's: features differ from model to model."""

from __future__ import annotations

import importlib.util
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tfl2hw.errors import UsageError
from tfl2hw.ir.graph import Tensor
from tfl2hw.runtime.values import as_input

Features = Callable[[npt.NDArray[np.int16], int], npt.ArrayLike]
"""Takes samples (count, or count x channels) and their rate in Hz; gives the input's values."""


def load_features(where: str) -> Features:
    """The function that ``FILE.py:NAME`` names.

    Raises
    ------
    UsageError : there is no such file, or no such function in it, or the file fails.
    """
    path, _, name = where.rpartition(":")
    if not path or not Path(path).is_file():
        raise UsageError(f"--features {where}: give FILE.py:FUNCTION, a file that is there and its function")
    specification = importlib.util.spec_from_file_location("features", path)
    if specification is None or specification.loader is None:
        raise UsageError(f"--features {where}: {path} is not a Python file")
    module = importlib.util.module_from_spec(specification)
    try:
        specification.loader.exec_module(module)
    except Exception as error:
        raise UsageError(f"--features {where}: {path} fails with {type(error).__name__}: {error}") from error
    function = getattr(module, name, None)
    if not callable(function):
        raise UsageError(f"--features {where}: {path} has no function {name}")
    found: Features = function
    return found


def load_sound(file: Path, tensor: Tensor, features: Features | None) -> npt.NDArray[Any]:
    """What ``features`` makes of the sound in ``file``, as ``tensor`` takes it.

    Raises
    ------
    UsageError : no function; not a .wav file of 16 bits; the function fails, or gives another shape.
    """
    if features is None:
        raise UsageError(
            f"{file}: what a model takes of a sound is its own: give the function that makes its input of it "
            f"with --features FILE.py:FUNCTION"
        )
    samples, rate = _samples(file)
    try:
        values = features(samples, rate)
    except Exception as error:
        raise UsageError(f"{file}: the features' function fails, {type(error).__name__}: {error}") from error
    return as_input(values, tensor, f"{file}, its features")


def _samples(file: Path) -> tuple[npt.NDArray[np.int16], int]:
    try:
        with wave.open(str(file)) as sound:
            width, channels, rate = sound.getsampwidth(), sound.getnchannels(), sound.getframerate()
            data = sound.readframes(sound.getnframes())
    except (wave.Error, EOFError, OSError) as error:
        raise UsageError(f"{file}: not a readable .wav file ({error})") from error
    if width != 2:
        raise UsageError(f"{file}: samples of {8 * width} bits; 16 are taken")
    samples = np.frombuffer(data, "<i2").astype(np.int16)
    return (samples if channels == 1 else samples.reshape(-1, channels)), rate
