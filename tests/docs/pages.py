"""A page of the documentation: its blocks run in their order, whichever of them is asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.docs.blocks import Block
from tests.docs.workspace import Workspace


class Page:
    """``blocks`` run in a folder that ``make_folder`` makes. ``real`` : folders of models and inputs."""

    def __init__(
        self, *, blocks: Sequence[Block], make_folder: Callable[[], Path], real: tuple[Path, ...]
    ) -> None:
        self._waiting = list(blocks)
        self._make_folder = make_folder
        self._real = real
        self._workspace: Workspace | None = None

    def run(self, block: Block, *, really: bool = False) -> None:
        """Run ``block``, and before it the page's short blocks that stand before it and have not run."""
        for earlier in [other for other in self._waiting if other.line < block.line]:
            self._waiting.remove(earlier)
            if "long" not in earlier.says and "needs" not in earlier.says:
                self._do(earlier, really=False)
        if block in self._waiting:
            self._waiting.remove(block)
        self._do(block, really=really)

    def _do(self, block: Block, *, really: bool) -> None:
        if "needs" in block.says and not all(folder.is_dir() for folder in self._real):
            pytest.skip(
                f"no real models and inputs in {self._real}: TFL2HW_MODELS and TFL2HW_INPUTS name them"
            )
        if self._workspace is None:
            self._workspace = Workspace(self._make_folder(), self._real)
        self._workspace.run(block, really=really)

    def close(self) -> None:
        """End what the blocks have started."""
        if self._workspace is not None:
            self._workspace.close()
