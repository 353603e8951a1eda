"""How the network's graph is drawn: a spine from node to node, and lanes beside it for what skips some."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from .network import Node

Part = Literal["", "start", "through", "tap", "end"]


@dataclass(frozen=True, kw_only=True)
class Row:
    """A node with the lines beside it.

    ``up`` and ``down`` say whether the spine comes from the node before and goes to the next one. ``lanes``
    has for each lane what it does in this row: a tensor's line starts, passes, is tapped or ends.
    """

    node: Node
    up: bool
    down: bool
    lanes: tuple[Part, ...]


@dataclass(frozen=True)
class _Line:
    """A tensor on a lane: made in row ``start``, read in ``reads``."""

    start: int
    reads: tuple[int, ...]

    @property
    def end(self) -> int:
        return self.reads[-1]

    def part(self, row: int) -> Part:
        """What the line does in ``row``."""
        if row == self.start:
            return "start"
        if row == self.end:
            return "end"
        if row in self.reads:
            return "tap"
        return "through" if self.start < row < self.end else ""


def rails(nodes: Sequence[Node]) -> list[Row]:
    """A row for each of ``nodes``; short lines are nearest to the spine."""
    linked = [False, *(row - 1 in node.sources for row, node in enumerate(nodes) if row)]
    lanes: list[list[_Line]] = []
    for line in sorted(_lines(nodes), key=lambda each: (each.end - each.start, each.start)):
        for lane in lanes:
            if all(line.end < other.start or other.end < line.start for other in lane):
                lane.append(line)
                break
        else:
            lanes.append([line])
    return [
        Row(
            node=node,
            up=linked[row],
            down=row + 1 < len(nodes) and linked[row + 1],
            lanes=tuple(_in_row(lane, row) for lane in lanes),
        )
        for row, node in enumerate(nodes)
    ]


def _lines(nodes: Sequence[Node]) -> list[_Line]:
    """The tensors that are not read by the next node alone."""
    readers: dict[int, list[int]] = {}
    for row, node in enumerate(nodes):
        for source in node.sources:
            if source != row - 1:
                readers.setdefault(source, []).append(row)
    return [_Line(source, tuple(rows)) for source, rows in readers.items()]


def _in_row(lane: Sequence[_Line], row: int) -> Part:
    """What a lane does in a row: at most one of its lines is there."""
    for line in lane:
        part = line.part(row)
        if part:
            return part
    return ""
