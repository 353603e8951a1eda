"""A board that exists in simulation only, with generous memories."""

from __future__ import annotations

from .board import Board

SIM_LARGE = Board(
    name="sim-large",
    title="simulation only, generous memories",
    family="sim",
    clock_mhz=100.0,
    target_mhz=100.0,
    lanes=8,
    columns=8,
    requantizers=4,
    scratchpad="block",
    scratchpad_words=131072,
    bank_depth=1 << 16,
    vector_lanes=8,
)
