"""ULX3S (Lattice ECP5, speed grade 6) with its four sizes of chip."""

from __future__ import annotations

from .board import Board
from .chips import ecp5
from .families import ecp5_board


def _board(size: str) -> Board:
    return ecp5_board(
        f"ulx3s-{size}f",
        f"ULX3S {size}F",
        ecp5(size),
        platform=f"amaranth_boards.ulx3s:ULX3S_{size}F_Platform",
        clock_mhz=25.0,
        link="USB (US1), the FT231X",
        baud=3_000_000,
        program=(("openFPGALoader", "-b", "ulx3s"), ("fujprog",), ("ecpdap", "program")),
    )


ULX3S_12F, ULX3S_25F, ULX3S_45F, ULX3S_85F = (_board(size) for size in ("12", "25", "45", "85"))
