"""The pages of docs/extending show what the examples really say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.extending.conftest import EXAMPLES
from tfl2hw.extending import checks

DOCS = Path(__file__).parents[2] / "docs" / "extending"
SOURCES = "\n".join(
    file.read_text() for suffix in ("py", "toml") for file in sorted(EXAMPLES.rglob(f"*.{suffix}"))
)


@pytest.mark.parametrize("page", sorted(DOCS.glob("*.md")), ids=lambda page: page.name)
def test_code_is_the_examples(page: Path) -> None:
    blocks = re.findall(r"```(?:python|toml)\n(.*?)```", page.read_text(), re.DOTALL)
    for block in blocks:
        assert block in SOURCES, f"{page.name} shows what no file of the examples says:\n{block}"


@pytest.mark.parametrize("page", sorted(DOCS.glob("*.md")), ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text()):
        assert (page.parent / link).exists(), f"{page.name}: {link}"


def test_checks_are_all_named() -> None:
    page = (DOCS / "index.md").read_text()
    public = {
        name
        for name, value in vars(checks).items()
        if getattr(value, "__module__", "") == checks.__name__ and not name.startswith("_")
    }
    named = set(re.findall(r"^\| `(\w+)\(", page, re.MULTILINE))
    assert named == public
