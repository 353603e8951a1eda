"""Rows of a table by index, walked: indices of several bytes, rows of every pitch, one index at a time."""

from __future__ import annotations

import numpy as np
import pytest

from tests.schedule.walker import TARGETS, alone, compare, named, target_of
from tfl2hw.ir.primitives import Lookup, Network
from tfl2hw.schedule.lookup import Index, IndexedCopy, table_pitch
from tfl2hw.schedule.schedule import schedule
from tfl2hw.schedule.shape import Target


def lookup(rows: int, channels: int, count: int) -> Network:
    table = np.random.default_rng(rows).integers(-128, 128, (1, rows, channels)).astype(np.int8)
    primitive = Lookup(op_index=0, op="GATHER", indices=0, table=1, output=2, count=count)
    shapes = {0: (1, count, 4), 1: table.shape, 2: (1, count, channels)}
    return alone(primitive, shapes=shapes, constants={1: table})


@pytest.mark.parametrize("target", TARGETS, ids=named)
@pytest.mark.parametrize(("rows", "channels"), [(1, 1), (7, 4), (300, 5), (9, 33), (70000 // 16, 16)])
def test_rows_by_index(rows: int, channels: int, target: Target) -> None:
    """The first row, the last one and some between; 300 needs two bytes of the index."""
    network = lookup(rows, channels, 5)
    indices = np.array([0, rows - 1, rows // 2, rows // 3, rows - 1], "<i4")
    planned = schedule(network, target)
    compare(network, planned, [indices])
    assert [type(job) for job in planned.layers[0].jobs] == [Index, IndexedCopy] * 5


@pytest.mark.parametrize(("channels", "pitch"), [(1, 8), (8, 8), (9, 16), (24, 32), (40, 64)])
def test_a_tables_rows_are_a_power_of_two_apart(channels: int, pitch: int) -> None:
    assert table_pitch((1, 3, channels), target_of()) == pitch
    planned = schedule(lookup(3, channels, 1), target_of())
    assert planned.placements[1].layout.pixel == pitch
    index = planned.layers[0].jobs[0].nest
    doublings = index.loops[1].count - 4
    assert 1 << doublings == pitch


def test_a_table_stands_from_the_beginning_to_the_end() -> None:
    """It is written once, before the first run, and read in every one."""
    planned = schedule(lookup(9, 5, 2), target_of())
    (table,) = (each for each in planned.memory.buffers if each.name == "tensor 1")
    others = [each for each in planned.memory.buffers if each is not table]
    assert table.first < min(each.first for each in others)
    assert table.last >= max(each.last for each in others)
