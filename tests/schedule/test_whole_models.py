"""The schedules of models with every operator, walked: memory plan, aliases, constants, and all maps."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import small_models
from tests.schedule.walker import compare
from tests.small_models import SmallModel
from tfl2hw.boards import get
from tfl2hw.codegen.compile import make_target
from tfl2hw.frontend import load
from tfl2hw.passes import lower
from tfl2hw.schedule.schedule import schedule

TARGETS = [("ulx3s-85f", 8, 4), ("ulx3s-25f", 4, 4), ("sim-large", 8, 8), ("sim-large", 16, 8)]


def check(model: SmallModel, folder: Path, board: str, lanes: int, columns: int, numerics: str) -> None:
    path = model.write(folder, "model")
    network = lower(load(path), numerics)
    planned = schedule(network, make_target(get(board), lanes, columns))
    for sample in small_models.samples(path, 2):
        compare(network, planned, sample)


@pytest.mark.parametrize(("board", "lanes", "columns"), TARGETS)
@pytest.mark.parametrize("name", ["everything", "rows", "indices", "windows"])
@pytest.mark.parametrize("numerics", ["litert-ref", "tflm"])
def test_in_block_ram(name: str, numerics: str, board: str, lanes: int, columns: int, tmp_path: Path) -> None:
    check(getattr(small_models, name)(columns), tmp_path, board, lanes, columns, numerics)


@pytest.mark.parametrize("columns", [2, 4])
@pytest.mark.parametrize("seed", range(2))
def test_in_two_banks(seed: int, columns: int, tmp_path: Path) -> None:
    """What a job reads and what it writes are in different ones."""
    check(small_models.network(seed, residual=False), tmp_path, "icebreaker", 4, columns, "litert-ref")
    check(small_models.convolutions(seed), tmp_path, "icebreaker", 4, columns, "tflm")
    check(small_models.few_rows(seed), tmp_path, "icebreaker", 4, columns, "litert-ref")
