"""How many bytes a copy moves at a time."""

from __future__ import annotations

import pytest

from tfl2hw.ir.primitives import Axis, Copy
from tfl2hw.schedule.copies import copies
from tfl2hw.schedule.matrix import Maps, Move
from tfl2hw.schedule.shape import Target

MAPS = Maps(source="a", source_pixel=24, target="b", target_pixel=24, target_shape=(3, 4, 24))
PIXELS = Axis(12, (1, 0), (1, 0))


def moved(copy: Copy, *, unaligned: bool) -> tuple[int, int]:
    """Bytes a token, and tokens."""
    target = Target(lanes=8, columns=8, requantizers=8, scratchpad_bytes=1 << 16, unaligned=unaligned)
    (job,) = copies(copy, target, MAPS)
    return (1 if isinstance(job, Move) else job.part or 8), job.nest.tokens


@pytest.mark.parametrize(
    ("count", "start", "target_start", "aligned", "unaligned"),
    [
        (16, 0, 0, 8, 8),
        (16, 3, 8, 1, 8),  # words from any byte on
        (12, 0, 12, 1, 4),
        (12, 5, 4, 1, 4),
        (6, 1, 16, 1, 2),
        (8, 0, 4, 1, 4),  # never more than half a word where it is not a whole one
        (5, 0, 0, 1, 1),
        (8, 2, 1, 1, 1),
    ],
)
def test_bytes_at_a_time(count: int, start: int, target_start: int, aligned: int, unaligned: int) -> None:
    copy = Copy(
        op_index=0, op="COPY", input=0, output=1, axes=(PIXELS, Axis(count, (0, 1), (0, 1))),
        start=(0, start), target_start=(0, target_start),
    )  # fmt: skip
    assert moved(copy, unaligned=False) == (aligned, 12 * count // aligned)
    assert moved(copy, unaligned=True) == (unaligned, 12 * count // unaligned)


def test_steps_of_other_axes_count_too() -> None:
    """Blocks of four bytes, twelve and six bytes apart."""
    for step, part in ((12, 4), (6, 2)):
        axes = (PIXELS, Axis(2, (0, 4), (0, step)), Axis(4, (0, 1), (0, 1)))
        copy = Copy(op_index=0, op="COPY", input=0, output=1, axes=axes)
        assert moved(copy, unaligned=True) == (part, 12 * 8 // part)


def test_bytes_that_are_apart_go_one_by_one() -> None:
    axes = (PIXELS, Axis(8, (0, 2), (0, 1)))
    assert moved(Copy(op_index=0, op="COPY", input=0, output=1, axes=axes), unaligned=True) == (1, 96)
