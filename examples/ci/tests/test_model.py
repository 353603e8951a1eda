"""The network as hardware: it fits its board, is exact, fast enough, and sees what it should."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.tfl2hw(
    "../models/digits_int8.tflite", board="icebreaker", inputs="../inputs", max_cycles=10_000
)


def test_it_fits(tfl2hw_model):
    """Its core is not too large for the chip."""
    tfl2hw_model.assert_fits()


def test_every_tensor_is_the_interpreters(tfl2hw_model):
    """What the hardware computes is what LiteRT computes."""
    tfl2hw_model.assert_bit_exact()


def test_it_is_fast_enough(tfl2hw_model):
    """It takes as many cycles as the compiler predicted, and not too many."""
    tfl2hw_model.assert_cycles()
    assert tfl2hw_model.latency_ms < 0.4


def test_it_sees_the_digits(tfl2hw_model):
    """The inputs are called digit_N.npy."""
    for sample, run in zip(tfl2hw_model.samples, tfl2hw_model.comparison.runs, strict=True):
        assert sample.name == f"digit_{run.outputs[0].argmax()}.npy"
