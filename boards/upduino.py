"""UPduino v3 (Lattice iCE40 UP5K): no serial port on the board, and a clock from within the chip."""

from __future__ import annotations

from .families import up5k_board

UPDUINO_V3 = up5k_board(
    "upduino-v3",
    "UPduino v3.x",
    platform="amaranth_boards.upduino_v3:UpduinoV3Platform",
    oscillator="SB_HFOSC",
    clock_tolerance=0.1,
    target_mhz=27.0,
    uart=("28", "38"),
    link="a USB-serial adapter of 3.3 V: its TX to gpio_28, its RX to gpio_38, GND to GND",
    baud=115_200,
    program=(("iceprog",), ("openFPGALoader", "-b", "ice40_generic")),
)
