"""Amaranth to Verilog."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from amaranth.back import rtlil
from amaranth.hdl import Fragment, Value
from amaranth.hdl._ir import PortDirection
from amaranth.lib.wiring import Flow

from tfl2hw.codegen.yosys import run_yosys

_ATTRIBUTES = "attrmap -remove generator -remove top -remove src -remove amaranth.hierarchy -remove amaranth.decoding"


def to_rtlil(component: Any, name: str) -> str:
    """RTLIL of a ``wiring.Component``; ports are its signature's, ``clk`` and ``rst``.

    A member ``i.payload`` becomes the port ``i__payload``.
    """
    ports: dict[str, tuple[Value, PortDirection]] = {}
    for path, member, value in component.signature.flatten(component):
        direction = PortDirection.Input if member.flow == Flow.In else PortDirection.Output
        ports["__".join(map(str, path))] = (Value.cast(value), direction)
    text, _ = rtlil.convert_fragment(Fragment.get(component, None), ports, name, emit_src=False)
    return str(text)


def to_verilog(component: Any, name: str) -> str:
    """Verilog of a ``wiring.Component`` and all below it, as one text.

    Raises
    ------
    ToolError : Yosys is missing or failed.
    """
    return rtlil_to_verilog(to_rtlil(component, name))


def rtlil_to_verilog(text: str) -> str:
    """Verilog of RTLIL. Memories that start as all zeros lose their (long) initial values."""
    with tempfile.TemporaryDirectory(prefix="tfl2hw-") as folder:
        directory = Path(folder)
        (directory / "design.il").write_text(text)
        commands = [
            "read_rtlil design.il", "proc -nomux -norom", "memory_collect",
            _ATTRIBUTES, _ATTRIBUTES.replace("attrmap", "attrmap -modattr"),
            "write_verilog -norename design.v",
        ]  # fmt: skip
        run_yosys(commands, directory, "verilog.log")
        return (directory / "design.v").read_text()
