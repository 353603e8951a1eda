"""What the schedule has to know of the hardware: the array's shape and the memories' rules."""

from __future__ import annotations

from dataclasses import dataclass

from tfl2hw.rtl_templates.config import MOST_PLACES, CoreConfig
from tfl2hw.rtl_templates.parts import SoftProducts

LANES = (4, 8, 16, 32)
COLUMNS = (2, 4, 8, 16, 32)
"""What an array may have of each; columns divide lanes."""


@dataclass(frozen=True, kw_only=True)
class Shape:
    """C, K and Q of an array."""

    lanes: int
    columns: int
    requantizers: int

    def __str__(self) -> str:
        return f"{self.lanes} lanes x {self.columns} columns, {self.requantizers} requantizers"


@dataclass(frozen=True, kw_only=True)
class Target:
    """The hardware that a schedule is made for.

    Parameters
    ----------
    lanes, columns, requantizers : C, K and Q of the array.
    scratchpad_bytes : feature-map memory available.
    banks : 1 (a read and a write in the same cycle anywhere) or 2 (single-port banks of equal size:
        what a job reads and what it writes must be in different ones).
    streamed : weights and parameters live in the scratchpad and are loaded before each group of
        filters; otherwise they stay in the columns' banks.
    bank_depth : most words that a column's weight bank may hold.
    vector_lanes : elements a cycle of the table-sum unit.
    softmax_digit : bits a cycle of the softmax's serial multiplier.
    softmax_interval, l2_interval : cycles from byte to byte in the last pass of the softmax, and of the L2
        normalisation.
    unaligned : whether words may be read from any byte on, and parts of words be written.
    strips : whether the host can write inputs in strips (see ``layout``); only with ``unaligned``.
    window : most bytes of a place's window (1: no window). places : most tokens of a pixel that have one.
    pair : whether the lanes may be divided for two lines of the OFM; twin : for two channels a column.
    core : the prebuilt core on which the model has to run, whose numbers are fixed; None where the core is
        made for the model.
    products : those that are made in another way than a chip's DSPs do, and how; None: nothing is asked for.
    headroom : whether the core is made a little wider than the model needs, for what another training brings.
    """

    lanes: int
    columns: int
    requantizers: int
    scratchpad_bytes: int
    banks: int = 1
    streamed: bool = False
    bank_depth: int = 1 << 20
    vector_lanes: int = 1
    softmax_digit: int = 1
    softmax_interval: int = 1
    l2_interval: int = 1
    unaligned: bool = False
    strips: bool = False
    window: int = 1
    places: int = MOST_PLACES
    pair: bool = False
    twin: bool = False
    core: CoreConfig | None = None
    products: SoftProducts | None = None
    headroom: bool = False

    @property
    def chain(self) -> int:
        """Columns that share a requantizer: the least cycles between two pixels."""
        return self.columns // self.requantizers

    @property
    def divisions(self) -> tuple[tuple[int, int], ...]:
        """(lines, channels) for which the lanes may be divided, into parts of at least four."""
        every = ((1, 1), *[(2, 1)] * self.pair, *[(1, 2)] * self.twin, *[(2, 2)] * (self.pair and self.twin))
        return tuple((lines, channels) for lines, channels in every if self.lanes >= 4 * lines * channels)

    def words(self, count: int) -> int:
        """Words of ``lanes`` bytes that hold ``count`` bytes."""
        return -(-count // self.lanes)

    def padded(self, count: int) -> int:
        """``count`` bytes rounded up to whole words."""
        return self.words(count) * self.lanes

    def groups(self, channels: int) -> int:
        """Groups of K filters."""
        return -(-channels // self.columns)
