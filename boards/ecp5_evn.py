"""ECP5 Evaluation Board (LFE5UM5G-85F-EVN)."""

from __future__ import annotations

from .chips import ecp5
from .families import ecp5_board

ECP5_EVN = ecp5_board(
    "ecp5-evn",
    "ECP5 Evaluation Board",
    ecp5("85", "CABGA381", "8", "um5g"),
    platform="amaranth_boards.ecp5_5g_evn:ECP55GEVNPlatform",
    clock_mhz=12.0,
    link="USB, second channel of the FT2232H; it asks for the two resistors that the board's guide names",
    program=(("openFPGALoader", "-b", "ecp5_evn"), ("ecpprog", "-S")),
)
