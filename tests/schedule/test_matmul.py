"""Products of two activations, walked: every remainder of rows, columns and depth, and zero points."""

from __future__ import annotations

import numpy as np
import pytest

from tests.schedule.walker import TARGETS, agree, alone, named, target_of
from tfl2hw.errors import DoesNotFit
from tfl2hw.ir.primitives import MatMul, Network
from tfl2hw.ops.rescale import fixed_point
from tfl2hw.schedule.copies import WordCopy
from tfl2hw.schedule.matmul import LoadedMatrix
from tfl2hw.schedule.schedule import schedule
from tfl2hw.schedule.shape import Target

SIZES = [(3, 5, 16), (1, 9, 5), (4, 8, 8), (6, 1, 3), (2, 17, 33)]
"""Rows, columns, depth."""


def matmul(
    size: tuple[int, int, int], zeros: tuple[int, int] = (3, -5), parts: int = 1, op: str = "BATCH_MATMUL"
) -> Network:
    """``parts`` products, each of its own rows of the three maps."""
    rows, columns, depth = size
    rescale = fixed_point(np.array([0.01 / np.sqrt(depth)]), "double", 4, (-128, 127))
    products = [
        MatMul(
            op_index=0, op=op, inputs=(0, 1), output=2, rows=rows, columns=columns, depth=depth,
            zero_points=zeros, rescale=rescale, starts=(part * rows, part * columns, part * rows),
        )
        for part in range(parts)
    ]  # fmt: skip
    shapes = {0: (parts, rows, depth), 1: (parts, columns, depth), 2: (parts, rows, columns)}
    return alone(*products, shapes=shapes)


@pytest.mark.parametrize("target", TARGETS, ids=named)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("zeros", [(0, 0), (3, -5), (-128, 0), (0, -128), (-128, -128), (127, 127)])
def test_products(size: tuple[int, int, int], zeros: tuple[int, int], target: Target) -> None:
    """-128 fits no weight when its sign is changed: two passes make it up."""
    agree(matmul(size, zeros), target)


@pytest.mark.parametrize("target", TARGETS, ids=named)
@pytest.mark.parametrize("size", SIZES)
def test_a_batch(size: tuple[int, int, int], target: Target) -> None:
    agree(matmul(size, parts=3), target)


@pytest.mark.parametrize(
    ("zeros", "copies", "passes"), [((0, 0), 1, 1), ((3, -5), 2, 3), ((-128, 0), 3, 3), ((0, -128), 1, 3)]
)
def test_passes_over_the_depth(zeros: tuple[int, int], copies: int, passes: int) -> None:
    (job,) = agree(matmul((3, 5, 16), zeros), target_of()).layers[0].jobs
    assert isinstance(job, LoadedMatrix)
    assert (job.copies, job.words) == (copies, 2)
    assert job.matrix.nest.loops[1].count == passes
    assert job.matrix.weights.shape == (1, 8, 2 * passes, 8)


def test_rows_that_do_not_fill_their_words_are_packed_with_zeros() -> None:
    jobs = agree(matmul((3, 5, 13)), target_of()).layers[0].jobs
    assert [type(job) for job in jobs] == [WordCopy, jobs[1].__class__, LoadedMatrix]
    assert jobs[0].pad_value == 0
    assert jobs[2].source == "rows of operator 0"


def test_a_block_for_each_k_columns() -> None:
    (job,) = agree(matmul((2, 19, 8)), target_of()).layers[0].jobs
    assert [(each.columns, each.offset, each.source) for each in job.blocks] == [
        (8, 0, 0),
        (8, 8, 64),
        (3, 16, 128),
    ]


def test_refused_where_weights_are_streamed() -> None:
    with pytest.raises(DoesNotFit, match="a board that streams its weights cannot do; choose an ECP5 board"):
        schedule(matmul((2, 3, 4)), target_of(4, 4, banks=2, streamed=True))
