"""ECPIX-5 (Lattice ECP5-5G) with both sizes of chip."""

from __future__ import annotations

from .board import Board
from .chips import ecp5
from .families import ecp5_board


def _board(size: str) -> Board:
    return ecp5_board(
        f"ecpix5-{size}f",
        f"ECPIX-5 {size}F",
        ecp5(size, "CABGA554", "8", "um5g"),
        platform=f"amaranth_boards.ecpix5:ECPIX5{size}Platform",
        clock_mhz=100.0,
        link="micro-USB, second channel of the FT2232H",
        program=(("openFPGALoader", "-b", "ecpix5"), ("ecpprog", "-S")),
    )


ECPIX5_45F, ECPIX5_85F = (_board(size) for size in ("45", "85"))
