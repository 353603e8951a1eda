"""Estimated against synthesised resources.

``python bench/estimates.py MODEL:BOARD[:LANESxCOLUMNS]... [-o DIR] [--json]``

Each design is elaborated and synthesised (half a minute to minutes) and its cells are counted as place and
route will need them; the estimates are what the search for a shape goes by. Exits with 1 where DSPs or block
RAMs differ, or logic cells or flip-flops by more than a tenth. Netlists are kept in DIR (default
``build/estimates``).
"""

from __future__ import annotations

import json as json_format
import re
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from tfl2hw.cli.options import Json
from tfl2hw.cli.terminal import print_json, print_table, progress
from tfl2hw.codegen import compile_model
from tfl2hw.codegen.bitstream import NAME, elaborate, pll_for
from tfl2hw.codegen.estimate import Resources, estimate
from tfl2hw.codegen.synthesis import synthesise
from tfl2hw.codegen.write import board_config
from tfl2hw.errors import Tfl2hwError, UsageError
from tfl2hw.rtl_templates.core import Core

TOLERANCE = 0.1
_DESIGN = re.compile(r"(?P<model>.+\.tflite):(?P<board>[\w-]+)(?::(?P<lanes>\d+)x(?P<columns>\d+))?")
_LUTS = {"LUT4": 1, "CCU2C": 2, "TRELLIS_DPR16X4": 6, "SB_LUT4": 1}
"""Logic cells of each kind of netlist cell."""
_CHAIN_CELLS = 4
"""Logic cells with which nextpnr begins and ends a carry chain of an ECP5."""
_DSPS = ("MULT18X18D", "SB_MAC16")
_RAMS = ("DP16KD", "PDPW16KD", "SB_RAM40_4K")


@dataclass(frozen=True, kw_only=True)
class Row:
    """One design."""

    model: str
    board: str
    shape: str
    estimated: Resources
    synthesised: Resources

    @property
    def good(self) -> bool:
        """Whether the estimate holds what it promises."""
        one, other = self.estimated, self.synthesised
        exact = (one.dsps, one.block_rams) == (other.dsps, other.block_rams)
        return exact and all(abs(share) <= TOLERANCE for share in self.errors())

    def errors(self) -> tuple[float, float]:
        """How far the estimates of logic cells and flip-flops are off."""
        one, other = self.estimated, self.synthesised
        return one.luts / other.luts - 1, one.flip_flops / other.flip_flops - 1


def measure(design: str, out: Path) -> Row:
    """The row of ``design``. Raises UsageError, and what compiler and tools raise."""
    match = _DESIGN.fullmatch(design)
    if match is None:
        raise UsageError(f"{design!r}: a design is MODEL.tflite:BOARD or MODEL.tflite:BOARD:LANESxCOLUMNS")
    shape = (int(match["lanes"]), int(match["columns"])) if match["lanes"] else (None, None)
    compiled = compile_model(Path(match["model"]), match["board"], "litert-ref", *shape)
    config, board = board_config(compiled), compiled.board
    named = f"{config.lanes}x{config.columns}, Q = {config.requantizers}"
    with progress(f"{compiled.file.stem} on {board.name}") as tell:
        directory = out / f"{compiled.file.stem}-{board.name}-{config.lanes}x{config.columns}"
        directory.mkdir(parents=True, exist_ok=True)
        elaborate(Core(config, compiled.core_image), board, pll_for(board), directory)
        synthesise(NAME, board, directory, tell)
    netlist = json_format.loads((directory / f"{NAME}.json").read_text())
    return Row(
        model=compiled.file.stem,
        board=board.name,
        shape=named,
        estimated=estimate(config, board.family),
        synthesised=counted(netlist["modules"]["top"]["cells"], board.family),
    )


def counted(cells: dict[str, Any], family: str) -> Resources:
    """What a netlist's cells take on the chip."""
    kinds = Counter(cell["type"] for cell in cells.values())
    registers = sum(number for kind, number in kinds.items() if "FF" in kind)
    luts = sum(_LUTS.get(kind, 0) * number for kind, number in kinds.items())
    if family == "ice40":
        luts += registers - _packed(cells)
    chains = (cell["connections"]["CIN"] for cell in cells.values() if cell["type"] == "CCU2C")
    luts += _CHAIN_CELLS * sum(not isinstance(carry[0], int) for carry in chains)
    return Resources(
        luts=luts,
        flip_flops=registers,
        dsps=sum(kinds[kind] for kind in _DSPS),
        block_rams=sum(kinds[kind] for kind in _RAMS),
    )


def _packed(cells: dict[str, Any]) -> int:
    """Flip-flops of an iCE40 that share a logic cell with the LUT before them, which drives nothing else."""
    uses: Counter[int] = Counter()
    outputs = set()
    for cell in cells.values():
        for port, bits in cell["connections"].items():
            if cell["port_directions"].get(port) == "input":
                uses.update(bit for bit in bits if isinstance(bit, int))
        if cell["type"] == "SB_LUT4":
            outputs.update(cell["connections"]["O"])
    data = [cell["connections"]["D"][0] for cell in cells.values() if "SB_DFF" in cell["type"]]
    return sum(bit in outputs and uses[bit] == 1 for bit in data)


def main(
    designs: Annotated[list[str], typer.Argument(metavar="MODEL:BOARD[:CxK]...", show_default=False)],
    out: Annotated[Path, typer.Option("-o", "--output", metavar="DIR")] = Path("build/estimates"),
    json: Json = False,
) -> None:
    """Synthesise designs and compare with the estimates."""
    try:
        rows = [measure(design, out) for design in designs]
    except Tfl2hwError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(error.exit_code) from None
    if json:
        print_json({"rows": [asdict(row) for row in rows]})
    else:
        _print(rows)
    raise typer.Exit(0 if all(row.good for row in rows) else 1)


def _print(rows: list[Row]) -> None:
    kinds = (("luts", "LUT"), ("flip_flops", "FF"), ("dsps", "DSP"), ("block_rams", "block RAM"))
    header = ["model", "board", "array", *(f"{title}, estimated / synthesised" for _, title in kinds), "good"]
    cells = [
        [
            row.model,
            row.board,
            row.shape,
            *(f"{getattr(row.estimated, key):,} / {getattr(row.synthesised, key):,}" for key, _ in kinds),
            "yes" if row.good else "NO",
        ]
        for row in rows
    ]
    print_table("Resources", header, cells, "   rrrr ")


if __name__ == "__main__":
    typer.run(main)
