"""Affine quantisation, as the file states it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Quantisation:
    """Affine quantisation: ``real = scale * (q - zero_point)``.

    ``scales`` are the file's float32 values widened to double; one entry, or one per channel of
    ``axis``. ``zero_points`` has the same length.
    """

    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    axis: int = 0

    @property
    def scale(self) -> float:
        """The single (or first) scale."""
        return self.scales[0]

    @property
    def zero_point(self) -> int:
        """The single (or first) zero point."""
        return self.zero_points[0]
