"""The programs that print the documentation's figures run, and agree with the hardware's own constants."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tfl2hw.cli.store import Settings, keep
from tfl2hw.codegen import compile_model
from tfl2hw.codegen.estimate import estimate
from tfl2hw.codegen.write import board_config

ROOT = Path(__file__).parents[2]
DIGITS = ROOT / "examples" / "digits" / "digits_int8.tflite"


def bench(name: str, *words: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, ROOT / "bench" / name, *words]
    return subprocess.run([str(word) for word in command], capture_output=True, text=True)


@pytest.mark.parametrize(
    "shape",
    [
        ("icebreaker", 4, 4),
        ("icebreaker", 4, 2),
        ("ulx3s-25f", 4, 4),
        ("ulx3s-85f", 8, 8),
        ("ulx3s-85f", 16, 8),
        ("sim-large", 8, 2),
    ],
)
def test_units_life_of_a_pixel_ends_when_the_sequencer_takes_the_job_for_drained(
    shape: tuple[str, int, int],
) -> None:
    board, lanes, columns = shape
    words = ("--board", board, "--lanes", str(lanes), "--columns", str(columns), "--json")
    done = bench("units.py", DIGITS, *words)
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    stages = facts["life_of_a_pixel"]
    assert stages[-1]["stop"] == facts["drain"]["MATRIX"]
    assert all(stage["start"] <= stage["stop"] for stage in stages)
    latency = {unit["unit"]: unit["latency"] for unit in facts["units"]}
    (first,) = (stage for stage in stages if stage["stage"] == "column 0")
    assert first["stop"] - first["start"] + 1 == latency["Column"]


def test_units_refuses_in_a_sentence() -> None:
    done = bench("units.py", DIGITS, "--board", "nix")
    assert done.returncode == 2
    assert done.stderr.startswith("error: there is no board 'nix'")


def test_cycles_gives_the_limit_and_what_is_refused(tmp_path: Path) -> None:
    broken = tmp_path / "broken.tflite"
    broken.write_bytes(b"no model")
    done = bench("cycles.py", DIGITS, broken, "--json")
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)["rows"]
    digits = [row for row in rows if row["model"] == "digits_int8"]
    assert [row["shape"] for row in digits] == ["4x4 streamed", "4x4", "8x8", "16x8"]
    assert all(
        row["limit"] == -(-73_472 // products)
        for row, products in zip(digits, (16, 16, 64, 128), strict=True)
    )
    assert all(row["limit"] < row["cycles"] and row["refused"] is None for row in digits)
    assert all(row["cycles"] is None and row["refused"] for row in rows if row["model"] == "broken")


def test_cycles_are_those_of_the_table() -> None:
    done = bench("cycles.py", DIGITS, "--check")
    assert done.returncode == 0, done.stderr


def test_cycles_of_the_real_models_are_those_of_the_table(models_dir: Path) -> None:
    done = bench("cycles.py", *sorted(models_dir.glob("*.tflite")), "--check")
    assert done.returncode == 0, done.stderr


def test_cycles_that_are_not_those_of_the_table(tmp_path: Path) -> None:
    other = tmp_path / "kws_int8.tflite"
    other.write_bytes(DIGITS.read_bytes())
    done = bench("cycles.py", other, "--check", "--layers")
    assert done.returncode == 1
    assert "kws_int8 on 8x8: " in done.stderr
    unknown = tmp_path / "unknown.tflite"
    unknown.write_bytes(DIGITS.read_bytes())
    done = bench("cycles.py", unknown, "--check")
    assert done.returncode == 1
    assert "unknown on 8x8: not in cycles.json" in done.stderr


def test_fmax_refuses_a_design_that_is_none() -> None:
    done = bench("fmax.py", "digits")
    assert done.returncode == 2
    assert "a design is MODEL.tflite:BOARD" in done.stderr


def test_search_compares_with_a_sweep() -> None:
    done = bench("search.py", DIGITS, "--board", "icebreaker", "--json")
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(done.stdout)["rows"]
    assert row["swept"] == 5
    assert 1 <= row["fitting"] <= 5
    assert 1.0 <= row["ratio"] <= 1.05
    assert row["chosen_cycles"] >= row["best_cycles"] > 0
    done = bench("search.py", DIGITS, "--board", "sim-large")
    assert done.returncode == 2
    assert "a board without a chip has one shape alone" in done.stderr


def test_toolspeed_measures() -> None:
    done = bench("toolspeed.py", DIGITS, "--board", "sim-large", "--runs", "2", "--json")
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    (compilation,), (simulation,) = facts["compilations"], facts["simulations"]
    assert (compilation["refused"], compilation["considered"]) == (None, 1)
    assert simulation["a_second"] > 1000


def test_estimates_are_compared_with_what_was_built(tmp_path: Path) -> None:
    compiled = compile_model(DIGITS, "icebreaker")
    keep(DIGITS, Settings(board="icebreaker", numerics="litert-ref", lanes=4, columns=4), tmp_path)
    guess = estimate(board_config(compiled), "ice40")
    facts = {
        "fmax_mhz": 30.0,
        "resources": {
            "LC": (guess.luts * 2, 5280),
            "DSP": (guess.dsps, 8),
            "block RAM": (guess.block_rams, 30),
            "SPRAM": (4, 4),
        },
    }
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "result.json").write_text(json.dumps(facts))
    done = bench("estimates.py", tmp_path, "--json")
    assert done.returncode == 1, "logic cells are half of what was reported"
    summary = json.loads(done.stdout)["summary"]
    assert summary["luts"]["median"] == pytest.approx(0.5)
    assert summary["dsps"]["worst"] == summary["block_rams"]["worst"] == 0.0
    assert "flip_flops" not in summary


def test_estimates_refuses_a_folder_without_a_build(tmp_path: Path) -> None:
    done = bench("estimates.py", tmp_path)
    assert done.returncode == 2
    assert "no build ended there (build/result.json is missing)" in done.stderr


def test_fuzz_sums_up(tmp_path: Path) -> None:
    done = bench("fuzz.py", "--count", "3", "--seed", "5", "--jobs", "1", "--keep", tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = {
        row.split("│")[1].strip(): row.split("│")[2].strip() for row in done.stdout.splitlines() if "│" in row
    }
    assert rows["models"] == "3"
    assert rows["failures"] == "0"
    assert int(rows["tensors compared, hardware"]) > 0
    assert not list(tmp_path.iterdir())
