"""iCEBreaker (Lattice iCE40 UP5K)."""

from __future__ import annotations

from .board import Board, Chip

UP5K = Chip(name="iCE40UP5K", nextpnr=("--up5k", "--package", "sg48"), luts=5280, flip_flops=5280, dsps=8,
            multipliers=16, block_rams=30, block_ram_bits=4096, spram_bytes=131072)  # fmt: skip

ICEBREAKER = Board(
    name="icebreaker",
    title="iCEBreaker",
    family="ice40",
    chip=UP5K,
    platform="amaranth_boards.icebreaker:ICEBreakerPlatform",
    clock_mhz=12.0,
    target_mhz=39.75,
    baud=3_000_000,
    program=(("iceprog",), ("openFPGALoader", "-b", "ice40_generic")),
    lanes=4,
    columns=4,
    requantizers=1,
    scratchpad="spram",
    scratchpad_words=32768,
    bank_depth=256,
    vector_lanes=1,
)
