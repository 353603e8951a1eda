"""iCESugar (Lattice iCE40 UP5K)."""

from __future__ import annotations

from .families import up5k_board

ICESUGAR = up5k_board(
    "icesugar",
    "iCESugar",
    platform="amaranth_boards.icesugar:ICESugarPlatform",
    link="USB, the serial port of the iCELink debugger",
    baud=115_200,  # as fast as the debugger's serial port is sure to go
    program=(("icesprog",),),
)
