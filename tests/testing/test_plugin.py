"""The plugin in a pytest of its own, as a user runs it; the simulation is a stub."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

MODEL = Path(__file__).parents[2] / "examples" / "digits" / "digits_int8.tflite"
STUB = """
import numpy as np
from tfl2hw.sim import inference

def run_samples(compiled, samples, *_):
    cycles = compiled.predicted_cycles
    one = inference.SampleRun(outputs=(np.zeros((1, 10), np.int8),), tensors={}, cycles=cycles)
    return inference.Comparison(runs=(one,) * len(samples), tensors_checked=9, mismatches=())

inference.run_samples = run_samples
"""
MARKED = f"""
import pytest

@pytest.mark.tfl2hw({str(MODEL)!r}, board="icebreaker", max_cycles=10_000)
def test_marked(tfl2hw_model):
    tfl2hw_model.assert_fits()
    tfl2hw_model.assert_bit_exact()
    tfl2hw_model.assert_cycles()
"""
UNMARKED = "def test_unmarked(tfl2hw_model):\n    tfl2hw_model.assert_fits()\n"


def run_pytest(folder: Path, *words: str, **files: str) -> subprocess.CompletedProcess[str]:
    """Pytest in ``folder`` with ``files``, whose names come without ".py"."""
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:xdist", "-rA", *words]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)


def counted(done: subprocess.CompletedProcess[str]) -> str:
    """What the last line counts."""
    return done.stdout.rstrip().splitlines()[-1].strip("= ").partition(" in ")[0]


def test_it_costs_nothing_where_it_is_not_used(tmp_path: Path) -> None:
    test = """
import sys
def test_nothing():
    ours = {name for name in sys.modules if name.split(".")[0] == "tfl2hw"}
    assert ours == {"tfl2hw", "tfl2hw.testing", "tfl2hw.testing.plugin"}
    assert not {"amaranth", "numpy", "rich", "typer", "tflite"} & set(sys.modules)
"""
    done = run_pytest(tmp_path, "-p", "no:faulthandler", test_it=test)
    assert counted(done) == "1 passed", done.stdout


def test_options_make_an_item_for_each_check(tmp_path: Path) -> None:
    words = ("--tfl2hw", str(MODEL), "--board", "icebreaker", "--board", "sim-large")
    report = tmp_path / "report.xml"
    done = run_pytest(tmp_path, *words, f"--junitxml={report}", conftest=STUB)
    assert (done.returncode, counted(done)) == (0, "6 passed"), done.stdout
    assert re.findall(r"^PASSED .*::(.*::.*)$", done.stdout, re.MULTILINE) == [
        f"{board}::{check}"
        for board in ("icebreaker", "sim-large")
        for check in ("fits", "bit_exact", "cycles")
    ]
    cases = list(ElementTree.parse(report).iter("testcase"))
    properties = {one.get("name"): one.get("value") for one in cases[2].iter("property")}
    assert properties["model"] == "digits_int8.tflite"
    assert properties["board"] == "icebreaker"
    assert properties["cycles"] == properties["predicted_cycles"]
    assert int(str(properties["luts_estimated"])) > 3000


def test_too_many_cycles_are_one_sentence(tmp_path: Path) -> None:
    words = ("--tfl2hw", str(MODEL), "--board", "icebreaker", "--tfl2hw-max-cycles", "9000")
    done = run_pytest(tmp_path, *words, conftest=STUB)
    assert (done.returncode, counted(done)) == (1, "1 failed, 2 passed"), done.stdout
    assert re.search(
        r"^digits_int8.tflite on icebreaker takes 9,\d+ .* at most 9,000", done.stdout, re.MULTILINE
    )
    assert "hardware.py" not in done.stdout


def test_the_items_have_the_marker(tmp_path: Path) -> None:
    words = ("--tfl2hw", str(MODEL), "--board", "icebreaker", "-m", "tfl2hw")
    done = run_pytest(tmp_path, *words, conftest=STUB, test_it="def test_other(): pass\n")
    assert counted(done) == "3 passed, 1 deselected", done.stdout


def test_a_board_that_is_not_there(tmp_path: Path) -> None:
    done = run_pytest(tmp_path, "--tfl2hw", str(MODEL), "--board", "icebraker")
    assert counted(done) == "3 failed", done.stdout
    sentence = "digits_int8.tflite on icebraker does not fit: there is no board 'icebraker' (did you mean"
    assert re.search("^" + re.escape(sentence), done.stdout, re.MULTILINE)
    assert "Traceback" not in done.stdout


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--tfl2hw", "model.tflite"], "--tfl2hw takes a --board: `tfl2hw boards` lists their names"),
        (
            ["--tfl2hw-board", "icebreaker"],
            "--tfl2hw-board takes a --tfl2hw MODEL: the .tflite to test on it",
        ),
    ],
)
def test_half_of_the_options(tmp_path: Path, words: list[str], sentence: str) -> None:
    done = run_pytest(tmp_path, *words)
    assert (done.returncode, done.stderr) == (4, f"ERROR: {sentence}\n\n")


def test_the_fixture_by_marker(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    done = run_pytest(tmp_path, f"--junitxml={report}", conftest=STUB, test_it=MARKED)
    assert counted(done) == "1 passed", done.stdout
    names = {one.get("name") for one in ElementTree.parse(report).iter("property")}
    assert {"board", "cycles", "luts_estimated"} <= names


def test_the_fixture_by_options(tmp_path: Path) -> None:
    words = ("--tfl2hw", str(MODEL), "--board=icebreaker", "--board", "ulx3s-85f", "-k", "unmarked")
    done = run_pytest(tmp_path, *words, conftest=STUB, test_it=UNMARKED)
    assert counted(done) == "2 passed, 6 deselected", done.stdout
    assert "test_unmarked[digits_int8.tflite-ulx3s-85f]" in done.stdout


def test_the_fixture_of_no_model(tmp_path: Path) -> None:
    done = run_pytest(tmp_path, test_it=UNMARKED)
    assert counted(done) == "1 error", done.stdout
    assert (
        "tfl2hw_model needs @pytest.mark.tfl2hw(MODEL, board=BOARD), or pytest --tfl2hw MODEL" in done.stdout
    )


@pytest.mark.parametrize("given", ['"a.tflite"', '"a.tflite", board="icebreaker", frob=1'])
def test_a_marker_that_says_too_little_or_too_much(tmp_path: Path, given: str) -> None:
    test = f"import pytest\n@pytest.mark.tfl2hw({given})\n{UNMARKED}"
    done = run_pytest(tmp_path, test_it=test)
    assert counted(done) == "1 error", done.stdout
    assert "marker tfl2hw" in done.stdout
    assert "tfl2hw(model, board=BOARD" in done.stdout


def test_another_plugin_may_have_board(tmp_path: Path) -> None:
    other = "def pytest_addoption(parser):\n    parser.addoption('--board', help='of theirs')\n"
    words = ("-p", "other", "--board", "theirs", "--tfl2hw", str(MODEL), "--tfl2hw-board", "icebreaker")
    done = run_pytest(tmp_path, *words, conftest=STUB, other=other)
    assert counted(done) == "3 passed", done.stdout + done.stderr
