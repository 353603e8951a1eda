"""A multiplier that tfl2hw finds by itself once this package is installed: ``--multiplier threefold``."""

from __future__ import annotations

from tfl2hw.extending import Extension
from tfl2hw_threefold.threefold import THREEFOLD

EXTENSION = Extension(api=1, multipliers=(THREEFOLD,))
