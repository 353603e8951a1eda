"""What nextpnr's netlist leaves unsaid, written down: open and inverted pins, wires that are the chip's own.

A netlist here is the JSON object of one flat module whose pins are single bits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import count
from typing import Any

from tfl2hw.errors import ToolError

Module = dict[str, Any]

OPEN_ECP5: Mapping[str, Mapping[str, str]] = {
    "TRELLIS_COMB": {"A": "1", "B": "1", "C": "1", "D": "1", "M": "1", "WRE": "1"},
    "TRELLIS_FF": {"CE": "1", "LSR": "0"},
    "TRELLIS_RAMW": {},
    "TRELLIS_IO": {"T": "0"},
    "DCCA": {"CE": "1"},
    "EHXPLLL": {},
}
"""For each cell with pins that may be open, what is there; "x" at pins not named here.

General routing floats at 1; T and LSR are inputs whose multiplexer is off.
"""

OPEN_ICE40: Mapping[str, Mapping[str, str]] = {
    "ICESTORM_LC": {"I0": "0", "I1": "0", "I2": "0", "I3": "0", "SR": "0", "CEN": "1"},
    "ICESTORM_PLL": {},
    "SB_IO": {},
}
CLOCK_OUTPUTS: Mapping[str, str] = {"ICESTORM_PLL": "PLLOUT_A_GLOBAL", "ICESTORM_HFOSC": "CLKHF"}
"""Outputs with a wire of their own to a global buffer."""

ICE40_HIGH = frozenset({"CE", "RCLKE", "WCLKE"})
"""Open pins of the iCE40 are 0, clock enables 1."""


def mend(module: Module, family: str) -> None:
    """Change the routed netlist of a chip of ``family`` into one that the cells' models understand.

    Raises
    ------
    ToolError : it has something that is not understood.
    """
    fresh = _fresh_nets(module)
    if family == "ice40":
        _pll_pad(module)
        _global_inputs(module, fresh)
        _tie_ice40(module)
    else:
        _select_multiplexers(module)
        _settle_inversions(module, fresh)
        _tie(module, lambda kind, pin: OPEN_ECP5.get(kind, {}).get(pin, "x" if kind in OPEN_ECP5 else "1"))


def mend_synthesised(module: Module, family: str) -> None:
    """The same for a netlist that has not been routed: pins that a cell inverts itself. Raises ToolError."""
    if family == "ecp5":
        _settle_inversions(module, _fresh_nets(module))


def _cells(module: Module, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, cell in list(module["cells"].items()):
        if cell["type"] == kind:
            yield name, cell


def _tie(module: Module, value: Callable[[str, str], str]) -> None:
    """Put ``value(type, pin)`` at every open input."""
    for cell in module["cells"].values():
        for pin, direction in cell["port_directions"].items():
            if direction == "input" and not cell["connections"].get(pin):
                cell["connections"][pin] = [value(cell["type"], pin)]


def _tie_ice40(module: Module) -> None:
    def value(kind: str, pin: str) -> str:
        if kind in OPEN_ICE40:
            return OPEN_ICE40[kind].get(pin, "x")
        return "1" if pin in ICE40_HIGH else "0"

    _tie(module, value)


def _pll_pad(module: Module) -> None:
    """The wire from a pad to the PLL beside it: nextpnr knows it by their places alone."""
    for name, pll in _cells(module, "ICESTORM_PLL"):
        if pll["connections"]["REFERENCECLK"]:
            continue
        place = pll["attributes"].get("BEL_PAD_INPUT")
        pads = [
            (other, pad)
            for other, pad in _cells(module, "SB_IO")
            if place is not None and pad["attributes"].get("NEXTPNR_BEL") == place
        ]
        if len(pads) != 1:
            raise ToolError(f"the routed netlist does not say which pad drives the PLL {name}")
        pad_name, pad = pads[0]
        pll["connections"]["REFERENCECLK"] = pad["connections"]["PACKAGE_PIN"]
        del module["cells"][pad_name]


def _global_inputs(module: Module, fresh: Iterator[int]) -> None:
    """The wire from PLL or oscillator to the global buffer that is its own: nextpnr cuts it at both ends."""
    buffers = [
        buffer["connections"]
        for _, buffer in _cells(module, "SB_GB")
        if not buffer["connections"]["USER_SIGNAL_TO_GLOBAL_BUFFER"]
    ]
    sources = [
        (source["connections"], pin)
        for kind, pin in CLOCK_OUTPUTS.items()
        for _, source in _cells(module, kind)
        if not source["connections"].get(pin)
    ]
    if not buffers:
        return
    if len(buffers) != 1 or len(sources) != 1:
        raise ToolError("the routed netlist has global buffers whose source is not known")
    (source, pin), net = sources[0], [next(fresh)]
    source[pin] = net
    buffers[0]["USER_SIGNAL_TO_GLOBAL_BUFFER"] = net


def _select_multiplexers(module: Module) -> None:
    """A TRELLIS_COMB selects between the muxes before it where those are connected."""
    for _, cell in _cells(module, "TRELLIS_COMB"):
        if cell["connections"].get("FXA") or cell["connections"].get("FXB"):
            cell["parameters"]["IS_Z1"] = "1"


def _settle_inversions(module: Module, fresh: Iterator[int]) -> None:
    """Parameters such as CEAMUX of block RAMs and DSPs: a constant, or an inverter in front of the pin."""
    for kind in ("DP16KD", "MULT18X18D"):
        for name, cell in _cells(module, kind):
            for parameter in [key for key in cell["parameters"] if key.endswith("MUX")]:
                pin, choice = parameter.removesuffix("MUX"), cell["parameters"].pop(parameter).strip()
                if choice == pin:
                    continue
                if choice in ("0", "1"):
                    cell["connections"][pin] = [choice]
                elif choice == "INV":
                    cell["connections"][pin] = _inverted(module, fresh, cell["connections"].get(pin))
                else:
                    raise ToolError(f"the routed netlist has {parameter}={choice} at {name}")


def _inverted(module: Module, fresh: Iterator[int], bits: list[Any] | None) -> list[Any]:
    """The inverse of a pin's net; an open one floats at 1."""
    if not bits:
        return ["0"]
    net = next(fresh)
    module["cells"][f"$inverter${net}"] = {
        "hide_name": 1,
        "type": "INV",
        "parameters": {},
        "attributes": {},
        "port_directions": {"A": "input", "Z": "output"},
        "connections": {"A": bits, "Z": [net]},
    }
    return [net]


def _fresh_nets(module: Module) -> Iterator[int]:
    """Numbers of nets that nothing is connected to."""
    used = [bit for cell in module["cells"].values() for pin in cell["connections"].values() for bit in pin]
    used += [bit for port in module["ports"].values() for bit in port["bits"]]
    return count(1 + max(bit for bit in used if isinstance(bit, int)))
