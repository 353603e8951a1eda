"""What a test is told of a model: each way to fail is one sentence with the numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tfl2hw.codegen.estimate import Resources
from tfl2hw.errors import DoesNotFit, ToolError, UsageError
from tfl2hw.sim import inference
from tfl2hw.sim.inference import Comparison, Mismatch, SampleRun
from tfl2hw.testing import hardware
from tfl2hw.testing.hardware import HardwareModel, Wanted, input_files

DIGITS = Path(__file__).parents[2] / "examples" / "digits"
WANTED = Wanted(model=DIGITS / "digits_int8.tflite", board="icebreaker", inputs=(DIGITS / "digit_3.npy",))


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> Callable[..., HardwareModel]:
    """Makes a model whose simulation took so many cycles more than predicted, and had these mismatches."""

    def make(more: int = 0, mismatches: tuple[Mismatch, ...] = (), **wanted: Any) -> HardwareModel:
        def run_samples(compiled: Any, samples: Any, *_: object) -> Comparison:
            cycles = compiled.predicted_cycles + more
            one = SampleRun(outputs=(np.zeros((1, 10), np.int8),), tensors={}, cycles=cycles)
            return Comparison(runs=(one,) * len(samples), tensors_checked=9, mismatches=mismatches)

        monkeypatch.setattr(inference, "run_samples", run_samples)
        return HardwareModel(replace(WANTED, **wanted))

    return make


def test_what_is_right_passes(ran: Callable[..., HardwareModel]) -> None:
    model = ran(max_cycles=10_000)
    model.assert_fits()
    model.assert_bit_exact()
    model.assert_cycles()
    assert model.latency_ms == pytest.approx(model.cycles / 30e3)
    assert [sample.name for sample in model.samples] == ["digit_3.npy"]


def test_without_inputs_there_is_a_random_one(ran: Callable[..., HardwareModel]) -> None:
    assert [sample.name for sample in ran(inputs=()).samples] == ["random 0, seed 0"]


def test_the_first_tensor_that_differs_is_named(ran: Callable[..., HardwareModel]) -> None:
    model = ran()
    maker = model.compiled.graph.operators[1]
    (tensor,) = maker.outputs
    first = Mismatch(sample=0, tensor=tensor, name="relu", values=3, first="at (0, 1): 4, not 5")
    with pytest.raises(AssertionError) as told:
        ran(mismatches=(first, replace(first, tensor=99, values=1))).assert_bit_exact()
    assert str(told.value) == (
        "digits_int8.tflite on icebreaker is not bit-exact: 2 of 9 tensors differ from litert-ref's; the "
        f"first is tensor {tensor} 'relu' of operator {maker.index} DEPTHWISE_CONV_2D with digit_3.npy, in 3 "
        "values, at (0, 1): 4, not 5"
    )


def test_cycles(ran: Callable[..., HardwareModel]) -> None:
    with pytest.raises(AssertionError, match=r"takes 9,441 cycles an inference, 9,440 were predicted$"):
        ran(more=1).assert_cycles()
    with pytest.raises(AssertionError, match=r"\(0\.315 ms\), at most 9,000 are allowed$"):
        ran(max_cycles=9_000).assert_cycles()
    ran(max_cycles=9_000).assert_cycles(most=9_440)


def test_a_model_that_is_refused_does_not_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise DoesNotFit("needs 9 words, has 8")

    monkeypatch.setattr(hardware, "compile_model", refuse)
    with pytest.raises(AssertionError, match="on icebreaker does not fit: needs 9 words, has 8"):
        HardwareModel(WANTED).assert_fits()


@pytest.mark.parametrize(
    ("what", "needed", "sentence"),
    [
        ("luts", 5809, "its core takes about 5,809 LUTs, iCE40UP5K has 5,280"),
        ("dsps", 9, "its core takes about 9 DSPs, iCE40UP5K has 8"),
        ("block_rams", 31, "its core takes about 31 block RAMs, iCE40UP5K has 30"),
    ],
)
def test_a_core_too_large_for_the_chip(
    monkeypatch: pytest.MonkeyPatch, what: str, needed: int, sentence: str
) -> None:
    fits = Resources(luts=5808, flip_flops=1, dsps=8, block_rams=30)
    monkeypatch.setattr(hardware, "estimate", lambda *_: fits)
    HardwareModel(WANTED).assert_fits()
    monkeypatch.setattr(hardware, "estimate", lambda *_: replace(fits, **{what: needed}))
    with pytest.raises(AssertionError, match=f"does not fit: {sentence}$"):
        HardwareModel(WANTED).assert_fits()


def test_properties_are_what_is_known_so_far(ran: Callable[..., HardwareModel]) -> None:
    model = ran()
    assert model.properties() == {"model": "digits_int8.tflite", "board": "icebreaker"}
    model.assert_fits()
    known = model.properties()
    assert (known["array"], known["dsps"], "cycles" in known) == ("4 x 4", 8, False)
    assert model.resources is not None
    assert known["luts_estimated"] == model.resources.luts > 3000
    model.assert_bit_exact()
    known = model.properties()
    assert known["cycles"] == known["predicted_cycles"] == model.cycles
    assert (known["tensors_checked"], known["tensors_different"]) == (9, 0)


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def miss(*_: object) -> None:
        raise ModuleNotFoundError("No module named 'cocotb'", name="cocotb")

    monkeypatch.setattr(inference, "run_samples", miss)
    with pytest.raises(ToolError, match=r"cocotb is missing: pip install 'tfl2hw\[sim\]'"):
        HardwareModel(WANTED).assert_bit_exact()


def test_input_files(tmp_path: Path) -> None:
    for name in ("b.npy", "a.dat", "notes.txt", "labels"):
        (tmp_path / name).touch()
    assert input_files([tmp_path, tmp_path / "c.npy"]) == [tmp_path / n for n in ("a.dat", "b.npy", "c.npy")]
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match=r"empty: no input there; accepted: files \.npy"):
        input_files([tmp_path / "empty"])
