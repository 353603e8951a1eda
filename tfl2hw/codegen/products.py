"""Which products of an array are made in DSPs, and which in LUTs."""

from __future__ import annotations

from dataclasses import replace

from tfl2hw.boards import Board
from tfl2hw.errors import DoesNotFit
from tfl2hw.rtl_templates.config import CoreConfig
from tfl2hw.rtl_templates.parts import SoftProducts
from tfl2hw.rtl_templates.soft_multiplier import DEFAULTS
from tfl2hw.rtl_templates.wide_multiplier import wide_dsps

SOFT_SHARE = 0.5
"""At most this part of a chip's logic cells may go into products: the rest of the core needs some too."""


def requantizer_dsps(config: CoreConfig, family: str) -> int:
    """DSPs of all requantizers."""
    if family != "ecp5":
        return 0
    return config.requantizers * wide_dsps(
        config.accumulator_bits, config.mantissa_bits, config.requantizer_dsps
    )


def place_products(
    config: CoreConfig, board: Board, file: str, wanted: SoftProducts | None = None
) -> CoreConfig:
    """``config`` with as many lanes of each column in DSPs as ``board`` has DSPs for, the others in LUTs.

    At least those that are ``wanted`` are, by its multiplier.

    Raises
    ------
    DoesNotFit : so many products in LUTs would fill the chip.
    """
    chip, asked = board.chip, _asked(config, wanted)
    config = replace(config, soft_multiplier=wanted.multiplier if wanted else None)
    if chip is None:
        return replace(config, soft_lanes=asked)
    dsps = board.requantizer_dsps(config.lanes, config.columns, config.requantizers)
    config = replace(config, requantizer_dsps=dsps)
    hard = max(0, chip.multipliers - requantizer_dsps(config, board.family)) // config.columns
    hard = min(hard, config.lanes - asked)
    if board.family == "ice40":
        hard -= hard % 2  # a DSP makes two products
    soft = config.lanes - hard
    maker = config.soft_multiplier or DEFAULTS[board.family]
    cells = soft * config.columns * maker.cells
    if cells > SOFT_SHARE * chip.luts:
        products, without = config.lanes * config.columns, soft * config.columns
        why = f"are for the multiplier {maker.name}" if asked == soft else "find no DSP"
        raise DoesNotFit(
            f"{file}: an array of {config.lanes} lanes and {config.columns} columns makes {products} "
            f"products a cycle; {without} of them {why} on {board.name} ({chip.name}) and would take "
            f"{cells} of its {chip.luts} logic cells, over half; choose fewer with --lanes and --columns."
        )
    return replace(config, soft_lanes=soft)


def _asked(config: CoreConfig, wanted: SoftProducts | None) -> int:
    """Lanes of each column that are wanted in LUTs."""
    if wanted is None:
        return 0
    return config.lanes if wanted.lanes is None else min(wanted.lanes, config.lanes)
