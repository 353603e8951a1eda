"""The house: what a wheel holds, who may import whom, and that the README's commands are there."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.wheel import build_wheel

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent


def call(*words: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(word) for word in words], cwd=cwd, capture_output=True, text=True)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """A wheel, built from a copy so that nothing is left in the checkout."""
    return zipfile.ZipFile(build_wheel(tmp_path_factory.mktemp("wheel")))


def test_wheel_puts_one_name_beside_other_peoples_packages(wheel: zipfile.ZipFile) -> None:
    tops = {name.split("/")[0] for name in wheel.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"tfl2hw"}


def test_wheel_has_every_module_and_data_file_of_the_rooms(wheel: zipfile.ZipFile) -> None:
    rooms = {
        "tfl2hw": "tfl2hw",
        "rtl_templates": "tfl2hw/rtl_templates",
        "boards": "tfl2hw/boards",
        "sim": "tfl2hw/sim",
    }
    here = {
        f"{room}/{file.relative_to(ROOT / folder)}"
        for folder, room in rooms.items()
        for file in (ROOT / folder).rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    assert here == {name for name in wheel.namelist() if name.startswith("tfl2hw/")}


def test_import_contracts(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    wheel.extractall(tmp_path)
    done = call(BIN / "lint-imports", "--config", ROOT / "pyproject.toml", "--no-cache", cwd=tmp_path)
    assert done.returncode == 0, done.stdout


def test_ruff() -> None:
    done = call(BIN / "ruff", "check", "--no-cache", "--quiet", ".", cwd=ROOT)
    assert done.returncode == 0, done.stdout


def test_the_readmes_make_commands_are_in_the_makefile() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for page in ("README.md", "CONTRIBUTING.md"):
        for target in re.findall(r"\bmake ([a-z-]+)\b", _code((ROOT / page).read_text())):
            assert re.search(rf"^{target}:", makefile, re.MULTILINE), f"{page}: make {target}"


def test_the_readmes_tfl2hw_commands_are_in_the_command_line() -> None:
    from tfl2hw.cli.main import COMMANDS

    for page in ("README.md", "CONTRIBUTING.md", "examples/digits/README.md"):
        found = re.findall(r"(?:^|`)tfl2hw ([a-z]+)\b", _code((ROOT / page).read_text()), re.MULTILINE)
        assert set(found) <= set(COMMANDS), page


def test_files_that_the_readme_links_to_are_there() -> None:
    for page in ("README.md", "CONTRIBUTING.md"):
        for link in re.findall(r"\]\((?!https?:)([^)#]+)", (ROOT / page).read_text()):
            assert (ROOT / link).exists(), f"{page}: {link}"


def _code(markdown: str) -> str:
    """The fenced and the inline code of a page, a piece a line."""
    return "\n".join(re.findall(r"```.*?```|`[^`\n]+`", markdown, re.DOTALL))
