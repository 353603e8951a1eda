"""The network's graph as rows and lanes."""

from __future__ import annotations

from tfl2hw.report.network import Node
from tfl2hw.report.rails import rails


def node(*sources: int) -> Node:
    return Node(
        kind="layer", index=0, op="X", name="", detail="", shape=(1,), macs=0, weights=0, sources=sources
    )


def drawn(*sources: tuple[int, ...]) -> list[tuple[bool, bool, tuple[str, ...]]]:
    return [(row.up, row.down, row.lanes) for row in rails([node(*each) for each in sources])]


def test_a_chain_has_a_spine_alone() -> None:
    assert drawn((), (0,), (1,)) == [(False, True, ()), (True, True, ()), (True, False, ())]


def test_a_skip_takes_a_lane() -> None:
    rows = drawn((), (0,), (1,), (2, 0))
    assert [lanes for _, _, lanes in rows] == [("start",), ("through",), ("through",), ("end",)]


def test_a_tensor_that_is_read_several_times_is_one_line() -> None:
    rows = drawn((), (0,), (0,), (0,))
    assert [lanes for _, _, lanes in rows] == [("start",), ("through",), ("tap",), ("end",)]
    assert [(up, down) for up, down, _ in rows] == [
        (False, True),
        (True, False),
        (False, False),
        (False, False),
    ]


def test_lines_share_a_lane_unless_they_touch() -> None:
    apart = drawn((), (0,), (1, 0), (2,), (3,), (4, 3))
    assert [lanes for _, _, lanes in apart] == [
        ("start",), ("through",), ("end",), ("start",), ("through",), ("end",),
    ]  # fmt: skip
    touching = drawn((), (0,), (1, 0), (2,), (3, 2))
    assert [lanes for _, _, lanes in touching] == [
        ("start", ""), ("through", ""), ("end", "start"), ("", "through"), ("", "end"),
    ]  # fmt: skip
