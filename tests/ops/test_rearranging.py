"""Transposing, gathering, blocks, tiles and reversing against the interpreters."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from tests.ops.agree import assert_agreement, assert_exact
from tests.ops.moving import MovingModel, Shape
from tfl2hw.ops import NUMERICS

ORDERS: list[tuple[Shape, Sequence[int]]] = [
    ((1, 6, 4, 5), [0, 3, 1, 2]),
    ((1, 6, 4, 5), [0, 2, 3, 1]),
    ((2, 6, 4, 9), [3, 2, 1, 0]),
    ((1, 6, 17), [0, 2, 1]),
    ((5, 7), [1, 0]),
    ((9,), [0]),
    ((1, 2, 3, 4, 5), [4, 0, 2, 1, 3]),
]


def test_transpose(tmp_path: Path) -> None:
    model = MovingModel(1)
    for shape, order in ORDERS:
        made = tuple(shape[axis] for axis in order)
        model.move("TRANSPOSE", [model.source(shape), model.numbers(order)], made)
    assert_exact(model, tmp_path)


def test_transpose_of_six_axes(tmp_path: Path) -> None:
    model = MovingModel(2)
    order = [5, 2, 0, 4, 1, 3]
    shape = (1, 2, 3, 2, 2, 3)
    made = tuple(shape[axis] for axis in order)
    model.move("TRANSPOSE", [model.source(shape), model.numbers(order)], made)
    assert_exact(model, tmp_path, ("litert-ref",))


def test_squeeze_and_expand(tmp_path: Path) -> None:
    model = MovingModel(3)
    for shape, axes, made in [
        ((1, 1, 1, 17), (1, 2), (1, 17)),
        ((1, 5, 1, 3), (-2,), (1, 5, 3)),
        ((1, 5, 1, 3), (), (5, 3)),
        ((1, 1), (), ()),
    ]:
        model.move("SQUEEZE", [model.source(shape)], made, SqueezeDims=axes)
        for axis in (0, -1):
            wider = (1, *made) if axis == 0 else (*made, 1)
            model.move("EXPAND_DIMS", [model.source(made), model.numbers(axis)], wider)
    assert_exact(model, tmp_path)


GATHERS: list[tuple[Shape, Sequence[object] | int, int, Shape]] = [
    ((1, 6, 4, 5), [3, 0, 0, 2], 2, (1, 6, 4, 5)),
    ((1, 6, 4, 5), [4, 3, 2, 1, 0], -1, (1, 6, 4, 5)),
    ((1, 6, 4, 5), [[0, 2, 4], [1, 3, 5]], 1, (1, 2, 3, 4, 5)),
    ((1, 6, 17), 3, 1, (1, 17)),
    ((9, 3), [8, 1, 5], 0, (3, 3)),
    ((20,), [[7], [0]], 0, (2, 1)),
    ((1, 3, 3, 9), [0, 1, 0, 1, 2, 2, 8], 3, (1, 3, 3, 7)),
]


def test_gather(tmp_path: Path) -> None:
    model = MovingModel(4)
    for shape, indices, axis, made in GATHERS:
        model.move("GATHER", [model.source(shape), model.numbers(indices)], made, Axis=axis)
    assert_exact(model, tmp_path)


@pytest.mark.parametrize(("dtype", "numerics"), [("int32", NUMERICS), ("int64", NUMERICS[:1])])
def test_embedding(dtype: str, numerics: tuple[str, ...], tmp_path: Path) -> None:
    model = MovingModel(11)
    rows = []
    for shape, count, channels, axis in [((1, 6), 9, 5, 0), ((1, 2, 3), 300, 17, -2), ((1,), 4, 1, 0)]:
        indices = model.tensor(shape, dtype=dtype)
        table = model.tensor(
            (count, channels),
            data=model.random.integers(-128, 128, (count, channels)).astype(np.int8),
            scale=model.scale(),
            zero_point=model.zero(),
        )
        model.inputs.append(indices)
        rows.append((shape, count))
        model.move("GATHER", [table, indices], (*shape, channels), Axis=axis)
    path = tmp_path / "model.tflite"
    path.write_bytes(model.finish(model.inputs, model.outputs))
    samples = [[model.random.integers(0, n, shape).astype(dtype) for shape, n in rows] for _ in range(3)]
    assert_agreement(path, samples, numerics)


@pytest.mark.parametrize("block", [1, 2, 3])
def test_blocks_as_channels(block: int, tmp_path: Path) -> None:
    model = MovingModel(5)
    for batch, rows, columns, channels in [(1, 2, 3, 1), (1, 3, 1, 5), (2, 2, 2, 9)]:
        wide = (batch, rows * block, columns * block, channels)
        deep = (batch, rows, columns, channels * block**2)
        model.move("SPACE_TO_DEPTH", [model.source(wide)], deep, BlockSize=block)
        model.move("DEPTH_TO_SPACE", [model.source(deep)], wide, BlockSize=block)
    assert_exact(model, tmp_path)


BATCHES: list[tuple[Shape, Sequence[int], Sequence[tuple[int, int]], Shape]] = [
    ((1, 6, 4, 5), [2, 2], [(0, 0), (0, 0)], (4, 3, 2, 5)),
    ((1, 6, 5, 3), [2, 3], [(1, 1), (0, 1)], (6, 4, 2, 3)),
    ((2, 5, 7, 1), [3, 1], [(0, 1), (2, 0)], (6, 2, 9, 1)),
    ((1, 9, 9, 17), [4, 4], [(4, 3), (4, 3)], (16, 4, 4, 17)),
    ((1, 10, 9), [2], [(1, 1)], (2, 6, 9)),
    ((3, 7, 2), [4], [(0, 1)], (12, 2, 2)),
]


def test_space_to_batch(tmp_path: Path) -> None:
    model = MovingModel(6)
    for shape, blocks, pads, made in BATCHES:
        model.move(
            "SPACE_TO_BATCH_ND", [model.source(shape), model.numbers(blocks), model.numbers(pads)], made
        )
    assert_exact(model, tmp_path)


def test_batch_to_space(tmp_path: Path) -> None:
    model = MovingModel(7)
    for made, blocks, crops, shape in BATCHES:
        model.move(
            "BATCH_TO_SPACE_ND", [model.source(shape), model.numbers(blocks), model.numbers(crops)], made
        )
    assert_exact(model, tmp_path)


def test_tile(tmp_path: Path) -> None:
    model = MovingModel(8)
    for shape, times in [
        ((1, 3, 4, 5), [1, 2, 3, 1]),
        ((1, 3, 4, 5), [2, 1, 1, 3]),
        ((7,), [3]),
        ((1, 17), [1, 1]),
        ((2, 1, 3, 2, 3), [1, 4, 2, 1, 2]),
    ]:
        made = tuple(size * number for size, number in zip(shape, times, strict=True))
        model.move("TILE", [model.source(shape), model.numbers(times)], made)
    assert_exact(model, tmp_path, ("litert-ref",))


def test_broadcast_to(tmp_path: Path) -> None:
    model = MovingModel(9)
    for shape, made in [
        ((1, 1, 1, 5), (1, 3, 4, 5)),
        ((1, 3, 4, 1), (1, 3, 4, 9)),
        ((4, 1), (2, 3, 4, 3)),
        ((1,), (7,)),
        ((1, 3, 1, 2, 1), (1, 3, 3, 2, 5)),
    ]:
        model.move("BROADCAST_TO", [model.source(shape), model.numbers(made)], made)
    assert_exact(model, tmp_path)


def test_reverse(tmp_path: Path) -> None:
    model = MovingModel(10)
    for shape, axes in [
        ((1, 6, 4, 5), [1]),
        ((1, 6, 4, 5), [-1]),
        ((1, 6, 4, 5), [1, 2]),
        ((3, 6, 9), [0]),
        ((17,), [0]),
        ((1, 2, 3, 2, 3, 2), [1, 2, 3]),
    ]:
        model.move("REVERSE_V2", [model.source(shape), model.numbers(axes)], shape)
    assert_exact(model, tmp_path)
