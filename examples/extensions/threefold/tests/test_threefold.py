"""Every product, and a model whose products are all made so."""

from __future__ import annotations

from pathlib import Path

from tfl2hw_threefold.threefold import THREEFOLD

from tfl2hw.extending.checks import check_hardware, check_multiplier, random_samples

MODEL = Path(__file__).with_name("threefold.tflite")


def test_products() -> None:
    check_multiplier(THREEFOLD)


def test_hardware() -> None:
    check_hardware(MODEL, random_samples(MODEL), "icebreaker", multiplier="threefold")
