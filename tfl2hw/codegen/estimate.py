"""What a core will take of a chip, and at what clock it will run: estimates before any synthesis.

DSPs and block RAMs are counted exactly. Logic cells and flip-flops follow the structure of each unit; what is
not worth counting bit by bit is a constant, calibrated on synthesised cores (``bench/estimates.py``), which
also holds the estimates to a tenth.
"""

from __future__ import annotations

from dataclasses import dataclass

from tfl2hw.rtl_templates.config import CoreConfig
from tfl2hw.rtl_templates.entries import BLOCK_DEPTH
from tfl2hw.rtl_templates.isa import token_layout
from tfl2hw.rtl_templates.requantizer import Requantizer
from tfl2hw.rtl_templates.soft_multiplier import DEFAULTS

from .footprint import block_rams, lut_rams
from .products import requantizer_dsps

PACKED = 0.39
"""Of an iCE40 core's flip-flops, the part that does not share a logic cell with the LUT before it."""


CHAIN = {"ecp5": 4, "ice40": 1}
"""Logic cells of a carry chain besides its bits: where it begins and ends."""

CLOCKS = {"ecp5": ((64, 138.0), (128, 128.0), (256, 100.0)), "ice40": ((16, 39.0), (256, 30.0))}
"""MHz that cores with up to so many products a cycle have reached on the slowest speed grade."""

HX_CLOCK = 95.0
"""The same of an iCE40 whose products are all made of logic: no UP5K, which is slow."""


@dataclass(frozen=True, kw_only=True)
class Resources:
    """Logic cells (LUTs), flip-flops, DSPs and block RAMs."""

    luts: int
    flip_flops: int
    dsps: int
    block_rams: int


@dataclass(frozen=True)
class _Cells:
    """LUTs and flip-flops of a unit."""

    luts: float
    flip_flops: float

    def __add__(self, other: _Cells) -> _Cells:
        return _Cells(self.luts + other.luts, self.flip_flops + other.flip_flops)

    def __mul__(self, times: float) -> _Cells:
        return _Cells(self.luts * times, self.flip_flops * times)


LUT_RAM = _Cells(10.0, 2.5)
"""One LUT memory of the ECP5, and its part of what chooses between several."""


def estimate(config: CoreConfig, family: str) -> Resources:
    """What the core, and the board's top around it, take on a chip of ``family`` ("ecp5" or "ice40")."""
    cells = _column(config, family) * config.columns + _requantizer(config, family) * config.requantizers
    cells += _frame(config, family) + _scratchpad(config) + _others(config)
    cells += LUT_RAM * lut_rams(config, family)
    luts = cells.luts
    luts += PACKED * cells.flip_flops if family == "ice40" else 0
    return Resources(
        luts=round(luts),
        flip_flops=round(cells.flip_flops),
        dsps=dsps(config, family),
        block_rams=sum(block_rams(config, family).values()),
    )


def expected_mhz(config: CoreConfig, family: str) -> float:
    """The clock that a core of this shape can be expected to reach."""
    products = config.lanes * config.columns
    if family == "ice40" and config.soft_lanes == config.lanes:
        return HX_CLOCK
    reached = [mhz for most, mhz in CLOCKS[family] if products <= most]
    return reached[0] if reached else CLOCKS[family][-1][1]


def dsps(config: CoreConfig, family: str) -> int:
    """DSP cells: a product each (two on iCE40), and on ECP5 those of the requantizers."""
    hard = (config.lanes - config.soft_lanes) * config.columns
    return hard // 2 if family == "ice40" else hard + requantizer_dsps(config, family)


def _column(config: CoreConfig, family: str) -> _Cells:
    """Token and word that pass, operands, adder tree, accumulators, the way out."""
    word, accumulator, chain = 8 * config.lanes, config.accumulator_bits, CHAIN[family]
    adders = [17 + level for level in range(config.lane_bits) for _ in range(config.lanes >> level + 1)]
    luts = sum(bits + chain for bits in adders) + accumulator + chain + 25.0
    flip_flops = token_layout(config).size + word * (1 + 2 * config.bank_registers) + sum(adders) + 12.0
    flip_flops += accumulator + (accumulator + 2) * (1 if config.chain == 1 else 2)
    if config.chain > 1:
        luts += accumulator + 2
    if not config.unaligned:
        luts += 8 * (config.lanes // config.columns - 1) / 2
    if config.pair:
        luts += 2 * accumulator + chain + adders[-1]
        flip_flops += 2 * accumulator + adders[-1]
    if config.window:
        luts += 24 * (2 if config.pair else 1) + (48 if family == "ecp5" else 10)
        flip_flops += 22
    maker = config.soft_multiplier or DEFAULTS[family]
    luts += maker.cells * config.soft_lanes
    flip_flops += maker.flip_flops * config.soft_lanes
    if config.product:
        luts, flip_flops = luts + 24, flip_flops + 10
    if config.maximum:
        luts, flip_flops = luts + accumulator + 14, flip_flops + 12
    if config.digits:
        luts += accumulator
    cells = _Cells(luts, flip_flops)
    if family == "ecp5":
        cells += _Cells(-40.0, -12.0 * min(config.lanes, 8) + 10.0)
        if config.twin:
            cells += _Cells(295.0, 130.0) if config.window else _Cells(95.0, 0.0)
    return cells


def _requantizer(config: CoreConfig, family: str) -> _Cells:
    """The multiplier's sums, offset, shifters, clamp, and what waits for them."""
    product = config.accumulator_bits + config.mantissa_bits
    total = Requantizer.total_bits(config)
    shifted = total - config.mantissa_fraction + 1
    waits = (config.parameter_depth - 1).bit_length() * (Requantizer.latency(config) - 11)
    flip_flops = 70.0 + total + 3 * shifted + waits + config.parameter_bits * config.parameter_registers
    flip_flops += config.accumulator_bits * (1 + config.parameter_registers)
    if family == "ice40":
        factors = config.accumulator_bits * config.mantissa_bits
        return _Cells(total + 6 * shifted + 1.1 * factors + 110, flip_flops + 0.6 * factors)
    cells = _Cells(10 * shifted + 2.0 * product + 75, flip_flops + 2.5 * product)
    return cells + _Cells(2.2, 3.2) * product if config.requantizer_dsps == 1 else cells


def _frame(config: CoreConfig, family: str) -> _Cells:
    """Address generator, sequencer, writer, host port, link, UARTs: nearly the same for all."""
    base = _Cells(1340.0, 1000.0) if family == "ice40" else _Cells(2300.0, 1800.0)
    if config.spread:  # a byte may go to any lane, several times
        base += _Cells(4.0 * config.lanes, 37.0) * config.lanes
    return base + _Cells(3.0, 12.0) * config.lanes


def _scratchpad(config: CoreConfig) -> _Cells:
    """Copies of address and enable for each part of a word, and where words begin anywhere the rotation."""
    if config.scratchpad != "block":  # with what reads the flash
        return _Cells(340.0, 150.0)
    if not config.unaligned:
        return _Cells(4.0, 16.0 + config.word_address_bits / 4) * config.lanes
    stages = -(-config.lane_bits // 2)
    each = _Cells(40.0 + 10 * config.lane_bits, 8.0 * (2 + stages) + config.word_address_bits)
    behind = _Cells(400.0, 230.0) if config.scratchpad_words > BLOCK_DEPTH else _Cells(0.0, 0.0)
    return each * config.lanes + behind


def _others(config: CoreConfig) -> _Cells:
    """Units that only some models need."""
    cells = _Cells(0.0, 0.0)
    if config.vector_lanes:
        each = _Cells(7.0 * config.table_bits, 4.8 * config.table_bits + 30.0)
        cells += each * config.vector_lanes + _Cells(100.0, 150.0)
    for function in config.functions:
        cells += _Cells(function.luts_per_lane, function.flip_flops_per_lane) * config.lanes
    if config.softmax:
        cells += _Cells(400.0, 200.0)
    if config.log_softmax:
        cells += _Cells(700.0, 400.0)
    if config.l2_normalize:
        cells += _Cells(700.0, 400.0)
    if config.arg_max:
        cells += _Cells(150.0, 100.0)
    if config.index:
        cells += _Cells(60.0, 40.0)
    return cells
