"""Which inputs stand in strips, how, and the results of the convolutions that read them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.schedule.test_packing import SHAPE, conv, network
from tests.schedule.walker import agree, alone, target_of
from tfl2hw.errors import DoesNotFit
from tfl2hw.ir.primitives import Convolution, MapShape, Network, Reshape
from tfl2hw.ops.rescale import MeanRescale
from tfl2hw.schedule.layout import Strips
from tfl2hw.schedule.packing import packed_inputs
from tfl2hw.schedule.schedule import schedule
from tfl2hw.schedule.shape import Target

TARGET = target_of(8, 8, 8, unaligned=True, strips=True)


def layer(
    shape: MapShape, kernel: tuple[int, int], stride: tuple[int, int], padding: tuple[int, int],
    out: tuple[int, int], filters: int = 9,
) -> Convolution:  # fmt: skip
    weights = np.random.default_rng(3).integers(-128, 128, (filters, *kernel, shape[2])).astype(np.int8)
    return Convolution(
        op_index=0, op="CONV_2D", input=0, output=1, input_shape=shape, output_shape=(*out, filters),
        weights=weights, bias=np.arange(filters, dtype=np.int64) * 99 - 300, stride=stride, dilation=(1, 1),
        padding=padding, pad_value=-7, rescale=MeanRescale(count=1500, low=-128, high=127),
    )  # fmt: skip


CASES = {
    "one channel, stride 2": layer((12, 11, 1), (3, 3), (2, 2), (0, 0), (6, 5)),
    "padded all around": layer((7, 6, 3), (3, 3), (1, 1), (1, 1), (7, 6)),
    "tall kernel": layer((13, 5, 1), (10, 4), (2, 2), (4, 1), (7, 3)),
    "three rows, stride 3": layer((10, 9, 2), (3, 2), (3, 1), (0, 0), (3, 8)),
    "rows behind the last window": layer((9, 7, 1), (2, 3), (2, 2), (0, 0), (3, 3)),
    "many rows above": layer((3, 5, 2), (5, 3), (1, 1), (4, 1), (6, 5)),
}


def network_of(primitive: Convolution) -> Network:
    return alone(primitive, shapes={0: primitive.input_shape, 1: primitive.output_shape})


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("lanes", [8, 16])
def test_exact(name: str, lanes: int) -> None:
    """Every window is read as a run of bytes from its strip, whatever stands behind it."""
    primitive = CASES[name]
    target = target_of(lanes, 8, 8, unaligned=True, strips=True)
    made = network_of(primitive)
    (packed,) = packed_inputs(made, target)
    assert packed.layout.strips is not None
    planned = schedule(made, target)
    (job,) = planned.layers[0].jobs
    window = primitive.weights[0].size
    height, width, filters = primitive.output_shape
    assert job.nest.tokens == height * width * target.groups(filters) * target.words(window)
    agree(made, target)


def test_strips_of_a_padded_map() -> None:
    """Three of the map's rows in each of five strips; a row stands in three of seven."""
    (packed,) = packed_inputs(network(conv()), TARGET)
    layout = packed.layout
    assert layout.strips == Strips(rows=3, stride=1, top=1, before=1, windows=5, count=7)
    assert (layout.pixel, layout.left, layout.row, layout.fill) == (9, 9, 9 * 8, -7)
    assert (layout.margins, layout.size) == ((1, 1), 7 * 72)


def test_readers_that_see_the_same_strips_share_them() -> None:
    reshape = Reshape(op_index=0, op="RESHAPE", input=0, output=1, input_shape=(1, 1, 90), output_shape=SHAPE)
    made = network(reshape, conv(ifm=1), conv((1, 0), (3, 2), ifm=1), shapes={0: (1, 1, 90), 1: SHAPE})
    (packed,) = packed_inputs(made, TARGET)
    assert packed.tensors == (0, 1)
    assert packed.layout.strips is not None


def strides(rows: int) -> Convolution:
    return replace(conv(kernel=(3, 3), padding=(0, 0), out=(1, 4)), stride=(rows, 1))


@pytest.mark.parametrize(
    "readers",
    [
        (conv(), conv((2, 2), (5, 3))),
        (conv(dilation=(2, 1), padding=(2, 1)),),
        (strides(4),),
        (conv((0, 1), (1, 3)),),
        (conv((-1, 1), out=(2, 6)),),
        (replace(conv((0, 1), out=(2, 6)), input_row=1, input_shape=(4, 6, 3)),),
    ],
    ids=["two heights", "dilated", "rows between windows", "one row", "cropped", "part of the map"],
)
def test_what_is_packed_instead(readers: tuple[Convolution, ...]) -> None:
    for packed in packed_inputs(network(*readers), TARGET):
        assert packed.layout.strips is None


def test_only_where_it_saves_cycles_and_the_board_can() -> None:
    wide = layer((8, 8, 16), (3, 3), (1, 1), (1, 1), (8, 8))  # words are full already
    assert packed_inputs(network_of(wide), TARGET) == ()
    fours = layer((9, 8, 2), (2, 4), (1, 1), (0, 0), (8, 5))  # rows of eight bytes: two tokens in either form
    (packed,) = packed_inputs(network_of(fours), TARGET)
    assert packed.layout.strips is None
    (packed,) = packed_inputs(network(conv()), replace(TARGET, strips=False))
    assert packed.layout.strips is None


def test_packed_where_strips_do_not_fit() -> None:
    made = network_of(CASES["tall kernel"])
    strips = schedule(made, TARGET).memory.used[0]
    small: Target = replace(TARGET, scratchpad_bytes=strips - 8)
    planned = schedule(made, small)
    assert planned.placements[0].layout.strips is None
    with pytest.raises(DoesNotFit):
        schedule(made, replace(small, scratchpad_bytes=64))
