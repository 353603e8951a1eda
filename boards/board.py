"""What a board is: its chip's budget, its clock and link, and the core that suits it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from tfl2hw.rtl_templates.config import CoreConfig

FAMILIES = ("ecp5", "ice40", "sim")
OSCILLATORS = ("pin", "pad", "SB_HFOSC")
MOST_DSPS = 2
"""DSPs in a requantizer where there are enough."""


@dataclass(frozen=True, kw_only=True)
class Chip:
    """What a chip offers.

    Parameters
    ----------
    name : as its maker writes it.
    nextpnr : options that select it, package and speed grade included.
    luts : 4-input look-up tables. flip_flops : likewise their registers.
    multipliers : int8 products a cycle that its DSPs make. dsps : the DSP cells themselves.
    block_rams : how many. block_ram_bits : data bits of one, parity included.
    spram_bytes : bytes of large single-port memory (UP5K), 0 where there is none.
    dsp_rows : nextpnr's names of the DSPs' sites, row by row from left to right; () where not known.
    """

    name: str
    nextpnr: tuple[str, ...]
    luts: int
    flip_flops: int
    dsps: int
    multipliers: int
    block_rams: int
    block_ram_bits: int
    spram_bytes: int = 0
    dsp_rows: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Board:
    """One board, and the default configuration of a core for it.

    Parameters
    ----------
    name : as the command line spells it. title : as its maker does.
    family : "ecp5", "ice40" or "sim" (simulation only: no chip, no platform).
    chip : its budget; None for "sim", which sets no limits.
    platform : "module:class" of its amaranth-boards platform (or of a function that makes it).
    clock_mhz : its oscillator. target_mhz : the core's clock, made from it by a PLL.
    oscillator : "pin", the platform's default clock, "pad", the same where its pin is iCE40's PLL's own, or
        "SB_HFOSC", the one within a UP5K, divided to 12 MHz.
    clock_tolerance : part by which the oscillator may be faster than it says; timing is met only with it.
    baud : bits a second of the UART.
    uart : pins (RX, TX) of the UART where the platform has no resource "uart" of its own.
    flash : byte address in the configuration flash, which is a resource "spi_flash_1x" of the platform, from
        which the weights stand there; None: they come over the link.
    link : how a host gets at the UART, in words.
    program : the command line, but for the bitstream's name, that loads a bitstream, best first.
    lanes, columns : the array (see ``CoreConfig``).
    requantizers : at most so many; None: one for each column.
    scratchpad : kind of scratchpad (see ``CoreConfig``). scratchpad_words : at most so many.
    bank_depth : words of a column's weight bank, at most.
    vector_lanes : elements a cycle of the table-sum unit.
    core : makes the configuration of the one core, for so many lanes and columns, on which every model runs
        that fits (on a board with a chip: for the board's own); None where each model gets its own core.
    """

    name: str
    title: str
    family: str
    lanes: int
    columns: int
    requantizers: int | None
    scratchpad: str
    scratchpad_words: int
    bank_depth: int
    vector_lanes: int
    target_mhz: float
    clock_mhz: float
    oscillator: str = "pin"
    clock_tolerance: float = 0.0
    baud: int = 1_000_000
    uart: tuple[str, str] | None = None
    flash: int | None = None
    link: str = ""
    chip: Chip | None = None
    platform: str | None = None
    program: tuple[tuple[str, ...], ...] = ()
    core: Callable[[int, int], CoreConfig] | None = None

    def __post_init__(self) -> None:
        if self.family not in FAMILIES:
            raise ValueError(f"family must be one of {FAMILIES}, not {self.family!r}")
        if self.oscillator not in OSCILLATORS:
            raise ValueError(f"oscillator must be one of {OSCILLATORS}, not {self.oscillator!r}")
        if (self.family == "sim") != (self.chip is None) or (self.chip is None) != (self.platform is None):
            raise ValueError(f"chip and platform must be given unless family is 'sim', not for {self.name!r}")

    @property
    def multiplier(self) -> str:
        """The ``CoreConfig.multiplier`` that this chip has."""
        return "generic" if self.family == "sim" else self.family

    def requantizers_for(self, columns: int) -> int:
        """Q of an array with so many columns."""
        return min(columns, self.requantizers or columns)

    def requantizer_dsps(self, lanes: int, columns: int, requantizers: int) -> int:
        """DSPs that each of so many requantizers may take (see ``CoreConfig``).

        More than one only where the array leaves them: a product of the array costs fewer LUTs.
        """
        if self.chip is None:
            return MOST_DSPS
        return max(1, min(MOST_DSPS, (self.chip.dsps - lanes * columns) // requantizers))

    @property
    def scratchpad_bytes(self) -> int:
        """Feature-map memory, at most."""
        return self.scratchpad_words * self.lanes

    @property
    def streamed(self) -> bool:
        """Whether weights live in the scratchpad and arrive over the link."""
        return self.scratchpad != "block"

    def make_platform(self) -> Any:
        """A fresh amaranth-boards platform (one elaboration each).

        Raises
        ------
        ValueError : a board for simulation alone.
        ImportError : amaranth-boards is not installed.
        """
        if self.platform is None:
            raise ValueError(f"{self.name} is for simulation alone: it has no platform")
        module, name = self.platform.split(":")
        made = getattr(import_module(module), name)()
        if self.uart is not None:
            made.add_resources([self._uart(*self.uart)])
        return made

    def _uart(self, rx: str, tx: str) -> Any:
        from amaranth.build import Attrs
        from amaranth_boards.resources import UARTResource

        level = {"IO_TYPE": "LVCMOS33", "PULLMODE": "UP"}
        if self.family == "ice40":
            level = {"IO_STANDARD": "SB_LVCMOS", "PULLUP": "1"}
        return UARTResource(0, rx=rx, tx=tx, attrs=Attrs(**level))
