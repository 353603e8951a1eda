"""Every code block of README and documentation does what the page says. ``blocks`` lists the comments."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.docs.blocks import DATA, NOT_CODE, ROOT, Block, pages
from tests.docs.pages import Page

ALL = [block for blocks in pages().values() for block in blocks]
RUNNING = [block for block in ALL if block.language not in NOT_CODE or {"from", "file"} & set(block.says)]


def parameters() -> list[object]:
    """A test for each block; what needs the network is parsed now and run with the long ones."""
    found = []
    for block in RUNNING:
        marks = [pytest.mark.long] if "long" in block.says else []
        found.append(pytest.param(block, False, id=block.name, marks=marks))
        if "network" in block.says:
            found.append(pytest.param(block, True, id=f"{block.name}-really", marks=[pytest.mark.long]))
    return found


@pytest.mark.parametrize(("block", "really"), parameters())
def test_block(block: Block, really: bool, documentation: dict[str, Page]) -> None:
    documentation[block.page].run(block, really=really)


@pytest.mark.parametrize("block", ALL, ids=lambda block: block.name)
def test_block_is_of_a_known_kind(block: Block) -> None:
    assert block.is_known, f"{block.name}: {block.language!r} is neither run nor marked as text"
    if block.language == "console":
        assert block.text.startswith("$ "), f"{block.name}: a console block begins with a command"


@pytest.mark.parametrize("block", [b for b in ALL if b.language in DATA], ids=lambda block: block.name)
def test_data_can_be_read(block: Block) -> None:
    if block.language == "json":
        json.loads(block.text)
    elif block.language == "c":
        words = ["g++", "-x", "c++", "-fsyntax-only", "-include", "stdint.h", "-"]
        done = subprocess.run(words, input=block.text, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    elif block.language == "yaml":
        yaml.safe_load(block.text)
    elif sys.version_info >= (3, 11):
        import tomllib

        tomllib.loads(block.text)


@pytest.mark.parametrize("block", [b for b in ALL if "from" in b.says], ids=lambda block: block.name)
def test_excerpt_is_in_its_file(block: Block) -> None:
    text = (ROOT / block.says["from"]).read_text(encoding="utf-8")
    assert squeezed(block.text) in squeezed(text), f"{block.name} is not in {block.says['from']}"


def squeezed(text: str) -> str:
    """``text`` without indentation and blank lines."""
    return "\n".join(line.strip() for line in text.split("\n") if line.strip())


def test_pages_are_found() -> None:
    assert {"README.md", "CONTRIBUTING.md", "docs/link.md"} <= set(pages())
    assert all((Path(ROOT) / page).is_file() for page in pages())
