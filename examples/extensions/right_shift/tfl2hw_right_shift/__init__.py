"""RIGHT_SHIFT of two tensors, with the hardware that it needs, for tfl2hw to find by itself."""

from __future__ import annotations

from tfl2hw.extending import Extension
from tfl2hw_right_shift.operator import KIND
from tfl2hw_right_shift.unit import RIGHT_SHIFT

EXTENSION = Extension(api=1, operators=(KIND,), functions=(RIGHT_SHIFT,))
