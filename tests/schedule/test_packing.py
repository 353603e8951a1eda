"""Which inputs are packed, how they then stand, and the sums of the jobs that read them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.schedule.test_nest import walk
from tfl2hw.ir.primitives import Convolution, MapShape, Network, Primitive, Reshape
from tfl2hw.ops.rescale import MeanRescale
from tfl2hw.schedule.convolution import convolution
from tfl2hw.schedule.layout import Layout
from tfl2hw.schedule.matrix import Maps, Matrix, WordCopy
from tfl2hw.schedule.packing import by_rows, packed_inputs
from tfl2hw.schedule.shape import Target

TARGET = Target(lanes=8, columns=8, requantizers=8, scratchpad_bytes=1 << 16, unaligned=True)
SHAPE = (5, 6, 3)


def conv(
    padding: tuple[int, int] = (1, 1),
    kernel: tuple[int, int] = (3, 3),
    shape: MapShape = SHAPE,
    *,
    ifm: int = 0,
    out: tuple[int, int] = (5, 6),
    dilation: tuple[int, int] = (1, 1),
) -> Convolution:
    """Random weights of 8 filters."""
    weights = np.random.default_rng(1).integers(-128, 128, (8, *kernel, shape[2])).astype(np.int8)
    return Convolution(
        op_index=0, op="CONV_2D", input=ifm, output=9, input_shape=shape, output_shape=(*out, 8),
        weights=weights, bias=np.zeros(8, np.int64), stride=(1, 1), dilation=dilation, padding=padding,
        pad_value=-7, rescale=MeanRescale(count=1, low=-128, high=127),
    )  # fmt: skip


def network(*primitives: Primitive, shapes: dict[int, MapShape] | None = None) -> Network:
    every = {0: SHAPE, 9: (5, 6, 8)} | (shapes or {})
    return Network(
        file="net", numerics="tflm", primitives=primitives, inputs=(0,), outputs=(9,), shapes=every
    )


def test_rows_have_the_widest_paddings_beside_them() -> None:
    """One window begins two columns in front of a row, the other ends one behind it."""
    (packed,) = packed_inputs(network(conv(), conv((2, 2), (5, 3))), TARGET)
    assert packed.tensors == (0,)
    assert packed.layout == Layout(shape=SHAPE, pixel=3, row=3 * (2 + 6 + 1), left=6, fill=-7)
    assert packed.layout.margins == (2, 1)


def test_reshapes_share_the_buffer() -> None:
    reshape = Reshape(op_index=0, op="RESHAPE", input=0, output=1, input_shape=(1, 1, 90), output_shape=SHAPE)
    made = network(reshape, conv(ifm=1), shapes={0: (1, 1, 90), 1: SHAPE})
    (packed,) = packed_inputs(made, TARGET)
    assert (packed.tensors, packed.layout.shape) == ((0, 1), SHAPE)


@pytest.mark.parametrize(
    "readers",
    [
        [conv(), Reshape(op_index=1, op="", input=9, output=8, input_shape=SHAPE, output_shape=SHAPE)],
        [conv(dilation=(1, 2))],
        [replace(conv(), groups=3)],
        [conv(kernel=(1, 1), padding=(0, 0))],
        [conv(), replace(conv(), pad_value=0)],
    ],
    ids=["none", "dilated", "grouped", "no gain", "two zero points"],
)
def test_what_is_not_packed(readers: list[Primitive], request: pytest.FixtureRequest) -> None:
    wanted = int("none" in request.node.callspec.id)
    assert len(packed_inputs(network(*readers), TARGET)) == wanted


def test_nothing_is_packed_where_words_are_aligned() -> None:
    assert packed_inputs(network(conv()), replace(TARGET, unaligned=False)) == ()
    assert packed_inputs(replace(network(conv()), outputs=(0,)), TARGET) == ()


def maps(layout: Layout) -> Maps:
    return Maps(source="ifm", source_pixel=layout.pixel, target="ofm", target_pixel=8, target_shape=(5, 6, 8))


def test_sums() -> None:
    """Tokens read bytes from any address on; rows outside come as padding, columns stand in memory."""
    layer = conv()
    (packed,) = packed_inputs(network(layer, conv((1, 2), (3, 4))), TARGET)
    layout = packed.layout
    generator = np.random.default_rng(2)
    x = generator.integers(-128, 128, SHAPE).astype(np.int8)
    memory = generator.integers(-128, 128, 512).astype(np.int8)
    rows = np.full((5, layout.row), -7, np.int8)
    rows[:, layout.left : layout.left + 18] = x.reshape(5, 18)
    memory[100 : 100 + layout.size] = rows.reshape(-1)
    rows_of, where = by_rows(layer, layout, maps(layout))
    (job,) = convolution(rows_of, TARGET, where, "")
    assert isinstance(job, Matrix)
    assert job.weights.shape == (1, 8, 6, 8)  # nine bytes take two words, in three rows
    sums = np.zeros((30, 8), np.int64)
    for number, (address, row, column) in enumerate(walk(job.nest.registers({"ifm": 100}))):
        inside = 0 <= row < job.nest.height and 0 <= column < job.nest.width
        word = memory[address : address + 8] if inside else np.full(8, -7, np.int8)
        sums[number // 6] += job.weights[0, :, number % 6].astype(np.int64) @ word.astype(np.int64)
    big = np.pad(x, ((1, 1), (1, 1), (0, 0)), constant_values=-7).astype(np.int64)
    exact = [
        (big[y : y + 3, z : z + 3] * layer.weights.astype(np.int64)).sum(axis=(1, 2, 3))
        for y in range(5)
        for z in range(6)
    ]
    np.testing.assert_array_equal(sums, exact)


def test_im2col_copies_parts_of_words() -> None:
    """Many filters: a row of four bytes is copied at a time, three to a window."""
    layer = conv((0, 0), (3, 4), (5, 6, 1), out=(3, 3))
    layer = replace(layer, weights=np.repeat(layer.weights, 8, axis=0), output_shape=(3, 3, 64))
    layout = Layout(shape=(5, 6, 1), pixel=1, row=6)
    rows, where = by_rows(layer, layout, maps(layout))
    copy, matrix = convolution(rows, TARGET, where, "im2col")
    assert isinstance(copy, WordCopy)
    assert isinstance(matrix, Matrix)
    assert (copy.part, copy.nest.tokens, matrix.weights.shape) == (4, 27, (8, 8, 2, 8))
