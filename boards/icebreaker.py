"""iCEBreaker (Lattice iCE40 UP5K)."""

from __future__ import annotations

from .families import up5k_board

ICEBREAKER = up5k_board(
    "icebreaker",
    "iCEBreaker",
    platform="amaranth_boards.icebreaker:ICEBreakerPlatform",
    link="USB, second channel of the FT2232H",
    baud=3_000_000,
    program=(("iceprog",), ("openFPGALoader", "-b", "ice40_generic")),
)
