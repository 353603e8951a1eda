"""examples/ci as its owner runs it: green, and red when the hardware has another weight than the model."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

CI = Path(__file__).parents[1] / "examples" / "ci"
TAMPER = """
from dataclasses import replace
from tfl2hw.sim import inference

run_core = inference.run_core

def behind_its_back(compiled, *rest):
    \"\"\"The simulated core is loaded with one weight that is another than the model's.\"\"\"
    address, data = max(compiled.image.scratchpad, key=lambda part: len(part[1]))
    changed = bytes([data[0] ^ 64]) + data[1:]
    parts = tuple((at, changed if at == address else kept) for at, kept in compiled.image.scratchpad)
    return run_core(replace(compiled, image=replace(compiled.image, scratchpad=parts)), *rest)

inference.run_core = behind_its_back
"""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A copy of the example, as somebody's own repository."""
    return Path(shutil.copytree(CI, tmp_path / "ci", ignore=shutil.ignore_patterns("__pycache__")))


def run_pytest(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:xdist", "-q", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600)


def test_green(repository: Path) -> None:
    done = run_pytest(repository)
    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines()[-1].startswith("4 passed")


def test_red_with_one_other_weight(repository: Path) -> None:
    (repository / "conftest.py").write_text(TAMPER)
    done = run_pytest(repository, "--junitxml=hardware.xml")
    assert done.returncode == 1, done.stdout
    assert done.stdout.splitlines()[-1].startswith("1 failed, 3 passed")
    (failure,) = ElementTree.parse(repository / "hardware.xml").iter("failure")
    sentence = str(failure.get("message"))
    assert "digits_int8.tflite on icebreaker is not bit-exact: 2 of 18 tensors differ" in sentence
    assert "the first is tensor 21 'sequential_1_1/dense_1_1/MatMul" in sentence
    assert "of operator 7 FULLY_CONNECTED with digit_3.npy, in 1 value, at (0, 0): " in sentence
