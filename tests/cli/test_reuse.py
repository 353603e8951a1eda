"""`tfl2hw build --reuse` as a user meets it; what it does with bitstreams is tested in tests/codegen."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.cli.test_main import DIGITS, MODEL, built, call
from tests.retrained import retrained
from tfl2hw.cli import build, reuse
from tfl2hw.cli.store import kept


@pytest.fixture
def first(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The folder of a build, without place and route."""
    folder = tmp_path / "first"
    monkeypatch.setattr(build, "build_bitstream", lambda *_, **__: built(folder, 31.0))
    assert call(capsys, "build", MODEL, "--board", "icebreaker", "-o", str(folder)).code == 0
    monkeypatch.setattr(reuse, "read_result", lambda *_: built(folder, 31.0))
    monkeypatch.setattr(reuse, "reuse_bitstream", lambda *_, **__: built(folder, 31.0))
    return folder


def again(folder: Path, seed: int) -> str:
    path = folder / "again.tflite"
    path.write_bytes(retrained(Path(MODEL).read_bytes(), seed))
    return str(path)


def test_reuse(capsys: pytest.CaptureFixture[str], first: Path, tmp_path: Path) -> None:
    """What is left in the new folder is the new model on the old core."""
    out = tmp_path / "second"
    words = ("build", again(tmp_path, 1), "--reuse", str(first), "-o", str(out), "--json")
    outcome = call(capsys, *words)
    assert (outcome.code, json.loads(outcome.out)["reused"]) == (0, True)
    old, new = kept(first), kept(out)
    assert new.config == old.config
    assert new.image != old.image
    identities = {json.loads((each / "link.json").read_text())["identity"] for each in (first, out)}
    assert identities == {old.config.identity}


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--board", "ulx3s-25f"], "--board ulx3s-25f: the build in"),
        (["--numerics", "tflm"], "--numerics tflm: the build in"),
        (["--seeds", "2"], "leave --lanes, --columns, --multiplier, --clock, --seeds and --reusable away"),
        (["--clock", "20"], "leave --lanes"),
    ],
)
def test_options_that_say_otherwise_are_refused(
    options: list[str], sentence: str, capsys: pytest.CaptureFixture[str], first: Path, tmp_path: Path
) -> None:
    words = ("build", again(tmp_path, 1), "--reuse", str(first), "-o", str(tmp_path / "out"), *options)
    outcome = call(capsys, *words)
    assert outcome.code == 2
    assert sentence in outcome.err


def test_weights_that_the_core_cannot_take_are_refused(
    capsys: pytest.CaptureFixture[str], first: Path, tmp_path: Path
) -> None:
    outcome = call(capsys, "build", again(tmp_path, 0), "--reuse", str(first), "-o", str(tmp_path / "out"))
    assert outcome.code == 2
    assert re.search(
        r"needs (\d+) bits of a requantizer's offset, the core has \d+\); build the", outcome.err
    )
    assert not (tmp_path / "out").exists()


def test_another_structure_is_refused(
    capsys: pytest.CaptureFixture[str], first: Path, tmp_path: Path
) -> None:
    other = DIGITS.parent / "from_keras" / "model.tflite"
    outcome = call(capsys, "build", str(other), "--reuse", str(first), "-o", str(tmp_path / "out"))
    assert outcome.code == 2
    assert "model.tflite: it has " in outcome.err


def test_a_board_is_asked_for_without_reuse(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    outcome = call(capsys, "build", MODEL, "-o", str(tmp_path))
    assert (outcome.code, outcome.out) == (2, "")
    assert "--board is missing" in outcome.err
