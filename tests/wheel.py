"""The wheel, as a user gets it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKED = ("pyproject.toml", "README.md", "LICENSE", "tfl2hw", "rtl_templates", "boards", "sim")


def build_wheel(folder: Path) -> Path:
    """Built in ``folder`` from a copy, so that nothing is left in the checkout."""
    for name in PACKED:
        source, target = ROOT / name, folder / "source" / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            target.parent.mkdir(exist_ok=True)
            shutil.copy(source, target)
    words = ("--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), "./source")
    command = [sys.executable, "-m", "pip", "wheel", *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (file,) = folder.glob("*.whl")
    return file
