"""What a board is: its chip's budget, its clock and link, and the core that suits it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from tfl2hw.rtl_templates.config import CoreConfig

FAMILIES = ("ecp5", "ice40", "sim")
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
    platform : "module:class" of its amaranth-boards platform.
    clock_mhz : its oscillator. target_mhz : the core's clock, made from it by a PLL.
    baud : bits a second of the UART behind its USB plug.
    program : the command line, but for the bitstream's name, that loads a bitstream, best first.
    lanes, columns : the array (see ``CoreConfig``).
    requantizers : at most so many; None: one for each column, as far as the chip's DSPs go.
    scratchpad : kind of scratchpad (see ``CoreConfig``). scratchpad_words : at most so many.
    bank_depth : words of a column's weight bank, at most.
    vector_lanes : elements a cycle of the table-sum unit.
    core : makes the configuration of the one core, for so many lanes and columns, on which every model runs;
        None where each model gets a core of its own.
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
    baud: int = 1_000_000
    chip: Chip | None = None
    platform: str | None = None
    program: tuple[tuple[str, ...], ...] = ()
    core: Callable[[int, int], CoreConfig] | None = None

    def __post_init__(self) -> None:
        if self.family not in FAMILIES:
            raise ValueError(f"family must be one of {FAMILIES}, not {self.family!r}")
        if (self.family == "sim") != (self.chip is None) or (self.chip is None) != (self.platform is None):
            raise ValueError(f"chip and platform must be given unless family is 'sim', not for {self.name!r}")

    @property
    def multiplier(self) -> str:
        """The ``CoreConfig.multiplier`` that this chip has."""
        return "generic" if self.family == "sim" else self.family

    def requantizers_for(self, lanes: int, columns: int) -> int:
        """Q of an array: the array's own products come first, and each requantizer takes a DSP at least."""
        most = min(columns, self.requantizers or columns)
        if self.family != "ecp5" or self.chip is None:
            return most
        spare = self.chip.dsps - lanes * columns
        return next((q for q in range(most, 0, -1) if columns % q == 0 and q <= spare), 1)

    def requantizer_dsps(self, lanes: int, columns: int, requantizers: int) -> int:
        """DSPs that each of so many requantizers may take (see ``CoreConfig``)."""
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
        return getattr(import_module(module), name)()
