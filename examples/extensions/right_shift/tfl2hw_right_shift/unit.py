"""The vector function: each byte of one map, moved right by the byte of another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from tfl2hw.extending import VectorFunction

LATENCY = 2


class RightShift(wiring.Component):
    """``a >> b`` in each lane, b below 0 taken as 0 and above 7 as 7.

    Latency: ``LATENCY`` cycles from ``valid``, ``a`` and ``b`` to ``y``. Throughput: a word a cycle.
    Range: all of int8 by all of int8.
    """

    def __init__(self, lanes: int) -> None:
        self._lanes = lanes
        super().__init__({"valid": In(1), "a": In(8 * lanes), "b": In(8 * lanes), "y": Out(8 * lanes)})

    def elaborate(self, platform: object) -> Module:
        """Cycle 1 makes the number of places, cycle 2 moves."""
        m = Module()
        for lane in range(self._lanes):
            value = Signal(signed(8), name=f"value{lane}", reset_less=True)
            places = Signal(3, name=f"places{lane}", reset_less=True)
            by = self.b.word_select(lane, 8).as_signed()
            m.d.sync += [
                value.eq(self.a.word_select(lane, 8)),
                places.eq(Mux(by < 0, 0, Mux(by > 7, 7, by))),
                self.y.word_select(lane, 8).eq(value >> places),
            ]
        return m


def shifted(operands: Sequence[npt.NDArray[np.int64]], fields: Mapping[str, int]) -> npt.NDArray[np.int64]:
    """What the unit makes of bytes, as numbers."""
    value, by = operands
    return value >> np.clip(by, 0, 7)


RIGHT_SHIFT = VectorFunction(
    name="right_shift",
    operands=2,
    unit=RightShift,
    reference=shifted,
    latency=lambda lanes: LATENCY,
    luts_per_lane=40,
    flip_flops_per_lane=19,
)
