"""The tutorial's pictures are of the network as it is compiled now."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.blocks import ROOT


def picture(*words: str | Path) -> subprocess.CompletedProcess[str]:
    script = ROOT / "docs" / "tools" / "pictures.py"
    return subprocess.run([sys.executable, script, *words], capture_output=True, text=True)


def texts(svg: Path) -> list[str]:
    """The texts of a picture, without the axis' numbers, which matplotlib chooses."""
    found = re.findall(r"<text[^>]*>([^<]*)</text>", svg.read_text(encoding="utf-8"))
    return [text for text in found if not re.fullmatch(r"\d+", text)]


def test_digits(tmp_path: Path) -> None:
    done = picture("digits", ROOT / "examples" / "digits", tmp_path / "digits.svg")
    assert done.returncode == 0, done.stderr
    assert texts(tmp_path / "digits.svg") == texts(ROOT / "docs" / "images" / "digits.svg")


def test_cycles(tmp_path: Path) -> None:
    model = ROOT / "examples" / "digits" / "digits_int8.tflite"
    words = ("compile", str(model), "--board", "icebreaker", "-o", str(tmp_path))
    command = [sys.executable, "-m", "tfl2hw.cli.main", *words]
    subprocess.run(command, check=True, capture_output=True)
    done = picture("cycles", tmp_path / "report.json", tmp_path / "cycles.svg")
    assert done.returncode == 0, done.stderr
    assert texts(tmp_path / "cycles.svg") == texts(ROOT / "docs" / "images" / "cycles.svg"), (
        "python docs/tools/pictures.py cycles REPORT.json docs/images/cycles.svg makes it again"
    )


@pytest.mark.parametrize("words", [(), ("digits",), ("other", "a", "b")])
def test_wrong_arguments_print_the_usage(words: tuple[str, ...]) -> None:
    done = picture(*words)
    assert done.returncode != 0
    assert "pictures.py digits FOLDER OUT.svg" in done.stderr
