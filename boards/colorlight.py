"""Colorlight i5 and i9 (Lattice ECP5, speed grade 6) on their extension board."""

from __future__ import annotations

from typing import Any

from .board import Board
from .chips import ecp5
from .families import ecp5_board


def platform(device: str) -> Any:
    """An amaranth-boards platform of a Colorlight module with ``device``: clock, UART, LED.

    Raises ImportError where amaranth-boards is not installed.
    """
    from amaranth.build import Attrs, Clock, Pins, PinsN, Resource
    from amaranth.vendor import LatticeECP5Platform
    from amaranth_boards.resources import UARTResource

    level = Attrs(IO_TYPE="LVCMOS33")
    led = {"LFE5U-25F": "U16", "LFE5U-45F": "L2"}[device]
    fields = {
        "device": device, "package": "BG381", "speed": "6", "default_clk": "clk25", "connectors": [],
        "resources": [
            Resource("clk25", 0, Pins("P3", dir="i"), Clock(25e6), level),
            Resource("led", 0, PinsN(led, dir="o"), level),
            UARTResource(0, rx="H18", tx="J17", attrs=Attrs(IO_TYPE="LVCMOS33", PULLMODE="UP")),
        ],
    }  # fmt: skip
    return type("ColorlightPlatform", (LatticeECP5Platform,), fields)()


def i5_platform() -> Any:
    """The platform of the i5."""
    return platform("LFE5U-25F")


def i9_platform() -> Any:
    """The platform of the i9."""
    return platform("LFE5U-45F")


def _board(module: str, size: str) -> Board:
    return ecp5_board(
        f"colorlight-{module}",
        f"Colorlight {module} on its extension board",
        ecp5(size),
        platform=f"tfl2hw.boards.colorlight:{module}_platform",
        clock_mhz=25.0,
        link="USB-C, the serial port of the extension board's debugger",
        baud=115_200,  # as fast as the debugger's serial port is sure to go
        program=(("openFPGALoader", "-b", f"colorlight-{module}"), ("ecpdap", "program")),
    )


COLORLIGHT_I5, COLORLIGHT_I9 = _board("i5", "25"), _board("i9", "45")
