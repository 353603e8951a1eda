"""How maps stand in their buffers."""

from __future__ import annotations

from dataclasses import dataclass

from tfl2hw.ir.primitives import MapShape


@dataclass(frozen=True, kw_only=True)
class Layout:
    """A map of ``shape``, row-major: pixels ``pixel`` bytes apart, rows ``row`` bytes.

    The first pixel of a row stands ``left`` bytes behind the row's beginning. Bytes in front of a row's first
    pixel and behind its last one hold ``fill``.
    """

    shape: MapShape
    pixel: int
    row: int
    left: int = 0
    fill: int = 0

    @property
    def size(self) -> int:
        """Bytes of all rows."""
        return self.shape[0] * self.row

    @property
    def margins(self) -> tuple[int, int]:
        """Pixels in front of each row's first one, and behind its last one."""
        before, all_pixels = self.left // self.pixel, self.row // self.pixel
        return before, all_pixels - before - self.shape[1]


def spaced(shape: MapShape, pixel: int) -> Layout:
    """Pixels ``pixel`` bytes apart and nothing else."""
    return Layout(shape=shape, pixel=pixel, row=shape[1] * pixel)
