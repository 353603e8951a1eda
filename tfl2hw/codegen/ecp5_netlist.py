"""What Yosys leaves undone on ECP5: output registers of block RAMs, and places for multipliers."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

Cells = dict[str, dict[str, Any]]

X36 = 36
"""Data width in which a block RAM's output register is not used."""

_COLUMN = re.compile(r"array\.column(\d+)\.multiplier\.")
_REQUANTIZER = re.compile(r"array\.requantizer(\d+)\.multiplier\.")


def finish_netlist(path: Path, top: str, dsp_rows: Sequence[Sequence[str]]) -> None:
    """Rewrite Yosys' JSON netlist ``path``: output registers merged, multipliers of ``top`` placed.

    Parameters
    ----------
    dsp_rows : the chip's multiplier sites, row by row (see ``boards.Chip``); none known if empty.
    """
    netlist = json.loads(path.read_text())
    module = netlist["modules"][top]
    merge_output_registers(module)
    pin_multipliers(module["cells"], dsp_rows)
    path.write_text(json.dumps({**netlist, "modules": {top: module}}))


def merge_output_registers(module: Mapping[str, Any]) -> int:
    """Move the flip-flops behind block RAMs into the RAMs' own output registers; how many were moved.

    That shortens clock to output from 5.8 ns to 1 ns. A port's register is used only where each of
    its outputs goes to one flip-flop and nowhere else, all on the port's clock, with the same enable or
    none, without reset, and where the memory itself is read in every cycle.
    """
    cells: Cells = module["cells"]
    readers = _readers(module)
    moved: list[str] = []
    for ram in [cell for cell in cells.values() if cell["type"] == "DP16KD"]:
        for side in "AB":
            flip_flops = _registers_behind(ram, side, cells, readers)
            if flip_flops:
                _take(ram, side, {port: cells[name] for port, name in flip_flops.items()})
            moved += flip_flops.values()
    for name in moved:
        del cells[name]
    return len(moved)


def _readers(module: Mapping[str, Any]) -> Mapping[Any, list[tuple[str, str]]]:
    """Net to the (cell, port) pairs that read it; the module's own ports count with an empty cell name."""
    readers: dict[Any, list[tuple[str, str]]] = defaultdict(list)
    for name, cell in module["cells"].items():
        for port, nets in cell["connections"].items():
            if cell["port_directions"].get(port) != "output":
                for net in nets:
                    readers[net].append((name, port))
    for port, value in module["ports"].items():
        for net in value["bits"]:
            readers[net].append(("", port))
    return readers


def _take(ram: dict[str, Any], side: str, flip_flops: Mapping[str, dict[str, Any]]) -> None:
    """Let the port's register stand for the flip-flops, by the output port of each."""
    nets, parameters = ram["connections"], ram["parameters"]
    for port, flip_flop in flip_flops.items():
        nets[port] = flip_flop["connections"]["Q"]
    parameters[f"REGMODE_{side}"] = "OUTREG"
    inverted, enable = _enable(next(iter(flip_flops.values())))
    nets[f"OCE{side}"] = enable
    if inverted:
        parameters[f"OCE{side}MUX"] = "INV"


def _enable(flip_flop: Mapping[str, Any]) -> tuple[bool, list[Any]]:
    """Whether the clock enable is inverted, and its net; a constant 1 where there is none."""
    mux = flip_flop["parameters"]["CEMUX"].strip()
    return (False, ["1"]) if mux == "1" else (mux == "INV", flip_flop["connections"]["CE"])


def _registers_behind(
    ram: dict[str, Any], side: str, cells: Cells, readers: Mapping[Any, list[tuple[str, str]]]
) -> dict[str, str]:
    """Output port to the flip-flop behind it; empty where the port's register cannot stand for them."""
    nets, parameters = ram["connections"], ram["parameters"]
    steady = nets[f"CE{side}"] == nets[f"OCE{side}"] == ["1"] and nets[f"RST{side}"] == ["0"]
    if not steady or int(parameters[f"DATA_WIDTH_{side}"], 2) == X36:
        return {}
    found = {}
    for port in (port for port in nets if re.fullmatch(rf"DO{side}\d+", port)):
        sinks = [sink for net in nets[port] if isinstance(net, int) for sink in readers.get(net, [])]
        if not sinks:
            continue
        (name, sink), *others = sinks
        if others or sink != "DI" or not _is_plain(cells[name], nets[f"CLK{side}"]):
            return {}
        found[port] = name
    enables = [_enable(cells[name]) for name in found.values()]
    return found if all(enable == enables[0] for enable in enables) else {}


def _is_plain(cell: Mapping[str, Any], clock: object) -> bool:
    """Whether the cell is a flip-flop on the clock's rising edge, starting as 0, without reset."""
    nets, parameters = cell["connections"], cell["parameters"]
    return bool(
        cell["type"] == "TRELLIS_FF"
        and nets["CLK"] == clock
        and parameters["CLKMUX"] == "CLK"
        and nets.get("LSR", ["0"]) == ["0"]
        and parameters["LSRMUX"] == "LSR"
        and parameters["REGSET"] == "RESET"
    )


def pin_multipliers(cells: Cells, rows: Sequence[Sequence[str]]) -> int:
    """Give every MULT18X18D of the array a site (``BEL``); how many got one: all of them or none.

    Columns go along the rows of sites and back, as tokens do, none across the end of a row; what is left
    beside them takes the requantizers. Nothing is placed where the sites are unknown or too few.
    """
    columns = _by_number(cells, _COLUMN)
    requantizers = [name for names in _by_number(cells, _REQUANTIZER) for name in names]
    chosen: dict[str, str] = {}
    spare: list[str] = []
    for number, row in enumerate(rows):
        free = list(row if number % 2 == 0 else reversed(row))
        while columns and len(columns[0]) <= len(free):
            names = columns.pop(0)
            chosen |= zip(names, free, strict=False)
            free = free[len(names) :]
        spare += free
    if columns or len(requantizers) > len(spare):
        return 0
    chosen |= zip(requantizers, spare, strict=False)
    for name, site in chosen.items():
        cells[name]["attributes"]["BEL"] = site
    return len(chosen)


def _by_number(cells: Cells, pattern: re.Pattern[str]) -> list[list[str]]:
    """Names of the multipliers that match, grouped by the number in the pattern, in order."""
    groups: dict[int, list[str]] = defaultdict(list)
    for name, cell in cells.items():
        found = pattern.search(name) if cell["type"] == "MULT18X18D" else None
        if found:
            groups[int(found.group(1))].append(name)
    return [sorted(groups[number], key=_natural) for number in sorted(groups)]


def _natural(name: str) -> list[tuple[int, str]]:
    """Sorts lane2 before lane10."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]
