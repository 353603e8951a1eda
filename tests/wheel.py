"""Wheels, built as a release builds them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKED = ("pyproject.toml", "README.md", "LICENSE", "tfl2hw", "rtl_templates", "boards", "sim")
"""What of the repository a wheel of tfl2hw is made from."""


def build_wheel(folder: Path) -> Path:
    """A wheel of tfl2hw in ``folder``, built from a copy so that nothing is left in the checkout."""
    for name in PACKED:
        copy(ROOT / name, folder / "source" / name)
    words = ("wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), "./source")
    command = [sys.executable, "-m", "pip", *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (file,) = folder.glob("*.whl")
    return file


def copy(source: Path, target: Path) -> None:
    """A file or a folder, without what Python and setuptools leave behind."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "build", "*.egg-info"))
    else:
        shutil.copy(source, target)
