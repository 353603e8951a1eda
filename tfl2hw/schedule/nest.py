"""Loop nests as the address generator walks them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Loop:
    """One level: how often, and how far address, row and column move from one turn to the next."""

    count: int = 1
    step: int = 0
    row: int = 0
    column: int = 0


@dataclass(frozen=True, kw_only=True)
class Nest:
    """Six loops, innermost first, and where they start.

    ``source`` is the buffer that is read; ``offset`` is in bytes from its beginning and may be
    negative (padding). Rows and columns outside ``height`` x ``width`` read as padding.
    ``gap`` idle cycles follow each pixel. ``skip`` and ``stride`` say which pixels of a row emit a
    result: the first ``skip`` do not, then every ``stride``-th does. With a ``second`` source level 0
    goes from the one to the other.
    """

    source: str
    loops: tuple[Loop, ...]
    offset: int = 0
    row: int = 0
    column: int = 0
    height: int = 1
    width: int = 1
    gap: int = 0
    skip: int = 0
    stride: int = 1
    second: str = ""

    def registers(self, addresses: Mapping[str, int]) -> dict[str, int]:
        """Front registers of the nest, with buffers at ``addresses`` (bytes)."""
        address = addresses[self.source]
        values = {"base": address + self.offset, "base_row": self.row, "base_column": self.column}
        values |= {"height": self.height, "width": self.width, "gap": self.gap - 1}
        values |= {"window_skip": self.skip - 1, "window_stride": self.stride - 2}
        step = row = column = 0  # how far the inner loops have gone at their end
        loops = self.loops
        if self.second:
            loops = (replace(loops[0], step=addresses[self.second] - address), *loops[1:])
        for level, loop in enumerate(loops):
            values[f"count{level}"] = loop.count - 2
            values[f"step{level}"] = loop.step - step
            if 1 <= level <= 4:
                values[f"row{level}"] = loop.row - row
                values[f"column{level}"] = loop.column - column
            step += (loop.count - 1) * loop.step
            row += (loop.count - 1) * loop.row
            column += (loop.count - 1) * loop.column
        return values

    @property
    def tokens(self) -> int:
        """Cycles in which the nest issues a token or waits in a gap."""
        counts = [loop.count for loop in self.loops]
        pixels = counts[3] * counts[4] * counts[5]
        return pixels * (counts[0] * counts[1] * counts[2] + self.gap)


@dataclass(frozen=True, kw_only=True)
class Output:
    """How the writer walks the OFM: bytes moved after a pixel, after a row, after a group.

    A *pixel* is what is written at a time: K bytes of the array, a word, or a single byte.
    ``offset`` is in bytes from the beginning of ``target``, and so is ``room``, behind the last byte that is
    written, where that is beyond the map. In a job that makes pairs of lines there is a level more
    between rows and groups: ``planes`` of them, each ``plane`` bytes from where the one before ended.
    With ``twin`` each address serves twice, the second time for the K bytes behind it.
    """

    target: str
    inner: int
    outer: int
    pixel: int
    row: int
    group: int
    offset: int = 0
    planes: int = 0
    plane: int = 0
    room: int = 0
    twin: bool = False

    def registers(self, address: int) -> dict[str, int]:
        """Back registers of the writer, with ``target`` at byte ``address``."""
        level = {"out_planes": self.planes - 2, "out_step_plane": self.plane} if self.planes else {}
        return level | {
            "out_base": address + self.offset,
            "out_inner": self.inner - 2,
            "out_outer": self.outer - 2,
            "out_step_pixel": self.pixel,
            "out_step_row": self.row,
            "out_step_group": self.group,
        }


def linear(target: str, words: int, lanes: int, rows: int = 1) -> Output:
    """Consecutive words, ``rows`` times ``words`` of them."""
    return Output(target=target, inner=words, outer=rows, pixel=lanes, row=lanes, group=lanes)


def byte_rows(target: str, length: int, rows: int, pitch: int) -> Output:
    """Single bytes: ``rows`` rows of ``length`` bytes, which begin ``pitch`` bytes apart."""
    step = pitch - (length - 1)
    return Output(target=target, inner=length, outer=rows, pixel=1, row=step, group=step)
