"""A SPI flash at its pins, for benches in Amaranth's simulator: what ``spi_flash.v`` is for Verilator."""

from __future__ import annotations

import random
from typing import Any

from tfl2hw.rtl_templates.flash_reader import READ, WAKE_UP

ERASED = 0xFF


class SpiFlash:
    """Answers READ in mode 0; in power-down at first, until WAKE_UP and ``wake_cycles`` more.

    Whatever breaks a rule of a real flash is noted in ``faults``. While it has nothing to say, ``cipo`` is
    noise.

    Parameters
    ----------
    spi : the reader's ``spi`` (``flash_reader.SpiSignature``).
    contents : from byte ``address`` on; everything else is erased.
    wake_cycles : until it takes a command behind WAKE_UP.
    """

    def __init__(self, spi: Any, contents: bytes, address: int, wake_cycles: int) -> None:
        self._spi = spi
        self._contents = contents
        self._address = address
        self._wake_cycles = wake_cycles
        self._awake: int | None = None
        self._noise = random.Random(1)
        self.commands: list[str] = []
        self.faults: list[str] = []

    async def run(self, ctx: Any) -> None:
        """A background test bench."""
        cycle, clock, chip, bits = 0, 0, 0, ""
        while True:
            await ctx.tick()
            cycle += 1
            before, clock = clock, ctx.get(self._spi.sck)
            selected, chip = chip, ctx.get(self._spi.cs)
            if chip and not selected and clock:
                self.faults.append("selected while sck is high")
            if selected and not chip:
                self._deselected(bits, cycle)
            if not chip:
                bits = ""
            elif clock and not before:
                bits += str(ctx.get(self._spi.copi))
            if (before and not clock) or not chip:
                ctx.set(self._spi.cipo, self._bit(bits, cycle))

    def _deselected(self, bits: str, cycle: int) -> None:
        if len(bits) >= 32 and int(bits[:8], 2) == READ:
            return
        if len(bits) % 8:
            self.faults.append(f"deselected behind {len(bits)} bits")
        self.commands.append(bits)
        if bits == f"{WAKE_UP:08b}":
            self._awake = cycle + self._wake_cycles

    def _bit(self, bits: str, cycle: int) -> int:
        """What it says behind ``bits``."""
        if len(bits) < 32:
            return self._noise.getrandbits(1)
        if self._awake is None or cycle < self._awake or int(bits[:8], 2) != READ:
            return self._noise.getrandbits(1)
        if len(bits) == 32:
            self.commands.append(bits)
        byte, bit = divmod(len(bits) - 32, 8)
        place = int(bits[8:32], 2) + byte - self._address
        data = self._contents[place] if place in range(len(self._contents)) else ERASED
        return data >> (7 - bit) & 1
