"""`tfl2hw verify` as a user meets it; what it does with netlists is tested in tests/sim."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.cli.test_main import MISMATCH, MODEL, THREE, Outcome, call
from tfl2hw.cli import verify
from tfl2hw.cli.store import Settings, keep
from tfl2hw.sim.inference import Mismatch
from tfl2hw.sim.verify import STAGES, StageResult


@pytest.fixture
def build(tmp_path: Path) -> Path:
    """A folder that looks like a finished build's."""
    keep(Path(MODEL), Settings(board="icebreaker", numerics="tflm", lanes=None, columns=None), tmp_path)
    (tmp_path / "icebreaker.bin").write_bytes(b"")
    return tmp_path


def stage(name: str, mismatches: tuple[Mismatch, ...] = (), error: str | None = None) -> StageResult:
    cycles = None if name == "reference" else 9888
    return StageResult(
        stage=name,
        samples=1,
        tensors_checked=9,
        mismatches=mismatches,
        cycles=cycles,
        seconds=1.25,
        error=error,
    )


def verified(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    results: Sequence[StageResult],
    *words: str,
) -> tuple[Outcome, list[object]]:
    """The outcome, and the stages, inputs and numerics that were asked for."""
    asked: list[object] = []

    def answer(
        _: object, folder: Path, samples: Sequence[object], numerics: str, *rest: object, **options: object
    ) -> list[StageResult]:
        asked.extend([folder.name, len(samples), numerics, options["stages"], options["layers"]])
        return list(results)

    monkeypatch.setattr(verify, "verify_build", answer)
    return call(capsys, "verify", *words), asked


def test_exact(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, build: Path) -> None:
    results = [stage(name) for name in STAGES]
    outcome, asked = verified(capsys, monkeypatch, results, str(build), "--input", THREE, "--json")
    assert asked == ["build", 1, "tflm", list(STAGES), True]
    facts = json.loads(outcome.out)
    assert (outcome.code, facts["bit_exact"], facts["numerics"]) == (0, True, "tflm")
    assert [each["stage"] for each in facts["stages"]] == ["reference", "rtl", "synthesis", "routed"]
    assert facts["stages"][1] == {
        "stage": "rtl", "bit_exact": True, "samples": 1, "tensors_checked": 9, "mismatches": 0,
        "cycles": 9888, "seconds": 1.2, "error": None,
    }  # fmt: skip
    assert facts["predicted_cycles"] > 0


def test_what_differs_is_said(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, build: Path
) -> None:
    results = [stage("synthesis", (MISMATCH,)), stage("routed", error="the device is silent")]
    words = ("--stage", "routed", "--stage", "synthesis", "--samples", "3", "--no-layers")
    outcome, asked = verified(capsys, monkeypatch, results, str(build), *words)
    assert asked == ["build", 3, "tflm", ["synthesis", "routed"], False]
    assert outcome.code == 1
    assert "NOT bit-exact to tflm" in outcome.out
    assert outcome.out.count("NOT exact") == 2
    assert "synthesis: sample 0, tensor 9 'conv': 3 values differ; at (0, 1): 4, not 5" in outcome.err
    assert "routed: the device is silent" in outcome.err


@pytest.mark.parametrize(
    ("board", "bitstream", "sentence"),
    [
        ("icebreaker", False, "no bitstream there; `tfl2hw build MODEL -o"),
        ("sim-large", True, "the board is for simulation alone"),
    ],
)
def test_only_finished_builds_are_taken(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, board: str, bitstream: bool, sentence: str
) -> None:
    keep(
        Path(MODEL),
        Settings(board=board, numerics="tflm", lanes=None, columns=None),
        tmp_path,
    )
    if bitstream:
        (tmp_path / "some.bin").write_bytes(b"")
    outcome = call(capsys, "verify", str(tmp_path))
    assert (outcome.code, outcome.out) == (2, "")
    assert sentence in outcome.err
