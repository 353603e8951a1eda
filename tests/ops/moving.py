"""Models of operators that move bytes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tests.ops.agree import RandomModel

Shape = tuple[int, ...]


class MovingModel(RandomModel):
    """Operators whose outputs have the quantisation of what they read."""

    def source(self, shape: Shape, like: int | None = None) -> int:
        """A random activation of any shape: an input of the model, whose batch has to be 1, or one reshaped.

        ``like`` is a tensor whose quantisation it has.
        """
        given = {} if like is None else self.same(like)
        if shape[:1] == (1,):
            return self.input(shape, **given)
        flat = self.input((1, *shape), **given)
        made = self.tensor(shape, **self.same(flat))
        if not shape:
            self.operator("SQUEEZE", [flat], [made])
            return made
        self.operator("RESHAPE", [flat, self.numbers(shape)], [made], NewShape=shape)
        return made

    def same(self, tensor: int) -> dict[str, Any]:
        """The quantisation of a tensor, as keywords."""
        known = self.tensors[tensor]
        return {"scale": known.scales[0], "zero_point": known.zero_points[0]}

    def numbers(self, values: Any, dtype: str = "int32") -> int:
        """A constant of integers."""
        array = np.array(values, dtype)
        return self.tensor(array.shape, data=array)

    def constant(self, shape: Shape, like: int) -> int:
        """A random int8 constant with the quantisation of ``like``."""
        values: npt.NDArray[np.int8] = self.random.integers(-128, 128, shape).astype(np.int8)
        return self.tensor(shape, data=values, **self.same(like))

    def move(self, name: str, inputs: Sequence[int], *shapes: Shape, data: int = 0, **options: Any) -> None:
        """An operator with an output of each of ``shapes``; ``data`` is the position of its IFM."""
        made = [self.tensor(shape, **self.same(inputs[data])) for shape in shapes]
        self.operator(name, inputs, made, **options)
        self.sink(*made)
