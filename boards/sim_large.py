"""A board that exists in simulation only: one core with every unit and generous memories for all models."""

from __future__ import annotations

from tfl2hw.rtl_templates.config import CoreConfig

from .board import Board

SCRATCHPAD_WORDS = 1 << 17
BANK_DEPTH = 1 << 15
REQUANTIZERS = 4
TABLES = 64


def generous_core(lanes: int, columns: int) -> CoreConfig:
    """A core that can do everything; a model's program, weights and tables are loaded into it.

    Mantissas have the fraction with which the requantizer's formula is TFLite's own.
    """
    return CoreConfig(
        lanes=lanes,
        columns=columns,
        requantizers=min(REQUANTIZERS, columns),
        accumulator_bits=32,
        mantissa_bits=36,
        mantissa_fraction=30,
        offset_bits=64,
        shift_bits=6,
        bank_depth=BANK_DEPTH,
        parameter_depth=1 << 14,
        program_depth=1 << 16,
        scratchpad_words=SCRATCHPAD_WORDS,
        unaligned=True,
        count_bits=22,
        coordinate_bits=18,
        window=True,
        pair=lanes >= 8,
        mover=True,
        copier=True,
        index=True,
        softmax=True,
        softmax_digit=4,
        softmax_tables=16,
        log_softmax=True,
        log_tables=16,
        l2_normalize=True,
        arg_max=True,
        vector_lanes=lanes // 2,
        table_depth=256 * TABLES,
        table_bits=32,
        vector_shift=14,
        product=True,
        maximum=True,
        digits=True,
    )


SIM_LARGE = Board(
    name="sim-large",
    title="simulation only, generous memories",
    family="sim",
    clock_mhz=100.0,
    target_mhz=100.0,
    lanes=8,
    columns=8,
    requantizers=REQUANTIZERS,
    scratchpad="block",
    scratchpad_words=SCRATCHPAD_WORDS,
    bank_depth=BANK_DEPTH,
    vector_lanes=4,
    core=generous_core,
)
