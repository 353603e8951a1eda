"""The netlists that a build leaves, as Verilog with models of the chip's cells."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tfl2hw.codegen.bitstream import NAME
from tfl2hw.codegen.place_route import ROUTED
from tfl2hw.codegen.yosys import run_yosys, yosys_share
from tfl2hw.errors import ToolError
from tfl2hw.sim.harness import PERIOD_NS, FlashPins
from tfl2hw.sim.mends import Module, mend, mend_synthesised

Stage = Literal["rtl", "synthesis", "routed"]

FILES: dict[Stage, str] = {"rtl": f"{NAME}.il", "synthesis": f"{NAME}.json", "routed": f"{NAME}{ROUTED}"}
"""What the build leaves of each stage."""

_RX, _TX = re.compile(r"uart_\d+__rx__(io|p)"), re.compile(r"uart_\d+__tx__(io|p)")
_FLASH = {
    pin: re.compile(rf"spi_flash_1x_\d+__{port}__(io|p)")
    for pin, port in {"cs": "cs", "sck": "clk", "copi": "copi", "cipo": "cipo"}.items()
}
_CLOCK = re.compile(r"clk\w*__(io|p)")
_TOP = re.compile(rf"^module {NAME}\s*\(([^)]*)\)", re.MULTILINE)
_MODULE = re.compile(r"^module (\w+)", re.MULTILINE)
_WHOLE_MODULE = re.compile(r"^module (\w+)\b.*?^endmodule$", re.MULTILINE | re.DOTALL)
_DEFINES = re.compile(r"^`define .*$", re.MULTILINE)

_READ: dict[Stage, str] = {
    "rtl": "read_rtlil {}; proc; flatten; opt_clean; memory_collect",
    "synthesis": "read_json {}; delete t:$scopeinfo; splitnets",
    "routed": "read_json {}; splitnets",
}
_PADS = {
    "ice40": [],
    "ecp5": [
        f"chtype -set TRELLIS_{direction} t:TRELLIS_IO r:DIR={direction} %i"
        for direction in ("INPUT", "OUTPUT")
    ],
}
_WRITE = [f"select {NAME}", "write_verilog -noattr -selected netlist.v"]
_YOSYS_FILES = {
    "ice40": ("ice40/cells_sim.v",),
    "ecp5": ("ecp5/common_sim.vh", "ecp5/ccu2c_sim.vh"),
}


@dataclass(frozen=True, kw_only=True)
class Pins:
    """Names of the top's ports that a bench drives. ``clock`` is None where the chip makes its own, ``flash``
    where there is none.
    """

    clock: str | None
    rx: str
    tx: str
    flash: FlashPins | None = None


def find_pins(ports: Iterable[str]) -> Pins:
    """The ports of clock, UART and flash among the names ``ports``.

    Raises
    ------
    ToolError : there is no UART, or more than one clock.
    """
    names = list(ports)
    rx, tx, clocks = ([name for name in names if kind.fullmatch(name)] for kind in (_RX, _TX, _CLOCK))
    if len(rx) != 1 or len(tx) != 1 or len(clocks) > 1:
        raise ToolError(f"a board's top has one UART and at most one clock, not the pins {', '.join(names)}")
    spi = {pin: name for pin, kind in _FLASH.items() for name in names if kind.fullmatch(name)}
    flash = FlashPins(**spi) if len(spi) == len(_FLASH) else None
    return Pins(clock=clocks[0] if clocks else None, rx=rx[0], tx=tx[0], flash=flash)


def netlist_verilog(stage: Stage, family: str, directory: Path, work: Path) -> tuple[str, Pins]:
    """Verilog of the board's top as ``stage`` left it in ``directory``, cells' models included; its pins.

    Parameters
    ----------
    family : "ecp5" or "ice40".
    work : a folder for intermediate files.

    Raises
    ------
    ToolError : the build did not leave that stage's netlist, it is not understood, or Yosys failed.
    """
    source = directory / FILES[stage]
    if not source.is_file():
        raise ToolError(f"{source} is missing: `tfl2hw build` leaves it; build again")
    if stage != "rtl":
        mends = mend if stage == "routed" else mend_synthesised
        _write_mended(source, family, work / source.name, mends)
    else:
        shutil.copyfile(source, work / source.name)
    commands = _READ[stage].format(source.name).split("; ")
    run_yosys([*commands, *_PADS[family], *_WRITE], work, "netlist.log")
    verilog = (work / "netlist.v").read_text()
    return verilog + cell_models(family), find_pins(_ports(verilog))


def cell_models(family: str) -> str:
    """Verilog of the cells of ``family``: Yosys's, but for those that this package models itself.

    Raises
    ------
    ToolError : Yosys's are not where they should be.
    """
    own = Path(__file__).with_name(f"cells_{family}.v").read_text()
    own = own.replace("`OSCILLATOR_HALF", str(PERIOD_NS // 2))
    taken = set(_MODULE.findall(own))
    theirs = [_without(text, taken) for text in map(_read_models, _YOSYS_FILES[family])]
    return "\n".join([own, *theirs])


def _read_models(name: str) -> str:
    file = yosys_share() / name
    try:
        return file.read_text()
    except OSError as error:
        raise ToolError(f"Yosys's models of the chip's cells cannot be read: {error}") from error


def _without(text: str, taken: Container[str]) -> str:
    """``text`` but for the modules ``taken``, and for directives that would reach what stands behind it."""
    kept = (found for found in _WHOLE_MODULE.finditer(text) if found.group(1) not in taken)
    return "\n".join([*_DEFINES.findall(text), *(found.group() for found in kept), ""])


def _write_mended(source: Path, family: str, target: Path, mends: Callable[[Module, str], None]) -> None:
    try:
        design = json.loads(source.read_text())
        module = design["modules"][NAME]
    except (ValueError, KeyError) as error:
        raise ToolError(f"{source} is not a netlist ({error}); build again") from error
    mends(module, family)
    target.write_text(json.dumps(design))


def _ports(verilog: str) -> list[str]:
    found = _TOP.search(verilog)
    if found is None:
        raise ToolError(f"the netlist has no module {NAME}")
    return [name.strip() for name in found.group(1).split(",")]
