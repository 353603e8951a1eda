"""The wheel in an environment of its own, outside of the repository: slim, with extras, and gone again."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.wheel import ROOT, build_wheel

DIGITS = ROOT / "examples" / "digits"
PYTHONS = ("3.10", "3.11", "3.12", "3.13")


class Environment:
    """A virtual environment, and a folder of a user who knows nothing of the repository."""

    def __init__(self, folder: Path, python: str) -> None:
        self.venv = folder / "venv"
        self.home = folder / "home"
        self.home.mkdir(parents=True)
        shutil.copy(DIGITS / "digits_int8.tflite", self.home)
        shutil.copy(DIGITS / "digit_3.npy", self.home)
        subprocess.run([python, "-m", "venv", str(self.venv)], check=True)

    def call(self, *words: str | Path, code: int = 0) -> subprocess.CompletedProcess[str]:
        """Run a program of the environment, which has to leave with ``code``."""
        unset = ("PYTHONPATH", "VIRTUAL_ENV", "TFL2HW_CACHE", "XDG_CACHE_HOME")
        variables = {name: value for name, value in os.environ.items() if name not in unset}
        done = subprocess.run(
            [str(self.venv / "bin" / str(words[0])), *map(str, words[1:])],
            cwd=self.home,
            env=variables | {"HOME": str(self.home)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, (words, done.returncode, done.stdout, done.stderr)
        return done

    def pip(self, *words: str | Path) -> None:
        self.call("python", "-m", "pip", "--quiet", "--disable-pip-version-check", *words)

    def files(self) -> set[str]:
        """Every file of the environment."""
        return {str(file.relative_to(self.venv)) for file in self.venv.rglob("*") if file.is_file()}


def found_python(wanted: str) -> str | None:
    """An interpreter of this version: on PATH, or one of pyenv's."""
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    places = [*root.glob(f"versions/{wanted}.*/bin/python{wanted}"), shutil.which(f"python{wanted}")]
    for place in filter(None, places):
        if subprocess.run([place, "-c", "import ensurepip, venv"], capture_output=True).returncode == 0:
            return str(place)
    return None


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="session")
def slim(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """The wheel without extras."""
    python = next(filter(None, map(found_python, PYTHONS)))
    environment = Environment(tmp_path_factory.mktemp("slim"), python)
    environment.pip("install", wheel)
    return environment


def test_slim_compiles(slim: Environment) -> None:
    words = ("digits_int8.tflite", "--board", "icebreaker", "-o", "out")
    done = slim.call("tfl2hw", "compile", *words, "--json")
    assert json.loads(done.stdout)["predicted_cycles"] > 9000
    assert done.stderr == (
        "the hardware is written as RTLIL: Verilog takes Yosys, pip install 'tfl2hw[build]'\n"
    )
    written = {file.name for file in (slim.home / "out").iterdir()}
    assert {"program.hex", "image.json", "core.il", "top.il"} <= written


def test_slim_estimates(slim: Environment) -> None:
    facts = json.loads(slim.call("tfl2hw", "inspect", "digits_int8.tflite", "--json").stdout)
    (board,) = [row for row in facts["boards"] if row["board"] == "ulx3s-25f"]
    assert board["fits"]
    assert board["estimated"]["luts"] > 4000


@pytest.mark.parametrize(
    ("words", "extra"),
    [
        (["simulate", "digits_int8.tflite", "--board", "icebreaker"], "sim"),
        (["build", "digits_int8.tflite", "--board", "icebreaker", "-o", "built"], "build"),
        (["run", "kept", "--port", "sim", "--input", "digit_3.npy"], "sim"),
    ],
)
def test_what_slim_lacks_is_named_by_its_extra(slim: Environment, words: list[str], extra: str) -> None:
    settings = {"board": "icebreaker", "numerics": "litert-ref", "lanes": None, "columns": None}
    (slim.home / "kept").mkdir(exist_ok=True)
    shutil.copy(DIGITS / "digits_int8.tflite", slim.home / "kept" / "model.tflite")
    (slim.home / "kept" / "settings.json").write_text(json.dumps(settings))
    done = slim.call("tfl2hw", *words, code=3)
    assert done.stderr.startswith("error: ")
    assert done.stderr.endswith(f"pip install 'tfl2hw[{extra}]'\n")
    assert done.stderr.count("\n") == 1
    assert not (slim.home / "built").exists()


def test_doctor_of_a_slim_install(slim: Environment) -> None:
    facts = json.loads(slim.call("tfl2hw", "doctor", "--json").stdout)
    assert (facts["able"]["compile"], facts["able"]["simulate"], facts["able"]["build"]) == (
        True,
        False,
        False,
    )
    slim.call("tfl2hw", "doctor", "--need", "sim", code=3)


def test_uninstall_leaves_nothing(slim: Environment, wheel: Path, tmp_path: Path) -> None:
    """But the packages that came with it, which pip leaves to whoever else wants them."""
    with_it = slim.files()
    slim.pip("uninstall", "--yes", "tfl2hw")
    bare = slim.files()
    slim.pip("install", "--no-deps", wheel)
    assert slim.files() == with_it > bare
    slim.call("tfl2hw", "ops")
    slim.pip("uninstall", "--yes", "tfl2hw")
    assert slim.files() == bare
    assert not [name for name in bare if "tfl2hw" in name]
    slim.pip("install", "--no-deps", wheel)


@pytest.mark.long
@pytest.mark.parametrize("version", PYTHONS)
def test_all_of_it_with_each_python(version: str, wheel: Path, tmp_path: Path) -> None:
    """Minutes each: several hundred megabytes are installed."""
    python = found_python(version)
    if python is None:
        pytest.skip(f"no Python {version} here")
    environment = Environment(tmp_path, python)
    environment.pip("install", f"{wheel}[sim,build]")
    environment.call("tfl2hw", "doctor", "--need", "sim", "--need", "build")
    board = ("digits_int8.tflite", "--board", "icebreaker")
    environment.call("tfl2hw", "compile", *board, "-o", "out")
    assert (environment.home / "out" / "top.v").is_file()
    fits = json.loads(environment.call("tfl2hw", "inspect", "digits_int8.tflite", "--json").stdout)["boards"]
    assert all(row["fits"] for row in fits if row["board"] == "icebreaker")
    facts = json.loads(
        environment.call("tfl2hw", "simulate", *board, "--input", "digit_3.npy", "--json").stdout
    )
    assert (facts["bit_exact"], facts["cycles"]) == (True, facts["predicted_cycles"])
