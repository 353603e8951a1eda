"""The core that suits each chip, unless a board says something else."""

from __future__ import annotations

from typing import Any

from .board import Board, Chip
from .chips import HX8K, UP5K

_ECP5_CORES = {
    "12F": {"lanes": 4, "columns": 4, "scratchpad_words": 8192, "target_mhz": 80.0},
    "25F": {"lanes": 4, "columns": 4, "scratchpad_words": 8192, "target_mhz": 80.0},
    "45F": {"lanes": 8, "columns": 8, "scratchpad_words": 8192, "target_mhz": 100.0},
    "85F": {"lanes": 8, "columns": 8, "scratchpad_words": 16384, "target_mhz": 100.0},
}


def ecp5_board(name: str, title: str, chip: Chip, **fields: Any) -> Board:
    """A board with ``chip``; everything in block RAM."""
    core: dict[str, Any] = _ECP5_CORES[chip.name.rpartition("-")[2]]
    rest = {
        "requantizers": None,
        "scratchpad": "block",
        "bank_depth": 1 << 14,
        "vector_lanes": core["lanes"] // 2,
    }
    return Board(name=name, title=title, family="ecp5", chip=chip, **core | rest | fields)


WEIGHTS = 0x2_0000
"""Where they begin in the flash of an UP5K: with a sector, behind the bitstream of 104,090 bytes."""


def up5k_board(name: str, title: str, **fields: Any) -> Board:
    """A board with an iCE40 UP5K: feature maps and weights in its SPRAM, 16 products in its DSPs."""
    core: dict[str, Any] = {
        "lanes": 4, "columns": 4, "requantizers": 1, "scratchpad": "spram", "scratchpad_words": 32768,
        "bank_depth": 256, "vector_lanes": 1, "target_mhz": 30.0, "clock_mhz": 12.0, "oscillator": "pad",
        "flash": WEIGHTS,
    }  # fmt: skip
    return Board(name=name, title=title, family="ice40", chip=UP5K, **core | fields)


def hx8k_board(name: str, title: str, **fields: Any) -> Board:
    """A board with an iCE40 HX8K: everything in its 16 KiB of block RAM, 16 products in LUTs."""
    core: dict[str, Any] = {
        "lanes": 4, "columns": 4, "requantizers": 1, "scratchpad": "block", "scratchpad_words": 2048,
        "bank_depth": 1024, "vector_lanes": 1, "target_mhz": 60.0, "clock_mhz": 12.0,
    }  # fmt: skip
    return Board(name=name, title=title, family="ice40", chip=HX8K, **core | fields)
