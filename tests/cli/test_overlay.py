"""`tfl2hw build --overlay`, and the models that are compiled for it; without place and route."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_main import MODEL, call
from tfl2hw.boards import get
from tfl2hw.cli import compile, overlay
from tfl2hw.cli.store import kept_settings
from tfl2hw.codegen import compile_model
from tfl2hw.codegen.bitstream import BuildResult
from tfl2hw.codegen.configure import prebuilt
from tfl2hw.codegen.write import board_config

BOARD = "ulx3s-85f-overlay"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What was to be built; nothing is."""
    seen: dict[str, Any] = {}

    def build(factory: Any, board: Any, output: Path, _: Any, *, seeds: Any, router: str) -> BuildResult:
        seen.update(factory=factory, board=board, seeds=list(seeds), router=router)
        return BuildResult(
            bitstream=output / f"{board.name}.bit", fmax_mhz=81.0, target_mhz=80.0, meets_timing=True,
            resources={"DP16KD": (198, 208)},
        )  # fmt: skip

    monkeypatch.setattr(overlay, "build_bitstream", build)
    return seen


@pytest.mark.parametrize("board", ["ulx3s-85f", BOARD])
def test_it_is_built_without_a_model(
    board: str, asked: dict[str, Any], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    words = ("build", "--overlay", "--board", board, "-o", str(tmp_path), "--seeds", "2")
    facts = json.loads(call(capsys, *words, "--json").out)
    assert (asked["board"], asked["seeds"]) == (get(BOARD), [1, 2])
    assert facts["identity"] == compile_model(Path(MODEL), BOARD).config.identity
    assert kept_settings(tmp_path).board == BOARD
    outcome = call(capsys, *words)
    assert outcome.code == 0
    assert f"the overlay {BOARD}" in outcome.out
    assert "Fmax 81.0 MHz, target 80.0 MHz: timing met" in outcome.out
    assert "an inference" not in outcome.out


def test_the_bitstream_is_the_core_that_models_are_compiled_for() -> None:
    assert board_config(compile_model(Path(MODEL), BOARD)) == prebuilt(get(BOARD))
    with pytest.raises(ValueError, match="ulx3s-85f has no core of its own"):
        prebuilt(get("ulx3s-85f"))


def test_a_folder_with_an_overlay_alone_has_nothing_to_run(
    asked: dict[str, Any], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    call(capsys, "build", "--overlay", "--board", BOARD, "-o", str(tmp_path))
    outcome = call(capsys, "run", str(tmp_path), "--port", "sim")
    assert outcome.code == 2
    assert f"no model there (model.tflite is missing); `tfl2hw compile MODEL --board {BOARD}" in outcome.err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((MODEL, "--overlay", "--board", BOARD), "build --overlay takes no MODEL"),
        (("--overlay", "--board", BOARD, "--lanes", "8"), "build --overlay takes no MODEL"),
        (
            ("--overlay", "--board", "icebreaker"),
            "there is no overlay for icebreaker; there is one for ulx3s-85f",
        ),
        (("--overlay", "--board", "icebreake"), "there is no board 'icebreake' (did you mean 'icebreaker'?)"),
        (("--board", BOARD), "build takes a MODEL, or --overlay"),
        ((MODEL, "--board", BOARD, "--lanes", "16", "--columns", "8"), "leave --lanes and --columns out"),
    ],
)
def test_refusals(words: tuple[str, ...], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    outcome = call(capsys, "build", *words, "-o", "nowhere")
    assert (outcome.code, outcome.out) == (2, "")
    assert sentence in outcome.err
    assert not Path("nowhere").exists()


def test_compiling_says_how_the_model_is_loaded(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(compile, "write_files", lambda *_: [])  # the Verilog takes its time
    outcome = call(capsys, "compile", MODEL, "--board", BOARD, "-o", str(tmp_path))
    assert outcome.code == 0
    assert f"`tfl2hw run {tmp_path} --port PORT` loads the model onto any {BOARD}" in outcome.out
