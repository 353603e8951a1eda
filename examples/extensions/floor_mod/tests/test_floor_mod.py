"""FLOOR_MOD against LiteRT's interpreter, and in simulated hardware."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tfl2hw.extending.checks import check_hardware, check_references, random_samples

MODEL = Path(__file__).with_name("floor_mod.tflite")


def test_references() -> None:
    every_byte = np.arange(-128, 128).astype(np.int8).reshape(1, 8, 8, 4)
    check_references(MODEL, [[every_byte], *random_samples(MODEL)])


def test_hardware() -> None:
    check_hardware(MODEL, random_samples(MODEL), "icebreaker")
