"""Inputs in strips (see ``schedule.layout``): what the host sends, each byte of the map once."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from tfl2hw.rtl_templates.hostbus import SPREAD_BYTES, SPREAD_SPACE
from tfl2hw.runtime import protocol
from tfl2hw.schedule.layout import Layout
from tfl2hw.schedule.strips import earlier

Int8 = npt.NDArray[np.int8]

MOST_COPIES = 1 << 16


def strip_writes(address: int, layout: Layout, values: Int8, most: int) -> Iterator[tuple[int, bytes]]:
    """Address and data of the writes that put ``values`` (height, width, channels) at ``address``.

    None has more than ``most`` bytes of data. Rows that begin at the same place of a strip follow each other
    in one write, since they are all as far apart and stand in as many strips.
    """
    strips = layout.strips
    assert strips is not None, "the layout is in strips"
    height, width, channels = layout.shape
    yield from _fill(address, layout)
    before_strip = strips.stride - layout.row  # to the same row of the map in the strip before
    first = address + strips.before * layout.row + layout.left
    row_bytes, room = width * channels, most - SPREAD_BYTES
    for phase in range(strips.stride):
        copies = earlier(phase, strips.rows, strips.stride) + 1
        back = (1 - copies) * before_strip
        rows = np.arange(height)[(np.arange(height) + strips.top) % strips.stride == phase]
        for chosen, start, count in _pieces(rows, row_bytes, room):
            strip = (int(chosen[0]) + strips.top) // strips.stride
            data = values.reshape(height, row_bytes)[chosen, start : start + count]
            payload = protocol.spread_payload(
                step=before_strip,
                next_byte=strips.rows + back,
                next_row=layout.row - (count - 1) * strips.rows + back,
                copies=copies,
                count=count,
                data=data.tobytes(),
            )
            yield SPREAD_SPACE + first + strip * layout.row + phase + start * strips.rows, payload


def _fill(address: int, layout: Layout) -> Iterator[tuple[int, bytes]]:
    """The fill everywhere, a byte that is written over and over, where it is not all overwritten later."""
    strips = layout.strips
    assert strips is not None, "the layout is in strips"
    needed = (strips.windows - 1) * strips.stride + strips.rows - strips.top
    if not any(layout.margins) and strips.top == 0 and needed <= layout.shape[0]:
        return
    for start in range(0, layout.size, MOST_COPIES):
        copies = min(MOST_COPIES, layout.size - start)
        fill = layout.fill.to_bytes(1, "little", signed=True)
        payload = protocol.spread_payload(step=1, next_byte=0, next_row=0, copies=copies, count=1, data=fill)
        yield SPREAD_SPACE + address + start, payload


def _pieces(
    rows: npt.NDArray[np.int64], row_bytes: int, room: int
) -> Iterator[tuple[npt.NDArray[np.int64], int, int]]:
    """As many whole rows at a time as fit into ``room`` bytes, else parts of one: rows, first byte, bytes."""
    if row_bytes <= room:
        for first in range(0, len(rows), room // row_bytes):
            yield rows[first : first + room // row_bytes], 0, row_bytes
        return
    for number in range(len(rows)):
        for start in range(0, row_bytes, room):
            yield rows[number : number + 1], start, min(room, row_bytes - start)


def from_strips(layout: Layout, data: bytes) -> Int8:
    """The map in ``layout.size`` bytes of memory: of each row what stands in its last strip."""
    strips = layout.strips
    assert strips is not None, "the layout is in strips"
    height, width, channels = layout.shape
    memory = np.frombuffer(data, np.int8).reshape(strips.count, layout.row)
    inside = memory[:, layout.left : layout.left + width * layout.pixel]
    places = np.arange(height) + strips.top
    rows = inside.reshape(strips.count, width, channels, strips.rows)
    return rows[strips.before + places // strips.stride, :, :, places % strips.stride]
