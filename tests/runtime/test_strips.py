"""What the host sends of an input in strips, against the strips themselves."""

from __future__ import annotations

import numpy as np
import pytest

from tfl2hw.rtl_templates.hostbus import SPREAD_BYTES, SPREAD_SPACE
from tfl2hw.runtime.device import CHUNK
from tfl2hw.runtime.session import TensorLocation
from tfl2hw.runtime.strips import strip_writes
from tfl2hw.schedule.layout import Layout, Strips

ADDRESS, SIZE, GARBAGE = 40, 1 << 16, 99


def layout(
    shape: tuple[int, int, int], sides: tuple[int, int], rows: int, stride: int,
    top: int, strips: tuple[int, int, int],
) -> Layout:  # fmt: skip
    """A map with ``strips`` in front of the windows' ones, of those, and in all."""
    height, width, channels = shape
    pixel = channels * rows
    return Layout(
        shape=(height, width, channels), pixel=pixel, row=(sum(sides) + width) * pixel, left=sides[0] * pixel,
        fill=-7,
        strips=Strips(
            rows=rows, stride=stride, top=top, before=strips[0], windows=strips[1], count=strips[2]
        ),
    )  # fmt: skip


LAYOUTS = {
    "one channel": layout((6, 5, 1), (1, 1), 3, 1, 1, (1, 6, 8)),
    "stride 2": layout((9, 4, 3), (0, 1), 3, 2, 0, (1, 5, 6)),
    "tall": layout((13, 5, 1), (1, 2), 10, 2, 4, (2, 7, 11)),
    "no padding": layout((7, 4, 2), (0, 0), 3, 2, 0, (1, 3, 5)),
    "wide": layout((2, 1500, 3), (1, 1), 2, 1, 0, (1, 1, 3)),
}


def received(memory: bytearray, address: int, payload: bytes) -> int:
    """What the host port does with a spread write; the number of bytes that came behind the parameters."""
    assert address >= SPREAD_SPACE
    place = address - SPREAD_SPACE
    step, next_byte, next_row = (
        int.from_bytes(payload[n : n + 3], "little", signed=True) for n in range(0, 9, 3)
    )
    copies, count = (int.from_bytes(payload[n : n + 2], "little") + 1 for n in (9, 11))
    for number, byte in enumerate(payload[SPREAD_BYTES:]):
        for copy in range(copies):
            memory[place] = byte
            if copy < copies - 1:
                place += step
        place += next_byte if (number + 1) % count else next_row
    return len(payload) - SPREAD_BYTES


def strips_of(wanted: Layout, values: np.ndarray) -> list[np.ndarray]:
    """(row bytes) of each strip that a window reads."""
    strips = wanted.strips
    assert strips is not None
    below = strips.count * strips.stride + strips.rows
    big = np.pad(values, ((strips.top, below), wanted.margins, (0, 0)), constant_values=wanted.fill)
    rows = [big[n * strips.stride :][: strips.rows] for n in range(strips.windows)]
    return [each.transpose(1, 2, 0).reshape(-1) for each in rows]


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_strip_is_whole_and_every_byte_is_sent_once(name: str) -> None:
    wanted = LAYOUTS[name]
    values = np.random.default_rng(1).integers(-128, 128, wanted.shape).astype(np.int8)
    memory, sent = bytearray([GARBAGE]) * SIZE, 0
    for address, payload in strip_writes(ADDRESS, wanted, values, CHUNK):
        assert len(payload) <= CHUNK
        sent += received(memory, address, payload)
    assert sent == values.size + (name != "no padding")
    end = ADDRESS + wanted.size
    assert set(memory[:ADDRESS] + memory[end:]) == {GARBAGE}, "the buffer alone is written"
    assert wanted.strips is not None
    start = ADDRESS + wanted.strips.before * wanted.row
    for number, data in enumerate(strips_of(wanted, values)):
        found = memory[start + number * wanted.row :][: wanted.row]
        assert bytes(found) == data.tobytes(), f"strip {number}"
    place = TensorLocation(
        address=ADDRESS, height=wanted.shape[0], width=wanted.shape[1], channels=wanted.shape[2],
        packed=False, lanes=8, strips=wanted,
    )  # fmt: skip
    assert place.size == wanted.size
    np.testing.assert_array_equal(place.unpack(bytes(memory[ADDRESS:end])), values)
    assert place.writes(values.reshape(-1)) == list(strip_writes(ADDRESS, wanted, values, CHUNK))


def test_a_large_buffer_is_filled_in_parts() -> None:
    """At most 65,536 copies of a byte at a time."""
    wanted = layout((100, 400, 1), (1, 1), 3, 1, 1, (1, 100, 102))
    fills = [
        (address - SPREAD_SPACE, int.from_bytes(payload[9:11], "little") + 1)
        for address, payload in strip_writes(0, wanted, np.zeros(wanted.shape, np.int8), CHUNK)
        if len(payload) == SPREAD_BYTES + 1
    ]
    assert fills == [(0, 1 << 16), (1 << 16, wanted.size - (1 << 16))]
