"""iCE40-HX8K Breakout Board: a chip without DSPs."""

from __future__ import annotations

from .families import hx8k_board

ICE40_HX8K_B_EVN = hx8k_board(
    "ice40-hx8k-b-evn",
    "iCE40-HX8K Breakout Board",
    platform="amaranth_boards.ice40_hx8k_b_evn:ICE40HX8KBEVNPlatform",
    link="USB, second channel of the FT2232H",
    program=(("iceprog",), ("openFPGALoader", "-b", "ice40_generic")),
)
