"""One core for a board, onto which every model that fits is loaded over the link: no build for each."""

from __future__ import annotations

from dataclasses import replace

from tfl2hw.rtl_templates.config import MOST_PLACES, MOST_WINDOW, CoreConfig

from .board import Board

SUFFIX = "-overlay"
"""Behind a board's name: the same board with its overlay."""

SCRATCHPAD_WORDS = 8192
BANK_DEPTH = 4096 + 64
"""Weights for each column: whole block RAMs, and a few words in LUTs."""

REQUANTIZERS = 4
"""Half as many as columns: their memories take as much block RAM as the scratchpad otherwise."""

VECTOR_LANES = 2

TARGET_MHZ = 80.0
"""A core for one model is faster: its memories do not lie all over the chip."""


def overlay_core(lanes: int, columns: int) -> CoreConfig:
    """The core that an LFE5U-85F carries: it takes 198 of its 208 block RAMs.

    Mantissas, offsets and shifts fill five block RAMs of 18 bits a requantizer. A fraction of 26 bits is
    exact for scales of nearly every model; a longer one would leave no bits for what is steeper than 1.
    """
    return CoreConfig(
        lanes=lanes,
        columns=columns,
        requantizers=REQUANTIZERS,
        accumulator_bits=27,
        mantissa_bits=28,
        mantissa_fraction=26,
        offset_bits=48,
        shift_bits=5,
        bank_depth=BANK_DEPTH,
        parameter_depth=1024,
        program_depth=2048,
        scratchpad_words=SCRATCHPAD_WORDS,
        unaligned=True,
        spread=True,
        count_bits=15,
        coordinate_bits=11,
        window=min(lanes, MOST_WINDOW),
        places=MOST_PLACES,
        single=True,
        pair=True,
        mover=True,
        copier=True,
        index=True,
        softmax=True,
        softmax_digit=4,
        softmax_tables=4,
        arg_max=True,
        vector_lanes=VECTOR_LANES,
        table_depth=2048,
        table_bits=24,
        vector_shift=14,
        product=True,
        maximum=True,
        digits=True,
    )


def overlay(board: Board) -> Board:
    """``board`` with one core for all models.

    Raises
    ------
    ValueError : its chip is too small for a core that many models fit.
    """
    if board.chip is None or not board.chip.name.endswith("-85F"):
        raise ValueError(f"an overlay takes an ECP5 85F; {board.name} has a smaller chip")
    return replace(
        board,
        name=board.name + SUFFIX,
        title=f"{board.title}, one core for all models",
        lanes=8,
        columns=8,
        requantizers=REQUANTIZERS,
        scratchpad_words=SCRATCHPAD_WORDS,
        bank_depth=BANK_DEPTH,
        vector_lanes=VECTOR_LANES,
        target_mhz=min(TARGET_MHZ, board.target_mhz),
        core=overlay_core,
    )
