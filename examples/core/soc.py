"""A LiteX SoC with a network on its Wishbone bus, and a UART bridge to both: docs/core.md.

Needs `pip install litex migen`. Writes the Verilog of the SoC into build/soc; nothing is synthesised.
"""

import json
import sys
from pathlib import Path

from litex.build.generic_platform import Pins, Subsignal
from litex.build.lattice import LatticeECP5Platform
from litex.gen import LiteXModule
from litex.soc.integration.builder import Builder
from litex.soc.integration.soc import SoCRegion
from litex.soc.integration.soc_core import SoCMini
from litex.soc.interconnect import wishbone
from litex.soc.interconnect.csr_eventmanager import EventManager, EventSourceLevel
from migen import ClockDomain, ClockSignal, Instance, ResetSignal


class Network(LiteXModule):
    """The core that `tfl2hw compile --core` wrote into ``folder``, as a Wishbone slave."""

    def __init__(self, platform, folder):
        facts = json.loads((Path(folder) / "core.json").read_text())
        name = facts["modules"]["wishbone"]
        self.size = 4 * facts["wishbone"]["window_bytes"]  # four windows
        self.bus = bus = wishbone.Interface(data_width=32, addressing="word")
        self.ev = EventManager()
        self.ev.done = EventSourceLevel()
        self.ev.finalize()
        self.specials += Instance(
            name,
            i_clk=ClockSignal("sys"),
            i_rst=ResetSignal("sys"),
            i_wb_adr=bus.adr,
            i_wb_dat_w=bus.dat_w,
            o_wb_dat_r=bus.dat_r,
            i_wb_sel=bus.sel,
            i_wb_cyc=bus.cyc,
            i_wb_stb=bus.stb,
            i_wb_we=bus.we,
            o_wb_ack=bus.ack,
            o_irq=self.ev.done.trigger,
        )
        platform.add_source(str(Path(folder).resolve() / f"{name}.v"))


class SoC(SoCMini):
    """A bridge from a UART to the bus, and the network on it."""

    def __init__(self, folder):
        pins = [
            ("clk", 0, Pins("G2")),
            ("serial", 0, Subsignal("tx", Pins("L4")), Subsignal("rx", Pins("M1"))),
        ]
        platform = LatticeECP5Platform("LFE5U-25F-6BG381C", pins, toolchain="trellis")
        self.cd_sys = ClockDomain(reset_less=False)
        self.comb += self.cd_sys.clk.eq(platform.request("clk"))
        super().__init__(platform, clk_freq=25e6)
        self.add_uartbone()
        self.network = Network(platform, folder)
        self.bus.add_slave(
            "network", self.network.bus, SoCRegion(origin=0x4000_0000, size=self.network.size, cached=False)
        )


if __name__ == "__main__":
    builder = Builder(
        SoC(sys.argv[1]), output_dir="build/soc", compile_software=False, compile_gateware=False
    )
    builder.build(run=False)
