"""SLICE, STRIDED_SLICE, SPLIT, SPLIT_V, CONCATENATION, PACK and UNPACK against the interpreters."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.ops.agree import assert_exact
from tests.ops.moving import MovingModel, Shape

# shape, begin, size, what comes of it
SLICES: list[tuple[Shape, Sequence[int], Sequence[int], Shape]] = [
    ((1, 7, 6, 5), [0, 2, 1, 0], [1, 3, -1, 5], (1, 3, 5, 5)),
    ((1, 7, 6, 17), [0, 0, 0, 3], [-1, -1, -1, 9], (1, 7, 6, 9)),
    ((4, 3, 2, 3), [1, 0, 1, 2], [2, -1, 1, 1], (2, 3, 1, 1)),
    ((9,), [4], [3], (3,)),
    ((1, 20), [0, 19], [1, 1], (1, 1)),
    ((1, 2, 3, 4, 5), [0, 1, 0, 2, 1], [1, 1, 3, 2, 3], (1, 1, 3, 2, 3)),
]
# shape, begin, end, strides, masks, what comes of it
STRIDED: list[tuple[Shape, Sequence[int], Sequence[int], Sequence[int], dict[str, int], Shape]] = [
    ((1, 7, 6, 5), [0, 1, 0, 0], [1, 7, 6, 5], [1, 2, 3, 2], {}, (1, 3, 2, 3)),
    ((1, 7, 6, 5), [0, 0, 0, 0], [0, 0, 0, 0], [1, 2, 1, 1], {"BeginMask": 15, "EndMask": 15}, (1, 4, 6, 5)),
    ((1, 7, 6, 5), [0, -1, -2, 4], [1, -8, 0, -6], [1, -1, -3, -1], {}, (1, 7, 2, 5)),
    ((1, 7, 6, 5), [0, 9, 5, 0], [1, -9, 1, 9], [1, -2, -2, 1], {}, (1, 4, 2, 5)),
    (
        (1, 7, 6, 5),
        [0, 0, 0, 0],
        [0, 0, 0, 0],
        [-1, -1, -1, -2],
        {"BeginMask": 15, "EndMask": 15},
        (1, 7, 6, 3),
    ),
    ((1, 7, 6, 5), [0, 2, -1, 0], [1, 3, 0, 5], [1, 1, 1, 1], {"ShrinkAxisMask": 6}, (1, 5)),
    ((1, 7, 6, 5), [0, 2, 3, 4], [1, 3, 4, 5], [1, 1, 1, 1], {"ShrinkAxisMask": 15}, ()),
    ((3, 4, 9), [-9, 1, 0], [-1, 99, 8], [1, 1, 3], {}, (2, 3, 3)),
    ((11,), [10], [0], [-3], {}, (4,)),
    ((1, 2, 3, 4, 5), [0, 0, 1, 0, 0], [1, 2, 3, 4, 5], [1, 1, 1, 3, 2], {}, (1, 2, 2, 2, 3)),
]
REWRITTEN: list[tuple[Shape, Sequence[int], Sequence[int], Sequence[int], dict[str, int], Shape]] = [
    ((1, 7, 6, 5), [0, 2], [1, 5], [1, 1], {}, (1, 3, 6, 5)),
    ((1, 7, 6, 5), [0, 0, 1], [1, 0, 4], [1, 1, 2], {"EllipsisMask": 2}, (1, 7, 6, 2)),
    ((1, 7, 5), [0, 0, 0, 0], [1, 0, 7, 5], [1, 1, 2, 1], {"NewAxisMask": 2}, (1, 1, 4, 5)),
    ((1, 7, 6, 5), [0, 1, 2, 0], [1, 2, 3, 5], [1, 1, 2, 1], {"Offset": 1}, (1, 2, 2, 5)),
]
CUTS: list[tuple[Shape, int, Sequence[int]]] = [
    ((1, 6, 4, 9), 3, [3, 3, 3]),
    ((1, 6, 4, 9), 1, [2, 2, 2]),
    ((4, 6, 5), -3, [1, 1, 1, 1]),
    ((12,), 0, [6, 6]),
    ((1, 2, 3, 2, 4, 3), -2, [2, 2]),
]
UNEVEN: list[tuple[Shape, int, Sequence[int]]] = [
    ((1, 6, 4, 9), 3, [1, 5, 3]),
    ((1, 6, 4, 9), -3, [4, -1]),
    ((4, 6, 5), 0, [3, 1]),
    ((17,), 0, [17]),
]


@pytest.mark.parametrize("dtype", ["int32", "int64"])
def test_slice(dtype: str, tmp_path: Path) -> None:
    model = MovingModel(1)
    for shape, begin, size, made in SLICES:
        model.move(
            "SLICE", [model.source(shape), model.numbers(begin, dtype), model.numbers(size, dtype)], made
        )
    assert_exact(model, tmp_path)


def strided(
    model: MovingModel,
    cases: Sequence[tuple[Shape, Sequence[int], Sequence[int], Sequence[int], dict[str, int], Shape]],
) -> None:
    for shape, begin, end, strides, masks, made in cases:
        vectors = [model.numbers(values) for values in (begin, end, strides)]
        model.move("STRIDED_SLICE", [model.source(shape), *vectors], made, **masks)


def test_strided_slice(tmp_path: Path) -> None:
    model = MovingModel(2)
    strided(model, [case for case in STRIDED if len(case[0]) < 5])
    assert_exact(model, tmp_path)


def test_strided_slice_as_litert_has_it(tmp_path: Path) -> None:
    model = MovingModel(3)
    strided(model, [*REWRITTEN, *(case for case in STRIDED if len(case[0]) == 5)])
    assert_exact(model, tmp_path, ("litert-ref",))


def cut(shape: Shape, axis: int, size: int) -> Shape:
    place = axis % len(shape)
    return (*shape[:place], size, *shape[place + 1 :])


def test_split(tmp_path: Path) -> None:
    model = MovingModel(4)
    for shape, axis, sizes in CUTS:
        made = [cut(shape, axis, size) for size in sizes]
        model.move("SPLIT", [model.numbers(axis), model.source(shape)], *made, data=1, NumSplits=len(sizes))
    assert_exact(model, tmp_path)


def test_split_v(tmp_path: Path) -> None:
    model = MovingModel(5)
    for shape, axis, sizes in UNEVEN:
        full = shape[axis]
        made = [cut(shape, axis, full - sum(sizes) - 1 if size < 0 else size) for size in sizes]
        inputs = [model.source(shape), model.numbers(sizes), model.numbers(axis)]
        model.move("SPLIT_V", inputs, *made, NumSplits=len(sizes))
    assert_exact(model, tmp_path)


def test_concatenation(tmp_path: Path) -> None:
    model = MovingModel(6)
    for shape, axis, sizes in [*CUTS, *UNEVEN]:
        first = model.source(cut(shape, axis, max(sizes[0], 1)))
        others = [model.source(cut(shape, axis, max(size, 1)), first) for size in sizes[1:]]
        constant = model.constant(cut(shape, axis, 2), first)
        total = sum(max(size, 1) for size in sizes) + 2
        model.move("CONCATENATION", [first, *others, constant], cut(shape, axis, total), Axis=axis)
    twice = model.source((1, 3, 3, 5))
    model.move("CONCATENATION", [twice, twice], (1, 3, 3, 10), Axis=3)
    model.move("CONCATENATION", [twice], (1, 3, 3, 5), Axis=3)
    assert_exact(model, tmp_path)


PACKED: list[tuple[Shape, int, Shape]] = [
    ((1, 4, 5), 0, (3, 1, 4, 5)),
    ((1, 4, 5), -1, (1, 4, 5, 3)),
    ((1, 4, 5), 2, (1, 4, 3, 5)),
    ((7,), 1, (7, 3)),
    ((), 0, (3,)),
    ((1, 2, 3, 2, 5), 4, (1, 2, 3, 2, 3, 5)),
]


def test_pack(tmp_path: Path) -> None:
    model = MovingModel(7)
    for shape, axis, made in PACKED:
        first = model.source(shape)
        inputs = [first, model.source(shape, first), model.constant(shape, first)]
        model.move("PACK", inputs, made, Axis=axis, ValuesCount=3)
    assert_exact(model, tmp_path)


def test_unpack(tmp_path: Path) -> None:
    model = MovingModel(8)
    for shape, axis, made in PACKED:
        model.move("UNPACK", [model.source(made)], shape, shape, shape, Axis=axis, Num=3)
    assert_exact(model, tmp_path)
