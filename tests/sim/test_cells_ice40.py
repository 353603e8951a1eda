"""The models of iCE40 cells: nextpnr's against Yosys's, multiplier and memory against Python."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from tests.sim.cells import Fields, Instance, run_cells
from tests.sim.test_cells_ecp5 import agree, lint
from tfl2hw.codegen.yosys import yosys_share
from tfl2hw.sim.netlist import cell_models

LC = ("LUT_INIT", "NEG_CLK", "CARRY_ENABLE", "DFF_ENABLE", "SET_NORESET", "ASYNC_SR", "CIN_CONST", "CIN_SET")


def yosys_logic_cell() -> str:
    """Yosys's own model of ICESTORM_LC, under another name and without its defaults for open pins."""
    text = (yosys_share() / "ice40" / "cells_sim.v").read_text()
    found = re.search(r"^module ICESTORM_LC\b.*?^endmodule$", text, re.MULTILINE | re.DOTALL)
    assert found is not None
    tied = re.sub(r"\((\w+) === 1'bz\) \? 1'b[01] : \1", r"\1", found.group())
    return tied.replace("module ICESTORM_LC", "module YOSYS_LC") + "\n"


def logic_cell(generator: random.Random, flip_flop: int, asynchronous: int) -> Instance:
    chosen = {name: generator.getrandbits(1) for name in LC}
    chosen |= {"LUT_INIT": generator.getrandbits(16), "DFF_ENABLE": flip_flop, "ASYNC_SR": asynchronous}
    chosen |= {"NEG_CLK": 0, "CARRY_ENABLE": 1}
    parameters = ", ".join(f".{name}({value})" for name, value in chosen.items())
    cells = "".join(
        f"""
  {kind} #({parameters}) {{instance}}_{kind} (
    .I0({{x}}[0]), .I1({{x}}[1]), .I2({{x}}[2]), .I3({{x}}[3]), .CIN({{cin}}), .CLK(clk), .CEN({{cen}}),
    .SR({{sr}}), .LO({kind}_{{instance}}[0]), .O({kind}_{{instance}}[1]), .COUT({kind}_{{instance}}[2]));"""
        for kind in ("ICESTORM_LC", "YOSYS_LC")
    )
    text = f"""
  wire [2:0] ICESTORM_LC_{{instance}}, YOSYS_LC_{{instance}};{cells}
  assign {{difference}} = ICESTORM_LC_{{instance}} ^ YOSYS_LC_{{instance}};"""
    return agree(text, {"x": 4, "cin": 1, "cen": 1, "sr": 1}, 3)


def two_products() -> Instance:
    """A DSP as nextpnr writes it, in its dual 8x8 mode with registers before and behind the products."""
    pins = [f".{letter}_{n}({{{letter.lower()}}}[{n}])" for letter in "AB" for n in range(16)]
    pins += [f".O_{n}({{o}}[{n}])" for n in range(32)]
    pins += [f".{letter}_{n}(1'b0)" for letter in "CD" for n in range(16)]
    low = [f"{name}HOLD" for name in ("A", "B", "C", "D")] + ["CI", "ACCUMCI", "SIGNEXTIN"]
    low += [
        f"{name}{half}" for name in ("ORST", "IRST", "OLOAD", "ADDSUB", "OHOLD") for half in ("TOP", "BOT")
    ]
    pins += [f".{name}(1'b0)" for name in low] + [".CLK(clk), .CE({ce})"]
    parameters = "A_REG(1), .B_REG(1), .A_SIGNED(1), .B_SIGNED(1), .MODE_8x8(1), .TOP_8x8_MULT_REG(1), "
    parameters += ".BOT_8x8_MULT_REG(1), .TOPOUTPUT_SELECT(2), .BOTOUTPUT_SELECT(2)"
    state: dict[str, list[int]] = {}

    def model(given: Fields) -> Fields:
        factors = [
            byte - 256 if byte > 127 else byte
            for word in (given["a"], given["b"])
            for byte in (word & 255, word >> 8)
        ]
        if given["ce"]:
            if "factors" in state:
                low_a, high_a, low_b, high_b = state["factors"]
                state["products"] = [low_a * low_b & 0xFFFF, high_a * high_b & 0xFFFF]
            state["factors"] = factors
        return {"o": state["products"][0] | state["products"][1] << 16} if "products" in state else {}

    return Instance(
        text=f"  ICESTORM_DSP #(.{parameters}) {{instance}} ({', '.join(pins)});",
        inputs={"a": 16, "b": 16, "ce": 1},
        outputs={"o": 32},
        model=model,
    )


def single_port_ram() -> Instance:
    """An SPRAM as nextpnr writes it: reads and writes of nibbles, few addresses so that they meet."""
    pins = [f".ADDRESS_{n}({{address}}[{n % 6}])" for n in range(14)]
    pins += [f".DATAIN_{n}({{data}}[{n}]), .DATAOUT_{n}({{q}}[{n}])" for n in range(16)]
    pins += [f".MASKWREN_{n}({{mask}}[{n}])" for n in range(4)]
    pins += [".WREN({write}), .CHIPSELECT(1'b1), .CLOCK(clk), .STANDBY(1'b0), .SLEEP(1'b0), .POWEROFF(1'b1)"]
    memory: dict[int, dict[int, int]] = {}
    state: dict[str, int | None] = {"q": None}

    def model(given: Fields) -> Fields:
        word = memory.setdefault(given["address"], {})
        if given["write"]:
            word |= {n: given["data"] >> 4 * n & 15 for n in range(4) if given["mask"] >> n & 1}
            state["q"] = None
        else:
            state["q"] = sum(word[n] << 4 * n for n in range(4)) if len(word) == 4 else None
        return {name: value for name, value in state.items() if value is not None}

    return Instance(
        text=f"  ICESTORM_SPRAM {{instance}} ({', '.join(pins)});",
        inputs={"address": 6, "data": 16, "mask": 4, "write": 1},
        outputs={"q": 16},
        model=model,
    )


def test_every_model_computes_what_its_description_says(tmp_path: Path) -> None:
    generator = random.Random(4)
    cells = [logic_cell(generator, flip_flop, asynchronous) for flip_flop, asynchronous in
             ((0, 0), (1, 0), (1, 1), (1, 0), (1, 1), (0, 0))]  # fmt: skip
    library = cell_models("ice40") + yosys_logic_cell()
    run_cells(library, {}, [*cells, two_products(), single_port_ram()], 2000, tmp_path)


@pytest.mark.parametrize(
    ("cell", "complaint"),
    [
        ("SB_IO #(.PIN_TYPE(6'b000000))", "only plain inputs"),
        ("SB_IO #(.PIN_TYPE(6'b010001))", "only plain outputs"),
        ('SB_PLL40_PAD #(.FEEDBACK_PATH("DELAY"))', "only simple feedback"),
        ("ICESTORM_PLL #(.FEEDBACK_PATH(0))", "only simple feedback"),
        ("SB_I3C", "Cannot find.*SB_I3C"),
    ],
)
def test_what_is_not_modelled_is_refused(tmp_path: Path, cell: str, complaint: str) -> None:
    lint(tmp_path, "ice40", cell, complaint)
