"""Files on which the compiler once failed, and a few new broken ones: taken, or refused in a sentence."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tfl2hw.codegen import compile_model
from tfl2hw.errors import Tfl2hwError
from tfl2hw.frontend import load, survey
from tfl2hw.passes import lower, objections, review

ROOT = Path(__file__).parents[2]
KEPT = sorted((Path(__file__).parent / "regressions").glob("*.tflite"))


@pytest.mark.parametrize("path", KEPT, ids=[path.stem for path in KEPT])
def test_kept_file(path: Path) -> None:
    try:
        found = survey(path)
        review(found.graph)
        objections(found.graph)
        lower(load(path), "litert-ref")
        compile_model(path, "sim-large")
    except Tfl2hwError as refusal:
        sentence = str(refusal)
    else:
        return
    assert sentence.startswith(str(path))
    assert "\n" not in sentence


def test_a_few_broken_files(tmp_path: Path) -> None:
    """`bench/fuzz_frontend.py` itself makes thousands."""
    command = [
        sys.executable,
        "bench/fuzz_frontend.py",
        "--count",
        "250",
        "--seed",
        "7",
        "--keep",
        str(tmp_path),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=os.environ)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("250 files: ")
    assert " 0 failures" in done.stdout


@pytest.mark.parametrize("way", ["fault", "slow"])
def test_the_fuzzer_sees_a_failure(way: str, tmp_path: Path) -> None:
    """A fault planted in the compiler is reported and its file kept."""
    plant = {
        "fault": "f.lower = lambda *_: 1 // 0",
        "slow": "f.SLOW_SECONDS = 0",
    }[way]
    program = (
        f"import sys, tempfile, pathlib; sys.path.insert(0, 'bench'); import fuzz_frontend as f; {plant}; "
        "f.child(1, 0, 40, pathlib.Path(tempfile.mkdtemp()))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert ("ZeroDivisionError in" if way == "fault" else "slow: ") in done.stdout
