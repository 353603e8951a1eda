"""What a session is told of a compiled model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests import small_models
from tfl2hw.codegen.compile import compile_model
from tfl2hw.runtime.network import open_session


class Silence:
    """A transport that nothing is sent over."""

    def write(self, data: bytes) -> None:
        raise AssertionError("nothing is to be sent yet")

    def read(self, count: int, timeout: float) -> bytes:
        raise AssertionError("nothing is to be read yet")

    def discard(self) -> None:
        raise AssertionError("nothing is to be read yet")


@pytest.mark.parametrize(("board", "sent"), [("sim-large", False), ("icebreaker", True)])
def test_the_scratchpads_contents_are_sent_where_the_core_cannot_hold_them(
    board: str, sent: bool, tmp_path: Path
) -> None:
    path = small_models.network(1, residual=False).write(tmp_path, "model")
    compiled = compile_model(path, board)
    contents = ((16, b"constants"),)
    compiled = replace(compiled, image=replace(compiled.image, scratchpad=contents))
    assert open_session(compiled, Silence())._loads == (contents if sent else ())
