"""Rows of the table: operators that move bytes."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import numpy as np
import tflite

from tests.fuzz.maker import CannotPlaceError, Maker, Shape


def cut(shape: Shape, axis: int, size: int) -> Shape:
    """``shape`` with another size along ``axis``."""
    place = axis % len(shape)
    return (*shape[:place], size, *shape[place + 1 :])


def some_axis(model: Maker, shape: Shape) -> int:
    """An axis, counted from either end."""
    axis = model.whole(0, len(shape) - 1)
    return axis - len(shape) if model.chance(0.3) else axis


def reshape(model: Maker) -> None:
    ifm = model.source()
    count = prod(model.shape(ifm))
    shape: list[int] = []
    for _ in range(model.whole(0, 3)):
        divisors = [n for n in range(1, count + 1) if count % n == 0][:12]
        shape.append(model.pick(divisors))
        count //= shape[-1]
    made = tuple([1] * model.whole(0, 1) + [*shape, count])
    model.apply("RESHAPE", [ifm, model.numbers(made)], made, NewShape=made)


def squeeze(model: Maker) -> None:
    ifm = model.source((2, 3, 4, 5), lambda shape: 1 in shape)
    shape = model.shape(ifm)
    single = [axis for axis, size in enumerate(shape) if size == 1]
    axes = sorted({model.pick(single) for _ in range(model.whole(1, 2))}) if model.chance(0.7) else single
    made = tuple(size for axis, size in enumerate(shape) if axis not in axes)
    model.apply("SQUEEZE", [ifm], made, SqueezeDims=tuple(axes))


def expand_dims(model: Maker) -> None:
    ifm = model.source((1, 2, 3, 4))
    shape = model.shape(ifm)
    place = model.whole(0, len(shape))
    made = (*shape[:place], 1, *shape[place:])
    axis = place - len(made) if model.chance(0.3) else place
    model.apply("EXPAND_DIMS", [ifm, model.numbers(axis)], made)


def transpose(model: Maker) -> None:
    ifm = model.source((2, 3, 4, 5))
    shape = model.shape(ifm)
    order = [int(axis) for axis in model.random.permutation(len(shape))]
    model.apply("TRANSPOSE", [ifm, model.numbers(order)], tuple(shape[axis] for axis in order))


def paddings(model: Maker, shape: Shape, most: list[int]) -> list[tuple[int, int]]:
    return [
        (model.whole(0, limit), model.whole(0, limit)) if model.chance(0.5) else (0, 0)
        for _, limit in zip(shape, most, strict=True)
    ]


def padded(shape: Shape, cells: list[tuple[int, int]]) -> Shape:
    return tuple(before + size + after for size, (before, after) in zip(shape, cells, strict=True))


def pad(name: str) -> Callable[[Maker], None]:
    def place(model: Maker) -> None:
        ifm = model.source((1, 2, 3, 4))
        shape = model.shape(ifm)
        cells = paddings(model, shape, [2] * len(shape))
        inputs = [ifm, model.numbers(cells)]
        if name == "PADV2":
            inputs.append(model.constant((1,), **model.same(ifm)))
        model.apply(name, inputs, padded(shape, cells))

    return place


def mirror_pad(model: Maker) -> None:
    ifm = model.source((1, 2, 3, 4))
    shape = model.shape(ifm)
    mode = model.pick([tflite.MirrorPadMode.REFLECT, tflite.MirrorPadMode.SYMMETRIC])
    edge = mode == tflite.MirrorPadMode.REFLECT
    cells = paddings(model, shape, [min(size - edge, 4) for size in shape])
    model.apply("MIRROR_PAD", [ifm, model.numbers(cells)], padded(shape, cells), Mode=mode)


def concatenation(model: Maker) -> None:
    first = model.source()
    shape = model.shape(first)
    axis, known = some_axis(model, shape), model.same(first)
    parts = [first]
    for _ in range(model.whole(0, 3)):
        choice = model.whole(0, 3)
        if choice == 0:
            parts.append(first)
        elif choice == 1:
            parts.append(model.constant(cut(shape, axis, model.whole(1, 9)), **known))
        else:
            other = cut(shape, axis, model.pick([shape[axis], model.whole(1, 9)]))
            parts.append(model.partner(other, **known))
    order = [parts[int(n)] for n in model.random.permutation(len(parts))]
    total = sum(model.shape(part)[axis] for part in order)
    model.apply("CONCATENATION", order, cut(shape, axis, total), like=first, Axis=axis)


def split(model: Maker) -> None:
    ifm = model.source()
    shape = model.shape(ifm)
    axis = some_axis(model, shape)
    counts = [n for n in range(1, 6) if shape[axis] % n == 0]
    count = model.pick(counts)
    made = [cut(shape, axis, shape[axis] // count)] * count
    model.apply("SPLIT", [model.numbers(axis), ifm], *made, like=ifm, NumSplits=count)


def split_v(model: Maker) -> None:
    ifm = model.source()
    shape = model.shape(ifm)
    axis = some_axis(model, shape)
    left, sizes = shape[axis], []
    while left and len(sizes) < 3:
        sizes.append(model.whole(1, left))
        left -= sizes[-1]
    if left:
        sizes.append(left)
    made = [cut(shape, axis, size) for size in sizes]
    given = list(sizes)
    if model.chance(0.3):
        given[model.whole(0, len(given) - 1)] = -1
    model.apply("SPLIT_V", [ifm, model.numbers(given), model.numbers(axis)], *made, NumSplits=len(sizes))


def slice_box(model: Maker) -> None:
    ifm = model.source()
    shape = model.shape(ifm)
    begin = [model.whole(0, size - 1) if model.chance(0.6) else 0 for size in shape]
    size = [model.pick([full - at, model.whole(1, full - at)]) for full, at in zip(shape, begin, strict=True)]
    given = [
        -1 if made == full - at and model.chance(0.5) else made
        for made, full, at in zip(size, shape, begin, strict=True)
    ]
    model.apply("SLICE", [ifm, model.numbers(begin), model.numbers(given)], tuple(size))


def strided_slice(model: Maker) -> None:
    ifm = model.source((1, 2, 3, 4))
    shape = model.shape(ifm)
    begin, end, strides, made = [], [], [], []
    masks = {"BeginMask": 0, "EndMask": 0, "ShrinkAxisMask": 0}
    for axis, size in enumerate(shape):
        at, stride = model.whole(0, size - 1), model.pick([1, 1, 2, 3, -1, -2])
        if model.chance(0.15):
            masks["ShrinkAxisMask"] |= 1 << axis
            begin.append(at)
            end.append(at + 1)
            strides.append(1)
            continue
        whole = model.chance(0.5)
        taken = (
            range(size)[::stride]
            if whole
            else range(at, size, stride)
            if stride > 0
            else range(at, -1, stride)
        )
        begin.append(taken[0])
        end.append(taken[-1] + (1 if stride > 0 else -1))
        if end[-1] < 0 or (whole and model.chance(0.5)):
            masks["EndMask"] |= 1 << axis
            end[-1] = 0
        if whole and model.chance(0.5):
            masks["BeginMask"] |= 1 << axis
        strides.append(stride)
        made.append(len(taken))
    vectors = [model.numbers(values) for values in (begin, end, strides)]
    model.apply("STRIDED_SLICE", [ifm, *vectors], tuple(made), **masks)


def pack(model: Maker) -> None:
    first = model.source((1, 2, 3, 4))
    shape = model.shape(first)
    known = model.same(first)
    others = [
        model.constant(shape, **known) if model.chance(0.2) else model.partner(shape, **known)
        for _ in range(model.whole(0, 3))
    ]
    count = 1 + len(others)
    place = model.whole(0, len(shape))
    made = (*shape[:place], count, *shape[place:])
    axis = place - len(made) if model.chance(0.3) else place
    model.apply("PACK", [first, *others], made, Axis=axis, ValuesCount=count)


def unpack(model: Maker) -> None:
    ifm = model.source((2, 3, 4, 5), lambda shape: min(shape) <= 6)
    shape = model.shape(ifm)
    place = model.pick([axis for axis, size in enumerate(shape) if size <= 6])
    made = [(*shape[:place], *shape[place + 1 :])] * shape[place]
    axis = place - len(shape) if model.chance(0.3) else place
    model.apply("UNPACK", [ifm], *made, Axis=axis, Num=len(made))


def gather(model: Maker) -> None:
    ifm = model.source((1, 2, 3, 4))
    shape = model.shape(ifm)
    axis = some_axis(model, shape)
    indices = model.random.integers(0, shape[axis], model.pick([(), (1,), (3,), (7,), (2, 2)]))
    place = axis % len(shape)
    made = (*shape[:place], *np.shape(indices), *shape[place + 1 :])
    model.apply("GATHER", [ifm, model.numbers(indices)], made, Axis=axis)


def embedding(model: Maker) -> None:
    """GATHER of a constant table's rows by an input of indices."""
    count, channels = model.pick([model.whole(1, 9), model.whole(1, 300)]), model.whole(1, 20)
    shape = (1, *model.pick([(), (model.whole(1, 6),), (2, 3)]))
    indices = model.tensor(shape, dtype="int32")
    model.inputs.append(indices)
    model.indices[indices] = count
    table = model.constant((count, channels))
    model.apply("GATHER", [table, indices], (*shape, channels), Axis=0)


def gather_or_embedding(model: Maker) -> None:
    """Constant indices, or an input's."""
    (embedding if model.chance(0.3) else gather)(model)


def space_to_depth(model: Maker) -> None:
    ifm = model.source((4,), lambda shape: shape[1] % 2 == 0 and shape[2] % 2 == 0)
    batch, height, width, depth = model.shape(ifm)
    block = model.pick([n for n in (1, 2, 2, 3, 4) if height % n == 0 and width % n == 0])
    made = (batch, height // block, width // block, depth * block**2)
    model.apply("SPACE_TO_DEPTH", [ifm], made, BlockSize=block)


def depth_to_space(model: Maker) -> None:
    ifm = model.source((4,), lambda shape: shape[3] % 4 == 0)
    batch, height, width, depth = model.shape(ifm)
    made = (batch, height * 2, width * 2, depth // 4)
    model.apply("DEPTH_TO_SPACE", [ifm], made, BlockSize=2)


def space_to_batch(model: Maker) -> None:
    ifm = model.source((4,))
    batch, height, width, depth = model.shape(ifm)
    blocks, pads, made = [], [], []
    for size in (height, width):
        block, before = model.whole(1, 3), model.whole(0, 2)
        after = -(size + before) % block
        blocks.append(block)
        pads.append((before, after))
        made.append((before + size + after) // block)
    images = batch * prod(blocks)
    model.apply(
        "SPACE_TO_BATCH_ND", [ifm, model.numbers(blocks), model.numbers(pads)], (images, *made, depth)
    )


def batch_to_space(model: Maker) -> None:
    ifm = model.source((4,), lambda shape: shape[0] > 1 or model.chance(0.1))
    batch, height, width, depth = model.shape(ifm)
    pairs = [(a, b) for a in range(1, 7) for b in range(1, 7) if batch % (a * b) == 0]
    blocks = model.pick(pairs)
    crops, made = [], []
    for size, block in zip((height, width), blocks, strict=True):
        before = model.whole(0, min(2, size * block - 1))
        after = model.whole(0, min(2, size * block - 1 - before))
        crops.append((before, after))
        made.append(size * block - before - after)
    shape = (batch // prod(blocks), *made, depth)
    model.apply("BATCH_TO_SPACE_ND", [ifm, model.numbers(blocks), model.numbers(crops)], shape)


def resize(name: str) -> Callable[[Maker], None]:
    def place(model: Maker) -> None:
        ifm = model.source((4,), lambda shape: prod(shape) <= 1500)
        batch, height, width, depth = model.shape(ifm)
        rows, columns = (
            model.pick([size, 2 * size, max(1, size // 2), model.whole(1, 16)]) for size in (height, width)
        )
        if name == "RESIZE_BILINEAR" and model.chance(0.7):
            rows, columns = 2 * height, 2 * width
        options = model.pick([{}, {"AlignCorners": True}, {"HalfPixelCenters": True}])
        model.apply(name, [ifm, model.numbers([rows, columns])], (batch, rows, columns, depth), **options)

    return place


def tile(model: Maker) -> None:
    ifm = model.source()
    shape = model.shape(ifm)
    times = [model.pick([1, 1, 2, 3]) for _ in shape]
    made = tuple(size * number for size, number in zip(shape, times, strict=True))
    model.apply("TILE", [ifm, model.numbers(times)], made)


def broadcast_to(model: Maker) -> None:
    ifm = model.source()
    shape = model.shape(ifm)
    made = tuple(model.whole(1, 4) if size == 1 and model.chance(0.6) else size for size in shape)
    if len(made) < 4 and model.chance(0.4):
        made = (model.whole(1, 3), *made)
    model.apply("BROADCAST_TO", [ifm, model.numbers(made)], made)


def reverse(model: Maker) -> None:
    ifm = model.source()
    shape = model.shape(ifm)
    first = model.whole(0, len(shape) - 1)
    axes = list(range(first, model.whole(first, len(shape) - 1) + 1))
    if len(axes) > 3:
        raise CannotPlaceError
    model.apply("REVERSE_V2", [ifm, model.numbers(axes)], shape)
