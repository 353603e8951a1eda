"""Operators on batches of feature maps: the maps stand below each other, a primitive works on one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from tfl2hw.ir.primitives import Convolution, Depthwise
from tfl2hw.ops.node import Int8, int8

Int64 = npt.NDArray[np.int64]
Windowed = TypeVar("Windowed", bound=Convolution | Depthwise)


def each_map(primitive: Windowed, batch: int, output_rows: int) -> tuple[Windowed, ...]:
    """``primitive``, stated for the first map of a batch, for every map: one a map.

    ``output_rows`` are the rows of one output map (of which the primitive may write a part).
    """
    height = primitive.input_shape[0]
    return tuple(
        replace(
            primitive,
            input_row=number * height,
            region=replace(primitive.region, row=primitive.region.row + number * output_rows),
        )
        for number in range(batch)
    )


def map_by_map(values: Int64, function: Callable[[Int64], Int64]) -> Int8:
    """``function`` of each (rows, columns, channels) map of a batch, as bytes."""
    return int8(np.stack([function(single) for single in values]))
