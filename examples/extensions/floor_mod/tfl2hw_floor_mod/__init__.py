"""FLOOR_MOD by a constant, as an operator that tfl2hw finds by itself once this package is installed."""

from __future__ import annotations

from tfl2hw.extending import Extension
from tfl2hw_floor_mod.floor_mod import KIND

EXTENSION = Extension(api=1, operators=(KIND,))
