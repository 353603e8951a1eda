"""A bitstream with other memory contents, made from a routed design without placing and routing it again."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from tfl2hw.boards import Board
from tfl2hw.codegen import tools
from tfl2hw.codegen.bitstream import (
    NAME,
    RESULT,
    SUFFIX,
    BuildResult,
    elaborate,
    keep_result,
    pack,
    pll_for,
)
from tfl2hw.codegen.critical_path import CriticalPath
from tfl2hw.codegen.memory_cells import MemoryCell, mapped_cells, memory_cells, without_contents
from tfl2hw.codegen.place_route import LOG, ROUTED, TEXT_SUFFIX
from tfl2hw.codegen.routed import read_sections, routed_cells, sections, write_sections
from tfl2hw.codegen.tools import Progress, silent
from tfl2hw.errors import UsageError

ADVICE = "build the new model without --reuse"


def reuse_bitstream(
    core_factory: Callable[[], Any],
    board: Board,
    old_dir: Path,
    out_dir: Path,
    progress: Progress = silent,
    *,
    mhz: float | None = None,
) -> BuildResult:
    """Build the bitstream of a core that differs in memory contents alone from that in ``old_dir``.

    The bitstream is that which ``build_bitstream`` would make: the two designs are elaborated to the same
    RTLIL but for what their memories hold, Yosys says which bits of which memory cells that is, and these
    are replaced in the routed design.

    Parameters
    ----------
    core_factory : makes the core, a component with byte streams ``i`` and ``o``.
    old_dir : what ``build_bitstream`` wrote.
    out_dir : receives the same files; may be ``old_dir``.
    mhz : the clock that ``old_dir`` was built for; the board's target if None.

    Raises
    ------
    UsageError : there is no build in ``old_dir``, other tools have made it, or the designs differ in more.
    ToolError : a tool is missing or failed.
    """
    old = old_dir / "build"
    result = read_result(old_dir, board)
    seconds: dict[str, float] = {}

    @contextmanager
    def timed(stage: str) -> Iterator[None]:
        progress(stage, 0.0)
        start = time.monotonic()
        yield
        seconds[stage] = round(time.monotonic() - start, 1)
        progress(stage, 1.0)

    directory = out_dir / "build"
    work = out_dir / "reuse"
    work.mkdir(parents=True, exist_ok=True)
    try:
        with timed("elaboration"):
            elaborate(core_factory(), board, pll_for(board, mhz), work)
            rtlil = (work / f"{NAME}.il").read_text()
            _check_design(old_dir, rtlil)
        with timed("memory contents"):
            cells = mapped_cells(rtlil, board.family, NAME)
            _patch(old_dir, board.family, cells, work)
        for file in old.iterdir():
            if file.is_file() and not (work / file.name).exists():
                shutil.copyfile(file, work / file.name)
        with timed("packing"):
            pack(board.family, work)
        directory.mkdir(exist_ok=True)
        for file in work.iterdir():
            file.replace(directory / file.name)
    finally:
        shutil.rmtree(work)
    bitstream = out_dir / result.bitstream.name
    shutil.copyfile(directory / (NAME + SUFFIX[board.family]), bitstream)
    result = replace(result, bitstream=bitstream, seconds=seconds)
    keep_result(result, board.family, directory)
    return result


def read_result(old_dir: Path, board: Board) -> BuildResult:
    """What the build in ``old_dir`` came to. Raises UsageError: it did not end, or with other tools."""
    directory = old_dir / "build"
    text = TEXT_SUFFIX[board.family]
    needed = [RESULT, LOG, *(NAME + suffix for suffix in (".il", ".json", ROUTED, text))]
    missing = next((name for name in needed if not (directory / name).is_file()), None)
    if missing is not None:
        raise UsageError(f"{old_dir}: there is no build to reuse (build/{missing} is missing); {ADVICE}")
    facts = json.loads((directory / RESULT).read_text())
    made, have = facts.pop("tools"), tools.versions(board.family)
    for package in sorted(made.keys() | have.keys()):
        if made.get(package) != have.get(package):
            was, now = made.get(package, "no version"), have.get(package, "none")
            raise UsageError(f"{old_dir}: {package} {was} made the build there, here is {now}; {ADVICE}")
    facts["resources"] = {name: tuple(count) for name, count in facts["resources"].items()}
    if facts["critical_path"] is not None:
        facts["critical_path"] = CriticalPath.from_json(facts["critical_path"])
    return BuildResult(**facts | {"bitstream": old_dir / facts["bitstream"]})


def _check_design(old_dir: Path, rtlil: str) -> None:
    """Raise UsageError unless the design is that of ``old_dir`` but for memory contents."""
    if without_contents((old_dir / "build" / f"{NAME}.il").read_text()) != without_contents(rtlil):
        raise UsageError(
            f"{old_dir}: the design built there differs in more than what its memories hold (those made of "
            f"LUTs stay as they are); {ADVICE}"
        )


def _patch(old_dir: Path, family: str, cells: Mapping[str, MemoryCell], work: Path) -> None:
    """Write netlists and routed design of ``old_dir`` into ``work``, with the contents of ``cells``."""
    old, text = old_dir / "build", NAME + TEXT_SUFFIX[family]
    netlist = json.loads((old / f"{NAME}.json").read_text())
    routed = json.loads((old / (NAME + ROUTED)).read_text())
    placed = routed["modules"][NAME]["cells"]
    before = memory_cells(netlist["modules"][NAME])
    design = (old / text).read_text()
    was = sections(before, placed)
    if _shapes(before) != _shapes(cells) or read_sections(design, was) != was:
        raise UsageError(f"{old_dir}: the memories of the build there are divided in another way; {ADVICE}")
    (work / text).write_text(write_sections(design, sections(cells, placed)))
    for name, cell in cells.items():
        netlist["modules"][NAME]["cells"][name]["parameters"] |= cell.initial
        for part, initial in routed_cells(name, cell).items():
            placed[part]["parameters"] |= initial
    (work / f"{NAME}.json").write_text(json.dumps(netlist))
    (work / (NAME + ROUTED)).write_text(json.dumps(routed))


def _shapes(cells: Mapping[str, MemoryCell]) -> dict[str, tuple[str, Mapping[str, str], frozenset[str]]]:
    return {name: (cell.type, cell.shape, frozenset(cell.initial)) for name, cell in cells.items()}
