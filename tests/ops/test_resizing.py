"""RESIZE_NEAREST_NEIGHBOR and RESIZE_BILINEAR against the interpreters."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.ops.agree import assert_exact
from tests.ops.moving import MovingModel
from tfl2hw.frontend import load
from tfl2hw.passes import lower

OPTIONS = {"plain": {}, "corners": {"AlignCorners": True}, "centres": {"HalfPixelCenters": True}}
# (batch, rows, columns, channels), new rows and columns
SIZES = [
    ((1, 4, 5, 3), (8, 10)),
    ((1, 4, 5, 1), (12, 5)),
    ((1, 8, 6, 5), (4, 2)),
    ((1, 5, 7, 9), (7, 5)),
    ((2, 3, 4, 2), (6, 4)),
    ((1, 6, 1, 17), (6, 4)),
    ((1, 4, 4, 2), (16, 16)),
    ((1, 7, 9, 2), (1, 1)),
    ((1, 10, 10, 1), (3, 14)),
    ((1, 3, 3, 4), (3, 3)),
]


@pytest.mark.parametrize("name", ["RESIZE_NEAREST_NEIGHBOR", "RESIZE_BILINEAR"])
@pytest.mark.parametrize("options", OPTIONS)
def test_resize(name: str, options: str, tmp_path: Path) -> None:
    model = MovingModel(1)
    for shape, (rows, columns) in SIZES:
        made = (shape[0], rows, columns, shape[3])
        model.move(name, [model.source(shape), model.numbers([rows, columns])], made, **OPTIONS[options])
    assert_exact(model, tmp_path)


@pytest.mark.parametrize("numerics", ["litert-ref", "tflm"])
def test_nearest_with_both_options(numerics: str, tmp_path: Path) -> None:
    model = MovingModel(2)
    for shape, (rows, columns) in SIZES:
        made = (shape[0], rows, columns, shape[3])
        both = {"AlignCorners": True, "HalfPixelCenters": True}
        model.move(
            "RESIZE_NEAREST_NEIGHBOR", [model.source(shape), model.numbers([rows, columns])], made, **both
        )
    assert_exact(model, tmp_path, (numerics,))


# operator, options, new rows and columns of an 8 x 8 map, how many primitives
FEW = [
    ("RESIZE_NEAREST_NEIGHBOR", "plain", (16, 16), 1),
    ("RESIZE_NEAREST_NEIGHBOR", "centres", (32, 8), 1),
    ("RESIZE_NEAREST_NEIGHBOR", "plain", (12, 12), 6),
    ("RESIZE_NEAREST_NEIGHBOR", "plain", (4, 2), 1),
    ("RESIZE_BILINEAR", "plain", (4, 4), 1),
    ("RESIZE_BILINEAR", "plain", (16, 16), 9),
    ("RESIZE_BILINEAR", "centres", (16, 16), 9),
    ("RESIZE_BILINEAR", "centres", (64, 64), 73),
]


@pytest.mark.parametrize(("name", "options", "size", "count"), FEW)
def test_few_primitives(name: str, options: str, size: tuple[int, int], count: int, tmp_path: Path) -> None:
    model = MovingModel(3)
    model.move(name, [model.source((1, 8, 8, 3)), model.numbers(size)], (1, *size, 3), **OPTIONS[options])
    assert_exact(model, tmp_path)
    assert len(lower(load(tmp_path / "model.tflite"), "tflm").primitives) == count
