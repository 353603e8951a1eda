"""A state machine with a bit for each state: its default, the last ``go``, and the order of states."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.sim import Simulator

from tfl2hw.rtl_templates.states import States


class Walk(wiring.Component):
    """FIRST waits for ``a``, and goes to THIRD where ``b`` is set too; THIRD waits for ``b``."""

    def __init__(self) -> None:
        super().__init__({"a": In(1), "b": In(1), "place": Out(2)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        states = States(m, ("FIRST", "SECOND", "THIRD"))
        with states.within("FIRST"):
            with m.If(self.a):
                states.go("SECOND")
                with m.If(self.b):
                    states.go("THIRD")
        with states.within("SECOND"):
            m.d.comb += self.place.eq(1)
            states.go("THIRD")
        with states.within("THIRD"):
            m.d.comb += self.place.eq(2)
            with m.If(self.b):
                states.go("FIRST")
        states.finish()
        return m


def test_walks_as_it_is_told() -> None:
    dut = Walk()
    places = []

    async def testbench(ctx: Any) -> None:
        for a, b in ((0, 0), (0, 1), (1, 0), (1, 0), (1, 0), (0, 1), (1, 1), (0, 0), (0, 0)):
            ctx.set(dut.a, a)
            ctx.set(dut.b, b)
            places.append(ctx.get(dut.place))
            await ctx.tick()

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(testbench)
    simulator.run()
    assert places == [0, 0, 0, 1, 2, 2, 0, 2, 2]
