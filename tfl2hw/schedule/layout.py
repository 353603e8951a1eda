"""How maps stand in their buffers."""

from __future__ import annotations

from dataclasses import dataclass

from tfl2hw.ir.primitives import MapShape


@dataclass(frozen=True, kw_only=True)
class Strips:
    """How a map's rows stand in strips, one for each row of windows.

    Strip n holds row ``n * stride - top`` and the ``rows - 1`` behind it, interleaved byte by byte: the
    first channel of the first pixel of all rows, then the next channel. A row stands in every strip that it
    belongs to. Rows outside the map hold the layout's ``fill``. ``before`` strips stand in front of strip 0,
    windows read ``windows`` from there on, ``count`` are there in all: those at both ends that no window
    reads are room for a row's other places.
    """

    rows: int
    stride: int
    top: int
    before: int
    windows: int
    count: int


@dataclass(frozen=True, kw_only=True)
class Layout:
    """A map of ``shape``, row-major: pixels ``pixel`` bytes apart, rows ``row`` bytes.

    The first pixel of a row stands ``left`` bytes behind the row's beginning. Bytes in front of a row's first
    pixel and behind its last one hold ``fill``. With ``strips`` each of these is a row of pixels of a strip.
    """

    shape: MapShape
    pixel: int
    row: int
    left: int = 0
    fill: int = 0
    strips: Strips | None = None

    @property
    def size(self) -> int:
        """Bytes of all rows, or strips."""
        return (self.shape[0] if self.strips is None else self.strips.count) * self.row

    @property
    def margins(self) -> tuple[int, int]:
        """Pixels in front of each row's first one, and behind its last one."""
        before, all_pixels = self.left // self.pixel, self.row // self.pixel
        return before, all_pixels - before - self.shape[1]


def spaced(shape: MapShape, pixel: int) -> Layout:
    """Pixels ``pixel`` bytes apart and nothing else."""
    return Layout(shape=shape, pixel=pixel, row=shape[1] * pixel)
