"""What the compiler falls back to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.small_models import SmallModel
from tfl2hw.boards import Board, get
from tfl2hw.codegen import compile as compiler
from tfl2hw.codegen.compile import compile_model
from tfl2hw.codegen.write import board_config
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
    assert compile_model(path, "ulx3s-85f", lanes=8, columns=8).config.unaligned
    monkeypatch.setattr(compiler, "check_fit", small_chip)
    assert not compile_model(path, "ulx3s-85f", lanes=8, columns=8).config.unaligned


def first_layer(folder: Path) -> Path:
    """A model whose input stands in strips where it can."""
    model = SmallModel(1)
    model.sink(model.conv(model.input((1, 20, 20, 1)), 8, (3, 3)))
    return model.write(folder, "first")


Kept = tuple[int, bool, bool]
"""Requantizers, strips, words at any byte."""


@pytest.mark.parametrize(
    ("fits", "wanted"),
    [
        (lambda q, _spread, _unaligned: q == 4, (4, True, True)),
        (lambda _q, spread, _unaligned: not spread, (8, False, True)),
        (lambda q, spread, _unaligned: q == 4 and not spread, (4, False, True)),
        (lambda _q, _spread, unaligned: not unaligned, (8, False, False)),
    ],
    ids=["requantizers", "strips", "both", "words at any byte"],
)
def test_as_little_as_possible_is_left_out(
    fits: Callable[[int, bool, bool], bool], wanted: Kept, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of the requantizers first, then strips, then words at any byte."""

    def small_chip(config: CoreConfig, board: Board, file: str) -> None:
        if not fits(config.requantizers, config.spread, config.unaligned):
            raise DoesNotFit("too many block RAMs")

    path = first_layer(tmp_path)
    config = compile_model(path, "ulx3s-85f", lanes=8, columns=8).config
    assert (config.requantizers, config.spread, config.unaligned) == (8, True, True)
    monkeypatch.setattr(compiler, "check_fit", small_chip)
    config = compile_model(path, "ulx3s-85f", lanes=8, columns=8).config
    assert (config.requantizers, config.spread, config.unaligned) == wanted


def test_fewer_requantizers_have_more_dsps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = first_layer(tmp_path)
    assert board_config(compile_model(path, "ulx3s-45f", lanes=8, columns=8)).requantizer_dsps == 1

    def small_chip(config: CoreConfig, board: Board, file: str) -> None:
        if config.requantizers > 4:
            raise DoesNotFit("too many block RAMs")

    monkeypatch.setattr(compiler, "check_fit", small_chip)
    made = compile_model(path, "ulx3s-45f", lanes=8, columns=8)
    config, chip = board_config(made), get("ulx3s-45f").chip
    assert chip is not None
    assert (config.requantizers, config.requantizer_dsps) == (4, 2)
    assert config.lanes * config.columns + 4 * 2 <= chip.dsps
