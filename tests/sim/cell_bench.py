"""Runs inside the simulator: puts a vector on the bench's inputs each cycle and keeps its outputs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import Timer

from tfl2hw.sim.simulate import parameters


@cocotb.test()
async def vectors(dut: Any) -> None:
    given = parameters()
    seen = []
    dut.clk.value = 0
    for vector in given["vectors"]:
        dut.inputs.value = vector
        await Timer(1, unit="ns")
        dut.clk.value = 1
        await Timer(1, unit="ns")
        seen.append(int(dut.outputs.value))
        dut.clk.value = 0
        await Timer(1, unit="ns")
    Path(given["results"]).write_text(json.dumps(seen))
