"""Maps that a lowering needs besides the operator's own tensors."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tfl2hw.ir.primitives import Int8, MapShape


class Temporaries:
    """Hands out indices beyond the file's for temporary and constant maps.

    Parameters
    ----------
    first : the first index that is free.
    """

    def __init__(self, first: int) -> None:
        self._next = first
        self.shapes: dict[int, MapShape] = {}
        self.constants: dict[int, Int8] = {}

    def map(self, shape: MapShape) -> int:
        """A new map of ``shape``."""
        index = self._next
        self._next += 1
        self.shapes[index] = shape
        return index

    def constant(self, values: npt.NDArray[np.int8]) -> int:
        """A map that holds ``values`` (height, width, channels); equal ones are kept once."""
        assert values.ndim == 3, values.shape
        assert values.dtype == np.int8, values.dtype
        for index, known in self.constants.items():
            if np.array_equal(known, values):
                return index
        height, width, channels = values.shape
        index = self.map((height, width, channels))
        self.constants[index] = values
        return index
