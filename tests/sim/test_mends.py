"""What nextpnr's netlists leave unsaid, on netlists of a cell or two."""

from __future__ import annotations

from typing import Any

import pytest

from tfl2hw.errors import ToolError
from tfl2hw.sim.harness import FlashPins
from tfl2hw.sim.mends import mend
from tfl2hw.sim.netlist import find_pins


def cell(kind: str, inputs: dict[str, int | None], outputs: dict[str, int | None], **more: Any) -> Any:
    pins = inputs | outputs
    return {
        "type": kind,
        "parameters": more.get("parameters", {}),
        "attributes": more.get("attributes", {}),
        "port_directions": dict.fromkeys(inputs, "input") | dict.fromkeys(outputs, "output"),
        "connections": {pin: [] if net is None else [net] for pin, net in pins.items()},
    }


def mended(family: str, **cells: Any) -> Any:
    module = {"ports": {"p": {"direction": "input", "bits": [2]}}, "cells": cells}
    mend(module, family)
    return module["cells"]


def test_open_pins_get_what_the_chip_has_there() -> None:
    lut = cell("TRELLIS_COMB", {"A": 2, "D": None, "FCI": None}, {"F": 3})
    ram = cell("DP16KD", {"WEA": None, "DIA0": None}, {"DOA0": 4})
    cells = mended("ecp5", lut=lut, ram=ram)
    assert cells["lut"]["connections"] == {"A": [2], "D": ["1"], "FCI": ["x"], "F": [3]}
    assert cells["ram"]["connections"] == {"WEA": ["1"], "DIA0": ["1"], "DOA0": [4]}
    logic = cell("ICESTORM_LC", {"I0": None, "CEN": None, "SR": None, "CIN": None}, {"O": 3})
    dsp = cell("ICESTORM_DSP", {"CE": None, "OHOLDTOP": None}, {"O_0": 4})
    cells = mended("ice40", logic=logic, dsp=dsp)
    assert cells["logic"]["connections"] == {"I0": ["0"], "CEN": ["1"], "SR": ["0"], "CIN": ["x"], "O": [3]}
    assert cells["dsp"]["connections"] == {"CE": ["1"], "OHOLDTOP": ["0"], "O_0": [4]}


def test_parameters_tie_and_invert_pins() -> None:
    parameters = {"ADA0MUX": "0 ", "ADA1MUX": "1 ", "CEAMUX": "INV", "CSA0MUX": "INV", "WEAMUX": "WEA"}
    pins = {"ADA0": None, "ADA1": None, "CEA": 2, "CSA0": None, "WEA": 3}
    cells = mended("ecp5", ram=cell("DP16KD", pins, {}, parameters=dict(parameters)))
    connections = cells["ram"]["connections"]
    (inverter,) = (other for other in cells.values() if other["type"] == "INV")
    assert inverter["connections"] == {"A": [2], "Z": connections["CEA"]}
    assert connections["CEA"] not in ([2], [3])
    del connections["CEA"]
    assert connections == {"ADA0": ["0"], "ADA1": ["1"], "CSA0": ["0"], "WEA": [3]}
    assert not cells["ram"]["parameters"]
    with pytest.raises(ToolError, match="CEAMUX=OTHER at ram"):
        mended("ecp5", ram=cell("DP16KD", {"CEA": 2}, {}, parameters={"CEAMUX": "OTHER"}))


def test_the_second_multiplexer_is_known_by_its_inputs() -> None:
    first, second = (cell("TRELLIS_COMB", {"FXA": net}, {"OFX": 9}) for net in (None, 4))
    cells = mended("ecp5", first=first, second=second)
    assert [cells[name]["parameters"] for name in ("first", "second")] == [{}, {"IS_Z1": "1"}]


def test_the_pll_of_an_ice40_gets_its_pad_and_its_buffer() -> None:
    pll = cell(
        "ICESTORM_PLL",
        {"REFERENCECLK": None},
        {"PLLOUT_A_GLOBAL": None},
        attributes={"BEL_PAD_INPUT": "here"},
    )
    pad = cell("SB_IO", {"PACKAGE_PIN": 2}, {}, attributes={"NEXTPNR_BEL": "here"})
    other = cell("SB_IO", {"PACKAGE_PIN": 5}, {}, attributes={"NEXTPNR_BEL": "there"})
    buffer = cell("SB_GB", {"USER_SIGNAL_TO_GLOBAL_BUFFER": None}, {"GLOBAL_BUFFER_OUTPUT": 7})
    cells = mended("ice40", pll=pll, pad=pad, other=other, buffer=buffer)
    assert sorted(cells) == ["buffer", "other", "pll"]
    assert cells["pll"]["connections"]["REFERENCECLK"] == [2]
    net = cells["pll"]["connections"]["PLLOUT_A_GLOBAL"]
    assert cells["buffer"]["connections"]["USER_SIGNAL_TO_GLOBAL_BUFFER"] == net == [8]


def test_an_oscillator_gets_its_buffer() -> None:
    oscillator = cell("ICESTORM_HFOSC", {"CLKHFEN": 2}, {"CLKHF": None})
    buffer = cell("SB_GB", {"USER_SIGNAL_TO_GLOBAL_BUFFER": None}, {"GLOBAL_BUFFER_OUTPUT": 7})
    cells = mended("ice40", oscillator=oscillator, buffer=buffer)
    net = cells["oscillator"]["connections"]["CLKHF"]
    assert cells["buffer"]["connections"]["USER_SIGNAL_TO_GLOBAL_BUFFER"] == net == [8]


def test_what_is_not_understood_is_refused() -> None:
    pll = cell("ICESTORM_PLL", {"REFERENCECLK": None}, {"PLLOUT_A_GLOBAL": None})
    with pytest.raises(ToolError, match="does not say which pad drives the PLL pll"):
        mended("ice40", pll=pll)
    buffer = cell("SB_GB", {"USER_SIGNAL_TO_GLOBAL_BUFFER": None}, {"GLOBAL_BUFFER_OUTPUT": 7})
    with pytest.raises(ToolError, match="global buffers whose source is not known"):
        mended("ice40", buffer=buffer)


def test_pins_are_found_by_their_names() -> None:
    pins = find_pins(["uart_0__rx__io", "clk12_0__io", "uart_0__tx__io", "uart_0__rts__io"])
    assert (pins.clock, pins.rx, pins.tx) == ("clk12_0__io", "uart_0__rx__io", "uart_0__tx__io")
    assert find_pins(["uart_0__rx__io", "uart_0__tx__io"]).clock is None
    spi = {pin: f"spi_flash_1x_0__{pin}__io" for pin in ("cs", "clk", "copi", "cipo")}
    flash = find_pins(["uart_0__rx__io", "uart_0__tx__io", *spi.values()]).flash
    assert flash == FlashPins(cs=spi["cs"], sck=spi["clk"], copi=spi["copi"], cipo=spi["cipo"])
    for ports in (["clk12_0__io"], ["uart_0__rx__io", "uart_0__tx__io", "clk1_0__io", "clk2_0__io"]):
        with pytest.raises(ToolError, match="one UART and at most one clock"):
            find_pins(ports)
