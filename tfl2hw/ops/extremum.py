"""MAXIMUM and MINIMUM: of raw bytes, whatever the operands' scales."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tfl2hw.ir.primitives import Extremum, Reduction
from tfl2hw.ops.elementwise import elementwise_kind, lowering
from tfl2hw.ops.node import Kind, Node, Numerics
from tfl2hw.ops.shapes import map_shape
from tfl2hw.ops.temporaries import Temporaries

Int64 = npt.NDArray[np.int64]


def _kind(name: str, reduction: Reduction) -> Kind:
    choose = np.maximum if reduction == "maximum" else np.minimum

    def exact(node: Node, numerics: Numerics, first: Int64, second: Int64) -> Int64:
        return np.asarray(choose(first, second), np.int64)

    def combine(
        node: Node, numerics: Numerics, maps: tuple[int, int], temporaries: Temporaries
    ) -> tuple[Extremum]:
        return (
            Extremum(
                op_index=node.operator.index,
                op=node.operator.op,
                inputs=maps,
                output=node.output.index,
                shape=map_shape(node.output.shape),
                reduction=reduction,
            ),
        )

    return elementwise_kind(name, exact, lowering(exact, combine))


MAXIMUM = _kind("MAXIMUM", "maximum")
MINIMUM = _kind("MINIMUM", "minimum")
