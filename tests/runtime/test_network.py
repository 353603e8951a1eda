"""What a session is told of a compiled model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests import small_models
from tfl2hw.codegen.compile import compile_model
from tfl2hw.codegen.loading import Load, loads
from tfl2hw.runtime.network import open_session


class Silence:
    """A transport that nothing is sent over."""

    def write(self, data: bytes) -> None:
        raise AssertionError("nothing is to be sent yet")

    def read(self, count: int, timeout: float) -> bytes:
        raise AssertionError("nothing is to be read yet")

    def discard(self) -> None:
        raise AssertionError("nothing is to be read yet")


@pytest.mark.parametrize("board", ["ulx3s-85f", "icebreaker", "sim-large"])
def test_what_a_core_does_not_start_with_is_sent(board: str, tmp_path: Path) -> None:
    """Nothing to a core of block RAM made for the model; the scratchpad's contents where no bitstream can
    carry them; everything to a prebuilt core.
    """
    path = small_models.network(1, residual=False).write(tmp_path, "model")
    compiled = compile_model(path, board)
    contents = ((16, b"constants"),)
    compiled = replace(compiled, image=replace(compiled.image, scratchpad=contents))
    expected = {
        "ulx3s-85f": (),
        "icebreaker": (Load(writes=contents),),
        "sim-large": loads(compiled.image, compiled.config),
    }
    assert open_session(compiled, Silence())._loads == expected[board]
