"""The unit by itself, RIGHT_SHIFT against LiteRT's interpreter, and the simulated core."""

from __future__ import annotations

from pathlib import Path

from tfl2hw_right_shift.unit import RIGHT_SHIFT

from tfl2hw.extending.checks import check_function, check_hardware, check_references, random_samples

MODEL = Path(__file__).with_name("right_shift.tflite")


def test_unit() -> None:
    check_function(RIGHT_SHIFT)


def test_references() -> None:
    check_references(MODEL, random_samples(MODEL))


def test_hardware() -> None:
    check_hardware(MODEL, random_samples(MODEL), "ulx3s-25f", lanes=4, columns=2)
