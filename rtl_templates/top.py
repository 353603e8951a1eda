"""What stands around a core: a UART, and on a board also its pins, PLL and reset."""

from typing import Any

from amaranth.hdl import ClockDomain, ClockSignal, Const, Instance, Module, Mux, ResetSignal, Signal
from amaranth.lib import wiring
from amaranth.lib.cdc import ResetSynchronizer
from amaranth.lib.wiring import In, Out, connect, flipped

from .flash_reader import FlashReader, SpiSignature
from .pll import Ecp5Pll, Ice40Pll, Pll
from .uart import Uart

RESET_CYCLES_BITS = 6
"""The core stays in reset for 2**RESET_CYCLES_BITS cycles after the PLL has locked."""


class UartTop(wiring.Component):
    """A core behind UART pins: the whole of a board's design but for PLL and pads.

    As long as the core is ``booting``, a flash stands in the host's place.

    Parameters
    ----------
    core : a component with byte streams ``i`` and ``o``, and with ``booting`` where there is a flash.
    divisor : clock cycles a bit.
    flash : byte address in the flash from which the core boots; None: there is none.

    Members
    -------
    rx : In(1). tx : Out(1).
    spi : Out(SpiSignature), the flash; only where there is one.
    """

    def __init__(self, core: Any, divisor: int, flash: int | None = None) -> None:
        self._core = core
        self._divisor = divisor
        self._flash = flash
        members = {"rx": In(1, init=1), "tx": Out(1, init=1)}
        super().__init__(members | ({} if flash is None else {"spi": Out(SpiSignature())}))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.core = self._core
        m.submodules.uart = uart = Uart(self._divisor)
        connect(m, uart.o, self._core.i)
        connect(m, self._core.o, uart.i)
        m.d.comb += [uart.rx.eq(self.rx), self.tx.eq(uart.tx)]
        if self._flash is not None:
            booting = self._core.booting
            m.submodules.flash = flash = FlashReader(self._flash)
            connect(m, flash.spi, flipped(self.spi))
            m.d.comb += [
                flash.enable.eq(booting),
                uart.fast.eq(booting),
                uart.rx.eq(Mux(booting, flash.line, self.rx)),
            ]
        return m


class BoardTop(wiring.Component):
    """A ``UartTop`` on a board: its oscillator, a PLL, a reset that waits for it, its UART's pins.

    Elaborates for an amaranth-boards platform with a default clock and a resource "uart", and for a flash
    with a resource "spi_flash_1x".

    Parameters
    ----------
    core, flash : as for ``UartTop``.
    pll : the core's clock.
    divisor : cycles of that clock a bit.
    oscillator : "pin", the platform's default clock, "pad", the same where its pin is the PLL's own, or
        "SB_HFOSC", a UP5K's own at 12 MHz.
    """

    def __init__(
        self,
        core: Any,
        pll: Ecp5Pll | Ice40Pll,
        divisor: int,
        oscillator: str = "pin",
        flash: int | None = None,
    ) -> None:
        self._core = core
        self._flash = flash
        self._pll = pll
        self._divisor = divisor
        self._oscillator = oscillator
        super().__init__({})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.domains.sync = sync = ClockDomain("sync")
        m.submodules.pll = pll = self._make_pll(m, platform)
        m.d.comb += sync.clk.eq(pll.clock_out)
        self._reset(m, pll.locked)
        m.submodules.top = top = UartTop(self._core, self._divisor, self._flash)
        uart = platform.request("uart")
        m.d.comb += [top.rx.eq(uart.rx.i), uart.tx.o.eq(top.tx)]
        if self._flash is not None:
            # write protection and hold are left to the board's own resistors: their pins may have other uses
            pins = platform.request("spi_flash_1x", dir={"wp": "-", "hold": "-"})
            m.d.comb += [
                pins.cs.o.eq(top.spi.cs), pins.clk.o.eq(top.spi.sck), pins.copi.o.eq(top.spi.copi),
                top.spi.cipo.eq(pins.cipo.i),
            ]  # fmt: skip
        return m

    def _make_pll(self, m: Module, platform: Any) -> Pll:
        if self._oscillator == "SB_HFOSC":
            pll = Pll(self._pll)
            m.submodules.oscillator = Instance(
                "SB_HFOSC",
                a_ROUTE_THROUGH_FABRIC=1, p_CLKHF_DIV="0b10",
                i_CLKHFEN=Const(1), i_CLKHFPU=Const(1), o_CLKHF=pll.clock_in,
            )  # fmt: skip
            return pll
        if self._oscillator == "pad":
            return Pll(self._pll, platform.request(platform.default_clk, dir="-"))
        pll = Pll(self._pll)
        m.d.comb += pll.clock_in.eq(platform.request(platform.default_clk).i)
        return pll

    def _reset(self, m: Module, locked: Signal) -> None:
        """Registered reset, long enough for block RAMs that need time after configuration."""
        m.domains.start = start = ClockDomain("start", local=True)
        m.d.comb += start.clk.eq(ClockSignal("sync"))
        m.submodules.start = ResetSynchronizer(~locked, domain="start")
        count = Signal(RESET_CYCLES_BITS + 1)
        with m.If(~count[-1]):
            m.d.start += count.eq(count + 1)
        reset = Signal(init=1)
        m.d.start += reset.eq(~count[-1])
        m.d.comb += ResetSignal("sync").eq(reset)
