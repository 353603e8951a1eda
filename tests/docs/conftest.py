"""A folder for each page, in which its blocks run."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import SHARED
from tests.docs.blocks import pages
from tests.docs.pages import Page


@pytest.fixture(scope="session")
def documentation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Page]]:
    """The pages by name, whose blocks run in order, each once."""
    models = Path(os.environ.get("TFL2HW_MODELS", SHARED / "models"))
    inputs = Path(os.environ.get("TFL2HW_INPUTS", models.parent / "inputs"))
    found = {
        name: Page(blocks=blocks, make_folder=lambda: tmp_path_factory.mktemp("page"), real=(models, inputs))
        for name, blocks in pages().items()
    }
    yield found
    for page in found.values():
        page.close()
