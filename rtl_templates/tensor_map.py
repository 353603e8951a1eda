"""Where a tensor lies in the scratchpad, for units that take or give nothing but its bytes."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod


@dataclass(frozen=True, kw_only=True)
class TensorMap:
    """A map of ``height`` rows of ``width`` pixels of ``channels`` bytes, from byte ``address`` on.

    Pixels are ``pitch`` bytes apart, with zeros between them; ``left`` and ``right`` pixels of bytes
    ``fill`` (0 to 255) stand beside each row.
    """

    address: int
    height: int
    width: int
    channels: int
    pitch: int
    left: int = 0
    right: int = 0
    fill: int = 0

    def __post_init__(self) -> None:
        for name in ("height", "width", "channels"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, not {getattr(self, name)!r}")
        if self.pitch < self.channels:
            raise ValueError(f"pitch must be at least the {self.channels} channels, not {self.pitch!r}")
        if not 0 <= self.fill <= 255:
            raise ValueError(f"fill must be 0 to 255, not {self.fill!r}")

    @property
    def count(self) -> int:
        """Bytes of the tensor."""
        return prod((self.height, self.width, self.channels))

    @property
    def size(self) -> int:
        """Bytes from the first row's beginning to the last one's end."""
        return self.height * (self.left + self.width + self.right) * self.pitch

    @property
    def runs(self) -> Runs:
        """The same as the fewest runs of bytes."""
        rows, pixels, channels = self.height, self.width, self.channels
        if not (self.left or self.right):
            rows, pixels = 1, rows * pixels
        if self.pitch == channels:
            pixels, channels = 1, pixels * channels
        return Runs(
            rows=rows,
            lead=self.left * self.pitch,
            pixels=pixels,
            data=channels,
            gap=self.pitch - self.channels,
            trail=self.right * self.pitch,
        )


@dataclass(frozen=True, kw_only=True)
class Runs:
    """``rows`` times: ``lead`` bytes of fill, ``pixels`` times ``data`` bytes and ``gap`` zeros, ``trail``
    bytes of fill.
    """

    rows: int
    lead: int
    pixels: int
    data: int
    gap: int
    trail: int
