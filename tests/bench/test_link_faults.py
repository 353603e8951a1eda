"""Five hundred faults on the way to a simulated board: every answer is right, and nothing hangs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.small_models import SmallModel

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Small, but with weights that the UP5K loses in a reset."""
    small = SmallModel(3)
    scores = small.dense(small.flatten(small.conv(small.input((1, 4, 4, 4), scale=0.05), 8, (3, 3))), 10)
    small.sink(small.softmax(scores))
    return small.write(tmp_path_factory.mktemp("faults"), "small")


def inject(model: Path, *words: str) -> dict[str, object]:
    command = [sys.executable, ROOT / "bench" / "link_faults.py", model, "--json", *words]
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    facts: dict[str, object] = json.loads(done.stdout)
    return facts


def test_500_faults(model: Path) -> None:
    facts = inject(model, "--faults", "500", "--seed", "7")
    kinds = facts["kinds"]
    assert isinstance(kinds, dict)
    assert len(kinds) == 19
    assert min(kinds.values()) >= 26
    assert sum(kinds.values()) == facts["faults"] == facts["right"] == 500
    assert facts["given_up"] == facts["wrong"] == facts["hung"] == 0


def test_every_fault_through_the_pseudo_terminal(model: Path) -> None:
    facts = inject(model, "--faults", "19", "--pty")
    assert facts["right"] == facts["faults"] == 19
