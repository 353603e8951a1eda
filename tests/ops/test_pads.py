"""PAD, PADV2 and MIRROR_PAD against the interpreters."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import tflite

from tests.ops.agree import assert_exact
from tests.ops.moving import MovingModel, Shape
from tfl2hw.ops import NUMERICS

REFLECT, SYMMETRIC = tflite.MirrorPadMode.REFLECT, tflite.MirrorPadMode.SYMMETRIC
Cells = Sequence[tuple[int, int]]

PADS: list[tuple[Shape, Cells]] = [
    ((1,), [(2, 3)]),
    ((5,), [(0, 1)]),
    ((1, 17), [(0, 0), (1, 2)]),
    ((1, 3, 5), [(1, 0), (0, 2), (3, 1)]),
    ((1, 6, 4, 3), [(0, 0), (1, 1), (2, 0), (0, 0)]),
    ((2, 3, 4, 9), [(1, 2), (0, 0), (0, 3), (4, 5)]),
    ((1, 5, 5, 1), [(0, 0), (1, 1), (1, 1), (0, 0)]),
    ((1, 2, 3, 2, 5), [(1, 0), (0, 1), (1, 1), (0, 2), (2, 0)]),
    ((1, 4, 4, 8), [(0, 0), (0, 0), (0, 0), (0, 0)]),
]
MIRRORS: list[tuple[Shape, Cells, int]] = [
    ((1, 6, 4, 3), [(0, 0), (1, 1), (2, 0), (0, 0)], REFLECT),
    ((1, 6, 4, 3), [(0, 0), (6, 5), (0, 4), (0, 0)], SYMMETRIC),
    ((3, 2, 9), [(2, 1), (1, 0), (8, 8)], REFLECT),
    ((7,), [(7, 7)], SYMMETRIC),
    ((1, 5, 5, 17), [(1, 1), (2, 2), (2, 2), (3, 0)], SYMMETRIC),
    ((1, 2, 2, 3, 2, 3), [(0, 0), (1, 1), (0, 1), (0, 0), (1, 0), (2, 2)], REFLECT),
]


def padded(shape: Shape, cells: Cells) -> Shape:
    return tuple(before + size + after for size, (before, after) in zip(shape, cells, strict=True))


@pytest.mark.parametrize(("dtype", "numerics"), [("int32", NUMERICS), ("int64", ("litert-ref",))])
def test_pad(dtype: str, numerics: tuple[str, ...], tmp_path: Path) -> None:
    model = MovingModel(1)
    for shape, cells in PADS:
        model.move("PAD", [model.source(shape), model.numbers(cells, dtype)], padded(shape, cells))
    assert_exact(model, tmp_path, numerics)


def test_pad_v2(tmp_path: Path) -> None:
    model = MovingModel(2)
    for number, (shape, cells) in enumerate(PADS):
        ifm = model.source(shape)
        value = model.tensor((1,), data=np.array([17 * number - 128], np.int8), **model.same(ifm))
        model.move("PADV2", [ifm, model.numbers(cells), value], padded(shape, cells))
    assert_exact(model, tmp_path)


def test_mirror_pad(tmp_path: Path) -> None:
    model = MovingModel(3)
    for shape, cells, mode in MIRRORS:
        model.move("MIRROR_PAD", [model.source(shape), model.numbers(cells)], padded(shape, cells), Mode=mode)
    assert_exact(model, tmp_path)
