"""What operators that move bytes refuse, and in which words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.ops.moving import MovingModel, Shape
from tfl2hw.errors import ModelError
from tfl2hw.frontend import load
from tfl2hw.ops import review
from tfl2hw.passes import lower

MAP = (1, 6, 4, 3)
LARGE = 1 << 30


def one(name: str, shape: Shape, made: Shape, *constants: Any, first: bool = False, **options: Any) -> bytes:
    """A model of one operator with integer constants behind its IFM (or ``first``)."""
    model = MovingModel(1)
    ifm = model.source(shape)
    numbers = [model.numbers(values) for values in constants]
    inputs = [*numbers, ifm] if first else [ifm, *numbers]
    model.move(name, inputs, made, data=len(inputs) - 1 if first else 0, **options)
    return model.finish(model.inputs, model.outputs)


def other(
    name: str, *, dtype: str = "int8", scale: float = 0.5, constant: bool = True, **options: Any
) -> bytes:
    """A model of one operator whose OFM differs, or whose second input is an activation."""
    model = MovingModel(1)
    ifm = model.source(MAP)
    ofm = model.tensor(MAP, dtype=dtype, scale=scale)
    second = model.numbers([0, 1, 2, 3]) if constant else model.tensor((1, 4), dtype="int32")
    model.operator(name, [ifm, second], [ofm], **options)
    return model.finish([ifm] if constant else [ifm, second], [ofm])


def unknown_order() -> bytes:
    model = MovingModel(1)
    ifm, order = model.source((1, 4)), model.tensor((1, 2), dtype="int32")
    model.move("TRANSPOSE", [ifm, order], (4, 1))
    return model.finish([ifm, order], model.outputs)


def joined(first: Shape, second: Shape, made: Shape, *, scale: float | None = None, **options: Any) -> bytes:
    model = MovingModel(1)
    one, two = model.source(first), model.source(second)
    if scale is None:
        two = model.source(second, one)
    inputs = [index for index in model.inputs if index in (one, two)]
    model.move("CONCATENATION", [one, two], made, **options)
    return model.finish(inputs, model.outputs)


def pad_value(value: list[int], **fields: Any) -> bytes:
    model = MovingModel(1)
    ifm = model.source((1, 4))
    constant = model.tensor((len(value),), data=np.array(value, np.int8), **{**model.same(ifm), **fields})
    model.move("PADV2", [ifm, model.numbers([[0, 0], [1, 1]]), constant], (1, 6))
    return model.finish(model.inputs, model.outputs)


def embedding(table: Shape, made: Shape, *, constant: bool = True, axis: int = 0) -> bytes:
    model = MovingModel(1)
    values = model.random.integers(-128, 128, table).astype(np.int8)
    rows = model.tensor(table, data=values, scale=0.5) if constant else model.source(table)
    indices = model.tensor((1, 4), dtype="int32")
    model.move("GATHER", [rows, indices], made, Axis=axis)
    return model.finish([*model.inputs, indices], model.outputs)


PADS = [[0, 0], [1, 1], [1, 1], [0, 0]]
REFUSED: list[tuple[Callable[[], bytes], str]] = [
    (lambda: one("PAD", MAP, MAP, PADS), "is recorded as (1, 6, 4, 3) where the operator makes (1, 8, 6, 3)"),
    (
        lambda: one("PAD", MAP, MAP, PADS[1:]),
        "has shape (3, 2) for an IFM (1, 6, 4, 3); accepted: the paddings",
    ),
    (lambda: one("PAD", MAP, MAP, [[0, 0], [-1, 1], [1, 1], [0, 0]]), "paddings [(0, 0), (-1, 1)"),
    (lambda: one("PAD", MAP, MAP, [[0, LARGE], *PADS[1:]]), "where the operator makes (1073741825, 8"),
    (lambda: one("PAD", (1,) * 6, (1,) * 6, [[0, 0]] * 6), "accepted: IFM has rank 1 to 5"),
    (lambda: one("PAD", MAP, MAP), "inputs [0] and outputs [1] (-1: absent); accepted: inputs are IFM and"),
    (lambda: other("PAD"), "accepted: every IFM and OFM has the same scale and zero point"),
    (lambda: other("PAD", dtype="int16"), "is int16; accepted: IFM and OFM are int8 activations"),
    (
        lambda: pad_value([1, 2]),
        "of shape (2,) is constant; accepted: the padding value is one int8 constant",
    ),
    (lambda: pad_value([1], zero_point=5), "zero point 5; accepted: the padding value"),
    (lambda: one("MIRROR_PAD", MAP, MAP, [[0, 0], [0, 6], [0, 0], [0, 0]], Mode=0), "(0, 6) of an axis of 6"),
    (lambda: one("MIRROR_PAD", MAP, MAP, PADS, Mode=7), "mode UNKNOWN(7); accepted: the mode is REFLECT"),
    (lambda: joined(MAP, (1, 5, 4, 3), MAP, Axis=3), "inputs [(1, 6, 4, 3), (1, 5, 4, 3)] along axis 3"),
    (lambda: joined(MAP, MAP, MAP, Axis=4), "axis 4 of 4 axes"),
    (lambda: joined(MAP, MAP, MAP, Axis=3, scale=1.0), "accepted: every IFM and OFM has the same scale"),
    (
        lambda: joined(MAP, MAP, (1, 6, 4, 6), Axis=3, FusedActivationFunction=1),
        "fused activation RELU; accepted",
    ),
    (lambda: one("SPLIT", MAP, MAP, 3, first=True, NumSplits=2), "2 parts and 1 outputs of an axis of 3"),
    (lambda: one("SPLIT", MAP, MAP, 3, first=True, NumSplits=0), "0 parts and 1 outputs of an axis of 3"),
    (lambda: one("SPLIT_V", MAP, MAP, [-1, -1], 3, NumSplits=2), "sizes [-1, -1] of an axis of 3"),
    (lambda: one("SPLIT_V", MAP, MAP, [2], 3, NumSplits=1), "sizes [2] of an axis of 3"),
    (lambda: one("SPLIT_V", MAP, MAP, [2, 1], 3, NumSplits=1), "1 outputs where the operator makes 2"),
    (lambda: one("SLICE", MAP, MAP, [0, 0, 0], [1, 1, 1]), "begin [0, 0, 0] and size [1, 1, 1] of an IFM"),
    (lambda: one("SLICE", MAP, MAP, [0, 0, 0, LARGE], [1, 1, 1, -1]), "the box lies in the IFM"),
    (lambda: one("STRIDED_SLICE", (1, 4), (1, 4), [0, 0], [1, 4], [1, 0]), "and stride 0 of an axis of 4"),
    (lambda: one("STRIDED_SLICE", (1, 4), (1, 4), [0, 4], [1, 9], [1, 1]), "of 4, which starts outside"),
    (lambda: one("STRIDED_SLICE", (1, 4), (1, 4), [0, 2], [1, 2], [1, 1]), "of 4, which is empty"),
    (lambda: one("STRIDED_SLICE", (1, 4), (1, 4), [0], [1, 2], [1, 1]), "are vectors of one length"),
    (
        lambda: one("STRIDED_SLICE", (1, 4), (1,), [0, 2], [1, 2], [1, 2], ShrinkAxisMask=2),
        "end 2 and stride 2 of an axis of 4, an axis to be dropped",
    ),
    (
        lambda: one("STRIDED_SLICE", (1, 4), (1,), [0, -2], [1, 2], [1, 1], Offset=True),
        "masks []; accepted: ends that count from begin",
    ),
    (
        lambda: one("STRIDED_SLICE", MAP, MAP[:3], [0, 2], [1, 2], [1, 1], EllipsisMask=1, ShrinkAxisMask=2),
        "an ellipsis of 3 axes before other masks",
    ),
    (lambda: one("PACK", MAP, (1, *MAP), Axis=0, ValuesCount=2), "where the options have 2"),
    (lambda: one("UNPACK", MAP, MAP[:3], Axis=3, Num=1), "1 outputs of an axis of 3"),
    (lambda: one("UNPACK", MAP, MAP[1:], Axis=0, Num=LARGE), "1073741824 outputs of an axis of 1"),
    (lambda: one("TRANSPOSE", MAP, MAP, [0, 1, 1, 3]), "axes [0, 1, 1, 3] of an IFM"),
    (lambda: other("GATHER", constant=False, dtype="int16"), "is int16; accepted: of IFM and"),
    (unknown_order, "is int32, not constant; accepted: the axes' order is an int32 or int64 constant"),
    (lambda: one("SQUEEZE", MAP, MAP[1:], SqueezeDims=(1,)), "axes (1,) of an IFM (1, 6, 4, 3)"),
    (lambda: one("EXPAND_DIMS", MAP, (1, *MAP), 7), "axis 7 of 5 axes"),
    (
        lambda: one("GATHER", MAP, MAP, [0, 1, 3], Axis=3),
        "index 3 of an axis of 3; accepted: the indices lie",
    ),
    (lambda: one("GATHER", MAP, MAP, [0, 1, 2], Axis=3, BatchDims=1), "1 batch axes; accepted: there are no"),
    (lambda: embedding((9, 5), (1, 4, 5), constant=False), "are both activations; accepted: of IFM and"),
    (lambda: embedding((5, 9), (5, 1, 4), axis=1), "axis 1 of a constant (5, 9)"),
    (lambda: one("SPACE_TO_DEPTH", MAP, MAP, BlockSize=4), "blocks of 4 of 6 x 4 pixels"),
    (lambda: one("DEPTH_TO_SPACE", MAP, MAP, BlockSize=0), "blocks of 0 of 3 channels"),
    (lambda: one("SPACE_TO_BATCH_ND", MAP, MAP, [4, 4], [[0, 0], [0, 0]]), "blocks of 4 of 0 + 6 + 0"),
    (lambda: one("SPACE_TO_BATCH_ND", MAP, MAP, [2], [[0, 0]]), "for each axis between batch and channels"),
    (lambda: one("BATCH_TO_SPACE_ND", MAP, MAP, [2, 2], [[0, 0], [0, 0]]), "block sizes [2, 2] and crops"),
    (lambda: one("BATCH_TO_SPACE_ND", MAP, MAP, [0, 1], [[0, 0], [0, 0]]), "block sizes [0, 1]"),
    (lambda: one("RESIZE_BILINEAR", MAP, MAP, [0, 4]), "size [0, 4] of an IFM of 6 x 4 pixels"),
    (lambda: one("RESIZE_NEAREST_NEIGHBOR", MAP, MAP, [LARGE, 4]), "a height and a width of 1 to 16384"),
    (
        lambda: one("RESIZE_BILINEAR", MAP, MAP, [6, 4], AlignCorners=True, HalfPixelCenters=True),
        "align_corners and half_pixel_centers; accepted: corners are aligned or",
    ),
    (lambda: one("RESIZE_BILINEAR", (1, 4, 5, 1), (1, 347, 5, 1), [347, 5]), "index 4 of 4 along axis 1"),
    (lambda: one("TILE", MAP, MAP, [1, 0, 1, 1]), "[1, 0, 1, 1] times an IFM"),
    (lambda: one("TILE", MAP, MAP, [LARGE] * 4), "accepted: each axis is repeated once or more often"),
    (lambda: one("BROADCAST_TO", MAP, MAP, [1, 6, 4, 4]), "an IFM (1, 6, 4, 3) as (1, 6, 4, 4)"),
    (lambda: one("REVERSE_V2", MAP, MAP, [1, -3]), "axes [1, -3]; accepted: the axes are different"),
]


@pytest.mark.parametrize(("build", "words"), REFUSED, ids=range(len(REFUSED)))
def test_refused_in_these_words(build: Callable[[], bytes], words: str, tmp_path: Path) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(build())
    graph = load(path)
    assert not review(graph)[-1].accepted
    with pytest.raises(ModelError) as caught:
        lower(graph, "litert-ref")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
