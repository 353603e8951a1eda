"""The documentation site's own code: links that leave docs/, and our docstrings as Markdown."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


def tool(name: str) -> ModuleType:
    """The module docs/tools/NAME.py, which is in no package."""
    pytest.importorskip("mkdocs")
    spec = importlib.util.spec_from_file_location(name, ROOT / "docs" / "tools" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look it up there
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("page", "link", "on_site"),
    [
        ("docs/link.md", "verify.md", "verify.md"),
        ("docs/link.md", "../sim/netlist.py", "source/sim/netlist.py.md"),
        ("docs/reference/python.md", "../link.md#the-frames", "../link.md#the-frames"),
        ("docs/reference/python.md", "../../README.md", "../index.md"),
        ("README.md", "docs/link.md", "link.md"),
        ("README.md", "examples/digits", "source/examples/digits/README.md"),
        ("examples/digits/README.md", "../../docs/link.md", "../../../link.md"),
        ("README.md", "docs/nowhere.md", "docs/nowhere.md"),
        ("README.md", "https://example.org/a.md", "https://example.org/a.md"),
    ],
)
def test_links_on_the_site(page: str, link: str, on_site: str) -> None:
    assert tool("site").with_site_links(page, f"see [it]({link}).") == f"see [it]({on_site})."


def test_page_of_a_source_file_holds_its_text_whole() -> None:
    assert tool("site").page_of("a/b.py", "x = '```'\n") == "# a/b.py\n\n`````python\nx = '```'\n`````\n"


def test_sections_of_a_docstring_become_lists() -> None:
    text = (
        "Does it.\n\nParameters\n----------\nconfig : what to make,\n    in full.\n``a``, b : two.\n\n"
        "Raises\n------\nValueError : never."
    )
    assert tool("docstrings").as_markdown(text) == (
        "Does it.\n\n**Parameters**\n\n- `config`: what to make,\n    in full.\n- `a, b`: two.\n\n"
        "**Raises**\n\n- `ValueError`: never."
    )
