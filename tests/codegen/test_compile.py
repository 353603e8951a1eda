"""What the compiler falls back to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.small_models import SmallModel
from tfl2hw.boards import Board
from tfl2hw.codegen import compile as compiler
from tfl2hw.codegen.compile import compile_model
from tfl2hw.errors import DoesNotFit
from tfl2hw.rtl_templates.config import CoreConfig


def test_a_core_with_aligned_words_where_the_other_is_too_large(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def small_chip(config: CoreConfig, board: Board, file: str, **_: Any) -> None:
        if config.unaligned:
            raise DoesNotFit("too many block RAMs")

    model = SmallModel(1)
    model.sink(model.conv(model.input((1, 6, 6, 3)), 8, (3, 3)))
    path = model.write(tmp_path, "model")
    assert compile_model(path, "ulx3s-85f").config.unaligned
    monkeypatch.setattr(compiler, "check_fit", small_chip)
    assert not compile_model(path, "ulx3s-85f").config.unaligned
