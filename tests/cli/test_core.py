"""`tfl2hw compile --core`: its files, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.test_main import MODEL, call


def test_compile_core(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    words = ("compile", "--core", MODEL, "--board", "icebreaker", "-o", str(tmp_path))
    outcome = call(capsys, *words, "--json")
    assert outcome.code == 0
    files = [Path(file).name for file in json.loads(outcome.out)["files"]]
    kinds = [f"digits_int8_{kind}.v" for kind in ("core", "axi_stream", "wishbone")]
    assert files == [*kinds, "ports.md", "core.json", "weights.bin", "report.json", "report.html"]
    assert all((tmp_path / file).stat().st_size for file in files)


@pytest.mark.parametrize(
    ("board", "sentence"),
    [
        ("icebreaker --generic", "a core for icebreaker keeps its maps and weights in SPRAM"),
        ("sim-large", "--core makes a core for one model, and sim-large has one core for all models: name a"),
        ("ulx3s-85f-overlay", "and ulx3s-85f-overlay has one core for all models"),
        ("ulx3s", "there is no board 'ulx3s' (did you mean"),
    ],
)
def test_refusals(board: str, sentence: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    outcome = call(capsys, "compile", "--core", MODEL, "--board", *board.split(), "-o", str(tmp_path / "out"))
    assert outcome.code == 2
    assert sentence in " ".join(outcome.err.split())
    assert not (tmp_path / "out").exists()


def test_generic_is_for_a_core(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    outcome = call(capsys, "compile", "--generic", MODEL, "--board", "ulx3s-25f", "-o", str(tmp_path))
    assert outcome.code == 2
    assert "--generic goes with --core" in outcome.err
