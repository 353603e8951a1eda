"""The extensions in examples/extensions as a user has them: installed by pip in a fresh environment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from examples.extensions.make_models import MODELS, path
from tests.extending.conftest import EXAMPLES
from tests.wheel import build_wheel, copy

REFUSAL = {
    "floor_mod": "(FLOOR_MOD): the operator is not supported (`tfl2hw ops` lists those that are)",
    "right_shift": "(RIGHT_SHIFT): the operator is not supported (`tfl2hw ops` lists those that are)",
    "threefold": "there is no multiplier 'threefold'; the multipliers are carry-rows, booth",
}
"""What tfl2hw says where an extension is not there."""
OPTIONS = {"threefold": ("--multiplier", "threefold")}
"""Options by which a model wants its extension."""


class Environment:
    """A Python environment in ``folder`` with tfl2hw's wheel and the extensions."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bin = folder / "venv" / "bin"
        self.call(sys.executable, "-m", "venv", folder / "venv")
        for name in MODELS:
            copy(EXAMPLES / name, folder / name)
        wheel = build_wheel(folder)
        sources = [f"./{name}" for name in MODELS]
        self.pip("install", f"{wheel}[sim,build]", "pytest", *sources)

    def pip(self, *words: str) -> None:
        self.call(self.bin / "python", "-m", "pip", "--quiet", "--disable-pip-version-check", *words)

    def call(self, *words: str | Path, code: int = 0) -> str:
        """Run a command; what it says on stdout, or where it fails, as it should, on stderr."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        command = [str(word) for word in words]
        done = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True)
        assert done.returncode == code, f"{done.stdout}\n{done.stderr}"
        return done.stderr if code else done.stdout

    def tfl2hw(self, *words: str | Path, code: int = 0) -> str:
        return self.call(self.bin / "tfl2hw", *words, code=code)

    def package(self, name: str) -> str:
        return f"tfl2hw-{name.replace('_', '-')}"


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    return Environment(tmp_path_factory.mktemp("extensions"))


def test_operators_are_listed(environment: Environment) -> None:
    listed: list[dict[str, Any]] = json.loads(environment.tfl2hw("ops", "--json"))["operators"]
    packages = {each["name"]: each["package"] for each in listed}
    assert packages["FLOOR_MOD"] == "tfl2hw-floor-mod 0.1.0"
    assert packages["RIGHT_SHIFT"] == "tfl2hw-right-shift 0.1.0"
    assert packages["ADD"] == "tfl2hw"


@pytest.mark.parametrize("name", MODELS)
def test_an_extensions_own_tests(environment: Environment, name: str) -> None:
    """References against the interpreter's bytes, and the simulated hardware."""
    environment.call(environment.bin / "python", "-m", "pytest", "-q", f"{name}/tests")


@pytest.mark.parametrize("name", REFUSAL)
def test_without_its_package_a_model_is_refused_again(environment: Environment, name: str) -> None:
    options = OPTIONS.get(name, ())
    words = ("compile", path(name), "--board", "icebreaker", "-o", environment.folder / "out", *options)
    environment.tfl2hw(*words)
    environment.pip("uninstall", "--yes", environment.package(name))
    assert REFUSAL[name] in environment.tfl2hw(*words, code=2)
    environment.pip("install", "--no-deps", f"./{name}")
    environment.tfl2hw(*words)
