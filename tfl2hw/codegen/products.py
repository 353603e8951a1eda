"""Which products of an array are made in DSPs, and which in LUTs."""

from __future__ import annotations

from dataclasses import replace

from tfl2hw.boards import Board
from tfl2hw.errors import DoesNotFit
from tfl2hw.rtl_templates.config import CoreConfig
from tfl2hw.rtl_templates.wide_multiplier import wide_dsps

SOFT_CELLS = {"ecp5": 76, "ice40": 94}
"""Logic cells of one int8 product without a DSP."""

SOFT_SHARE = 0.5
"""At most this part of a chip's logic cells may go into products: the rest of the core needs some too."""


def requantizer_dsps(config: CoreConfig, family: str) -> int:
    """DSPs of all requantizers."""
    if family != "ecp5":
        return 0
    return config.requantizers * wide_dsps(
        config.accumulator_bits, config.mantissa_bits, config.requantizer_dsps
    )


def place_products(config: CoreConfig, board: Board, file: str) -> CoreConfig:
    """``config`` with as many lanes of each column in DSPs as ``board`` has DSPs for, the others in LUTs.

    Raises
    ------
    DoesNotFit : so many products in LUTs would fill the chip.
    """
    chip = board.chip
    if chip is None:
        return config
    dsps = board.requantizer_dsps(config.lanes, config.columns, config.requantizers)
    config = replace(config, requantizer_dsps=dsps)
    hard = max(0, chip.multipliers - requantizer_dsps(config, board.family)) // config.columns
    if board.family == "ice40":
        hard -= hard % 2  # a DSP makes two products
    soft = max(0, config.lanes - hard)
    cells = soft * config.columns * SOFT_CELLS[board.family]
    if cells > SOFT_SHARE * chip.luts:
        products, without = config.lanes * config.columns, soft * config.columns
        raise DoesNotFit(
            f"{file}: an array of {config.lanes} lanes and {config.columns} columns makes {products} "
            f"products a cycle; {without} of them find no DSP on {board.name} ({chip.name}) and would take "
            f"{cells} of its {chip.luts} logic cells, over half; choose fewer with --lanes and --columns."
        )
    return replace(config, soft_lanes=soft)
