"""Output registers are merged only where nothing changes; multipliers get sites that exist, once each."""

import json
from pathlib import Path
from typing import Any

import pytest

from tfl2hw import boards
from tfl2hw.codegen.ecp5_netlist import finish_netlist, merge_output_registers, pin_multipliers

CLOCK, OTHER, CONTROL = 1, 2, 3


def ram(outputs: list[int], width: int = 18, **changes: Any) -> dict[str, Any]:
    """A block RAM whose port B is read."""
    nets: dict[str, Any] = {f"DOB{n}": [net] for n, net in enumerate(outputs)}
    nets |= {"DOA0": [90], "CLKA": [CLOCK], "CLKB": [CLOCK], "CEA": ["1"], "CEB": ["1"], "OCEA": ["0"]}
    nets |= {"OCEB": ["1"], "RSTA": ["0"], "RSTB": ["0"], **changes}
    return {
        "type": "DP16KD",
        "parameters": {
            "DATA_WIDTH_A": f"{width:032b}", "DATA_WIDTH_B": f"{width:032b}",
            "REGMODE_A": "NOREG", "REGMODE_B": "NOREG",
        },
        "connections": nets,
        "port_directions": {port: "output" if port.startswith("DO") else "input" for port in nets},
        "attributes": {},
    }  # fmt: skip


def flip_flop(data: int, output: int, connections: Any = (), **parameters: str) -> dict[str, Any]:
    nets = {"CLK": [CLOCK], "DI": [data], "LSR": ["0"], "Q": [output], **dict(connections)}
    plain = {"CEMUX": "1 ", "CLKMUX": "CLK", "LSRMUX": "LSR", "REGSET": "RESET", "GSR": "DISABLED"}
    return {
        "type": "TRELLIS_FF",
        "parameters": plain | parameters,
        "connections": nets,
        "port_directions": {port: "output" if port == "Q" else "input" for port in nets},
        "attributes": {},
    }


def module(cells: dict[str, Any], ports: dict[str, list[int]] | None = None) -> dict[str, Any]:
    return {
        "cells": cells,
        "ports": {name: {"direction": "output", "bits": bits} for name, bits in (ports or {}).items()},
    }


def test_registers_behind_a_ram_become_its_own() -> None:
    cells = {"ram": ram([10, 11]), "a": flip_flop(10, 20), "b": flip_flop(11, 21), "c": flip_flop(20, 30)}
    assert merge_output_registers(module(cells)) == 2
    assert set(cells) == {"ram", "c"}
    assert cells["ram"]["parameters"]["REGMODE_B"] == "OUTREG"
    assert cells["ram"]["parameters"]["REGMODE_A"] == "NOREG"
    assert (cells["ram"]["connections"]["DOB0"], cells["ram"]["connections"]["DOB1"]) == ([20], [21])


@pytest.mark.parametrize("mux", ["CE", "INV"])
def test_a_common_enable_becomes_the_registers(mux: str) -> None:
    cells = {"ram": ram([10, 11])}
    cells |= {
        name: flip_flop(10 + n, 20 + n, {"CE": [CONTROL]}, CEMUX=mux) for n, name in enumerate(("a", "b"))
    }
    assert merge_output_registers(module(cells)) == 2
    assert cells["ram"]["connections"]["OCEB"] == [CONTROL]
    assert cells["ram"]["parameters"].get("OCEBMUX", "CE") == mux


def lut(data: int) -> dict[str, Any]:
    return {
        "type": "LUT4", "parameters": {}, "connections": {"A": [data], "Z": [99]},
        "port_directions": {"A": "input", "Z": "output"}, "attributes": {},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "ports"),
    [
        ({"b": flip_flop(11, 21, {"CE": [CONTROL]}, CEMUX="CE")}, {}),
        ({"b": flip_flop(11, 21, {"CE": [CONTROL]}, CEMUX="INV")}, {}),
        ({"b": flip_flop(11, 21, {"LSR": [CONTROL]})}, {}),
        ({"b": flip_flop(11, 21, REGSET="SET")}, {}),
        ({"b": flip_flop(11, 21, {"CLK": [OTHER]})}, {}),
        ({"b": flip_flop(11, 21, CLKMUX="INV")}, {}),
        ({n: flip_flop(d, 20, {"CE": [c]}, CEMUX="CE") for n, d, c in (("a", 10, 3), ("b", 11, 4))}, {}),
        ({"b": flip_flop(40, 21, {"CE": [11]}, CEMUX="CE")}, {}),
        ({"b": lut(11)}, {}),
        ({"second": flip_flop(11, 22)}, {}),
        ({"lut": lut(11)}, {}),
        ({}, {"o": [11]}),
        ({"ram": ram([10, 11], CEB=[CONTROL])}, {}),
        ({"ram": ram([10, 11], OCEB=["0"])}, {}),
        ({"ram": ram([10, 11], RSTB=[CONTROL])}, {}),
        ({"ram": ram([10, 11], width=36)}, {}),
    ],
)
def test_no_register_is_merged_that_differs_from_the_rams(
    changed: dict[str, Any], ports: dict[str, list[int]]
) -> None:
    cells = {"ram": ram([10, 11]), "a": flip_flop(10, 20), "b": flip_flop(11, 21)} | changed
    before = json.dumps(cells)
    assert merge_output_registers(module(cells, ports)) == 0
    assert json.dumps(cells) == before


def test_outputs_that_nobody_reads_are_no_hindrance() -> None:
    cells = {"ram": ram([10, 11, 12]), "a": flip_flop(10, 20)}
    assert merge_output_registers(module(cells)) == 1


def multipliers(lanes: int, columns: int, each: int, requantizers: int) -> dict[str, Any]:
    names = [f"top.core.array.column{c}.multiplier.lane{n}" for c in range(columns) for n in range(lanes)]
    names += [
        f"top.core.array.requantizer{q}.multiplier.{part}"
        for q in range(requantizers)
        for part in ("low", "middle")[:each]
    ]
    return {name: {"type": "MULT18X18D", "attributes": {}} for name in sorted(names)}


@pytest.mark.parametrize(
    ("board", "lanes", "columns", "each", "requantizers"),
    [
        ("ulx3s-45f", 8, 8, 1, 8),
        ("ulx3s-45f", 8, 8, 2, 4),
        ("ulx3s-85f", 16, 8, 2, 8),
        ("ulx3s-85f", 8, 8, 2, 8),
    ],
)
def test_every_multiplier_gets_a_site(
    board: str, lanes: int, columns: int, each: int, requantizers: int
) -> None:
    chip = boards.get(board).chip
    assert chip is not None
    sites = [site for row in chip.dsp_rows for site in row]
    assert len(sites) == len(set(sites)) == chip.dsps
    cells = multipliers(lanes, columns, each, requantizers)
    assert pin_multipliers(cells, chip.dsp_rows) == len(cells)
    taken = [cell["attributes"]["BEL"] for cell in cells.values()]
    assert len(set(taken)) == len(taken)
    assert set(taken) <= set(sites)
    for column in range(columns):
        mine = [cells[f"top.core.array.column{column}.multiplier.lane{n}"] for n in range(lanes)]
        assert len({cell["attributes"]["BEL"].split("/")[1] for cell in mine}) == 1  # in one row


@pytest.mark.parametrize(("columns", "requantizers", "rows"), [(8, 9, 2), (9, 0, 2), (8, 8, 0)])
def test_no_site_is_given_where_they_are_unknown_or_too_few(
    columns: int, requantizers: int, rows: int
) -> None:
    chip = boards.get("ulx3s-45f").chip
    assert chip is not None
    cells = multipliers(8, columns, 1, requantizers)
    assert pin_multipliers(cells, chip.dsp_rows[:rows]) == 0
    assert not any(cell["attributes"] for cell in cells.values())


def test_the_file_is_rewritten(tmp_path: Path) -> None:
    path = tmp_path / "top.json"
    cells = {"ram": ram([10]), "a": flip_flop(10, 20)}
    path.write_text(json.dumps({"creator": "yosys", "modules": {"top": module(cells), "DP16KD": {}}}))
    finish_netlist(path, "top", ())
    netlist = json.loads(path.read_text())
    assert netlist["creator"] == "yosys"
    assert list(netlist["modules"]["top"]["cells"]) == ["ram"]
