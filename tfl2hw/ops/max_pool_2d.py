"""MAX_POOL_2D: the greatest byte of a sliding window."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tfl2hw.ir.primitives import Depthwise
from tfl2hw.ops import pooling
from tfl2hw.ops.activation import INT8_MIN, clamp_range
from tfl2hw.ops.batches import each_map, map_by_map
from tfl2hw.ops.node import Int8, Kind, Node, Numerics, quantisation
from tfl2hw.ops.rescale import IdentityRescale
from tfl2hw.ops.shapes import extreme_of_windows
from tfl2hw.ops.temporaries import Temporaries


def reference(node: Node, inputs: Sequence[Int8], numerics: Numerics) -> Int8:
    """The greatest of the valid cells, clamped by the activation."""
    win, (low, high) = pooling.sliding(node), _clamp(node)
    return map_by_map(
        inputs[0].astype(np.int64),
        lambda values: np.clip(extreme_of_windows(values, win, INT8_MIN, "maximum"), low, high),
    )


def lower(node: Node, numerics: Numerics, temporaries: Temporaries) -> tuple[Depthwise, ...]:
    """A Depthwise maximum, one a map; padding holds -128, which never wins."""
    low, high = _clamp(node)
    first = pooling.pool(node, IdentityRescale(low=low, high=high), "maximum", INT8_MIN)
    return each_map(first, node.input(0).shape[0], first.output_shape[0])


def _clamp(node: Node) -> tuple[int, int]:
    return clamp_range(node.option("activation"), quantisation(node.output))


KIND = Kind(
    name="MAX_POOL_2D",
    options="Pool2DOptions",
    parse=pooling.parse,
    constraints=pooling.CONSTRAINTS,
    reference=reference,
    lower=lower,
    infer=pooling.infer,
)
