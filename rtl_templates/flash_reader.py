"""Reads a SPI flash whose contents are the bits of a serial line."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .uart import LEAST_DIVISOR

WAKE_UP = 0xAB
"""Ends the power-down in which an iCE40 leaves its flash behind the bitstream."""

READ = 0x03

COMMAND_BITS = 32
"""READ and its address."""

START_BITS = 512
"""Bits until the first one of the data: WAKE_UP, a pause (over 35 us up to 100 MHz, in which any flash is
awake), READ."""


class SpiSignature(wiring.Signature):
    """A SPI flash, from the controller's side. Mode 0: both sides sample where ``sck`` rises.

    Members
    -------
    cs : Out(1), high while the flash is selected (its pin is inverted).
    sck, copi : Out(1). cipo : In(1).
    """

    def __init__(self) -> None:
        super().__init__({"cs": Out(1), "sck": Out(1), "copi": Out(1), "cipo": In(1, init=1)})


class FlashReader(wiring.Component):
    """Wakes a flash, then reads it from ``address`` on, to no end, as long as ``enable`` is high.

    A bit takes ``LEAST_DIVISOR`` cycles, as the UART's receiver takes them when it is ``fast``: the flash's
    data line *is* a serial line, on which a byte has its start bit, its eight bits from the lowest, and its
    stop bit. Nobody can make it wait. The first bit comes ``START_BITS * LEAST_DIVISOR`` cycles after the
    start.

    Parameters
    ----------
    address : of a byte in the flash, 24 bits.

    Members
    -------
    enable : In(1), starts with the reset; once it is low the flash is left alone.
    spi : Out(SpiSignature).
    line : Out(1), the serial line: high until the data come.

    Raises
    ------
    ValueError : ``address`` has more than 24 bits.
    """

    def __init__(self, address: int) -> None:
        if address not in range(1 << 24):
            raise ValueError(f"address must have 24 bits at most, not {address:#x}")
        self._address = address
        super().__init__({"enable": In(1), "spi": Out(SpiSignature()), "line": Out(1, init=1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        phase_bits, number_bits = (LEAST_DIVISOR - 1).bit_length(), (START_BITS - 1).bit_length()
        phase, number, reads = Signal(phase_bits), Signal(number_bits), Signal()
        with m.If(self.enable):
            m.d.sync += Cat(phase, number).eq(Cat(phase, number) + 1)
            with m.If(phase.all() & number.all()):
                m.d.sync += reads.eq(1)
        # The last bits of the pause's number count the READ's, so one table has both commands.
        read = f"{READ << 24 | self._address:0{COMMAND_BITS}b}"
        bits = Const(int(read[::-1], 2), COMMAND_BITS).bit_select(number[:5], 1)
        wake = Const(int(f"{WAKE_UP:08b}"[::-1], 2), 8).bit_select(number[:3], 1)
        wakes = number < 8
        commands = number >= START_BITS - COMMAND_BITS
        m.d.sync += [
            self.spi.cs.eq(self.enable & (wakes | commands | reads)),
            self.spi.copi.eq((wakes & wake) | (commands & bits)),
        ]
        m.d.comb += [self.spi.sck.eq(phase[-1]), self.line.eq(~reads | self.spi.cipo)]
        return m
