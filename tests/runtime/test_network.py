"""What a session is told of a compiled model."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import small_models
from tfl2hw.codegen.compile import compile_model
from tfl2hw.codegen.loading import loads
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
    """Nothing to a core that starts with everything; everything where no bitstream can carry the scratchpad's
    contents, since others may have been built into the rest, and to a prebuilt core.
    """
    path = small_models.network(1, residual=False).write(tmp_path, "model")
    compiled = compile_model(path, board)
    expected = () if board == "ulx3s-85f" else loads(compiled.image, compiled.config)
    assert open_session(compiled, Silence())._loads == expected
