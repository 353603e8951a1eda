"""What `pytest --tfl2hw` runs: three items a model and board, each of which fails with one sentence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tfl2hw.errors import Tfl2hwError
from tfl2hw.testing.hardware import HardwareModel, Wanted
from tfl2hw.testing.plugin import model_for

CHECKS: dict[str, Callable[[HardwareModel], None]] = {
    "fits": HardwareModel.assert_fits,
    "bit_exact": HardwareModel.assert_bit_exact,
    "cycles": HardwareModel.assert_cycles,
}
"""The items of a model, by name, in the order in which they are run."""


def collected(session: pytest.Session, wanted: Wanted) -> list[pytest.Item]:
    """The items for ``wanted``, called MODEL::BOARD::CHECK."""
    config = session.config
    path = wanted.model
    try:
        name = path.relative_to(config.rootpath).as_posix()
    except ValueError:
        name = path.as_posix()
    parent = ModelOnBoard.from_parent(session, name=wanted.board, nodeid=f"{name}::{wanted.board}", path=path)
    parent.add_marker("tfl2hw")
    if config.pluginmanager.hasplugin("xdist"):
        parent.add_marker(pytest.mark.xdist_group(parent.nodeid))  # one worker simulates it for all its items
    return [CheckItem.from_parent(parent, name=check, wanted=wanted) for check in CHECKS]


class ModelOnBoard(pytest.Collector):
    """A model on a board: the parent of its items."""

    def collect(self) -> list[pytest.Item]:
        """Nothing more: its items are made with it."""
        return []


class CheckItem(pytest.Item):
    """One check of a model on a board."""

    def __init__(self, *, wanted: Wanted, name: str, parent: pytest.Collector) -> None:
        super().__init__(name, parent)
        self._wanted = wanted

    def runtest(self) -> None:
        """Run the check; what is known of the model goes into the JUnit report either way."""
        model = model_for(self.config, self._wanted)
        try:
            CHECKS[self.name](model)
        finally:
            self.user_properties += model.properties().items()

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """How reports call it."""
        return self._wanted.model, None, f"{self._wanted.name}: {self.name}"

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: object = None) -> str:
        """The sentence alone; a fault of ours with its traceback."""
        if isinstance(excinfo.value, AssertionError | Tfl2hwError):
            return str(excinfo.value)
        return str(super().repr_failure(excinfo))
