"""The core for somebody else's design: no link, the memories' bus instead, and a reset that may come at any
time.
"""

from __future__ import annotations

from amaranth.hdl import Module, ResetInserter, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, connect, flipped

from .config import CoreConfig
from .core import Core
from .hostbus import HostBus
from .image import Image

REST_BITS = 6
"""A core rests for 2**REST_BITS cycles after a reset: what is under way leaves the pipelines meanwhile."""

CONTROL = {
    "clk": "the clock; everything is synchronous to its rising edge",
    "rst": "synchronous reset, active high; a cycle is enough, and memories keep what they hold",
}
"""The ports that every exported component has besides those of its signature."""


class BareCore(wiring.Component):
    """A core without link. ``bus.busy`` is high for ``2**REST_BITS`` cycles after a reset, and while it runs.

    While it is high the memories are not to be used. A write is one byte a cycle, from the cycle behind
    ``bus.start_write`` on; a read brings a word's bytes one a cycle, and waits a few cycles for each word.

    Parameters
    ----------
    config, image : as for ``Core``.

    Members
    -------
    bus : In(HostBus), the memories and the start of a run.
    """

    TITLE = "The core with its memories' bus: for who does what the other two do."
    PORTS = {
        "bus_address": "first byte address of a transfer; taken with bus_start_write or bus_start_read",
        "bus_start_write": "a strobe: the bytes of bus_w go to bus_address onwards, in whole words",
        "bus_w_payload": "a byte to write",
        "bus_w_valid": "there is one; not before the cycle behind bus_start_write",
        "bus_w_ready": "it is taken",
        "bus_start_read": "a strobe: bus_r brings the bytes from bus_address, a word's, onwards",
        "bus_r_payload": "a byte read",
        "bus_r_valid": "there is one; nothing from before bus_start_read in the cycle behind it or later",
        "bus_r_ready": "it is taken",
        "bus_run": "a strobe: run the program; only while bus_busy is low",
        "bus_run_pc": "the word at which it begins: 0",
        "bus_run_break": "whether it halts behind each layer: 0",
        "bus_busy": "a program runs, or the core rests after a reset; the memories are its own then",
        "bus_pc": "the word behind the one at which the program halted",
        "bus_cycles": "cycles of the last run",
    }

    def __init__(self, config: CoreConfig, image: Image | None = None) -> None:
        self._core = Core(config, image, linked=False)
        super().__init__({"bus": In(HostBus())})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        rest, held = Signal(REST_BITS + 1), Signal(init=1)
        m.submodules.core = ResetInserter(held)(self._core)
        core = self._core.bus
        m.d.sync += held.eq(~rest[-1])
        with m.If(~rest[-1]):
            m.d.sync += rest.eq(rest + 1)
        connect(m, flipped(self.bus), core)
        m.d.comb += [self._core.hold.eq(held), self.bus.busy.eq(core.busy | held)]
        return m
