"""The timing diagrams in docs/images are what the hardware does now."""

from __future__ import annotations

import pytest

from tests.docs.blocks import ROOT
from tests.docs.test_site import tool


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    content: dict[str, str] = tool("diagrams").files()
    return content


@pytest.mark.parametrize("name", ["array", "requantizer", "jobs"])
def test_committed_diagram_is_what_a_core_does(name: str, made: dict[str, str]) -> None:
    for suffix in ("json", "svg"):
        file = ROOT / "docs" / "images" / f"{name}.{suffix}"
        same = file.read_text(encoding="utf-8") == made[file.name]
        assert same, f"{file.name} is not what the core does: python docs/tools/diagrams.py makes it again"


def test_every_diagram_is_on_the_page(made: dict[str, str]) -> None:
    page = (ROOT / "docs" / "how_it_works.md").read_text(encoding="utf-8")
    assert all(f"](images/{name})" in page for name in made if name.endswith(".svg"))
    assert {f"{name}.json" for name in ("array", "requantizer", "jobs")} < set(made)
