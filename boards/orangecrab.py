"""OrangeCrab r0.2 (Lattice ECP5, speed grade 8): no serial port on the board."""

from __future__ import annotations

from .board import Board
from .chips import ecp5
from .families import ecp5_board


def _board(size: str) -> Board:
    return ecp5_board(
        f"orangecrab-r0.2-{size}f",
        f"OrangeCrab r0.2 {size}F",
        ecp5(size, "CSFBGA285", "8"),
        platform=f"amaranth_boards.orangecrab_r0_2:OrangeCrabR0_2_{size}FPlatform",
        clock_mhz=48.0,
        uart=("N17", "M18"),
        link="a USB-serial adapter of 3.3 V: its TX to pin 0 (RX), its RX to pin 1 (TX), GND to GND",
        program=(("openFPGALoader", "-b", "orangeCrab"), ("dfu-util", "-d", "1209:5af0", "-a", "0", "-D")),
    )


ORANGECRAB_25F, ORANGECRAB_85F = (_board(size) for size in ("25", "85"))
