"""Amaranth to Verilog."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from amaranth.back import rtlil
from amaranth.hdl import Fragment, Value
from amaranth.hdl._ir import PortDirection
from amaranth.lib.wiring import Flow

from tfl2hw.codegen.yosys import run_yosys

_ATTRIBUTES = "-remove generator -remove top -remove src -remove amaranth.hierarchy -remove amaranth.decoding"

_READ_PORT = re.compile(
    r"""\\MEMID "\\\\(\S+)"$(?:\n    .*$)*?\n    parameter \\TRANSPARENCY_MASK \d+'(\w+)$""", re.M
)
_MEMORY = re.compile(r"^  memory .* \\(\S+)$", re.M)

_ZERO = re.compile(r"^    (\S+ ?)\[(\d+)\] = (\d+'[hd]0+);$")
_SHORT = 16

_SIGNED = re.compile(r"^( *wire\b.*) signed\b", re.MULTILINE)
"""A wire that is declared signed. Operators say themselves how they take their operands; and Yosys, reading
Verilog, takes up the module anew in the end where a bit of such a wire goes to a cell of the chip, and fails.
"""


SEPARATOR = "__"
"""Between a port's name and that of its member."""


def ports_of(component: Any, separator: str = SEPARATOR) -> dict[str, tuple[Value, PortDirection]]:
    """The ports of a ``wiring.Component`` by name: a member ``i.payload`` becomes ``i__payload``."""
    ports: dict[str, tuple[Value, PortDirection]] = {}
    for path, member, value in component.signature.flatten(component):
        direction = PortDirection.Input if member.flow == Flow.In else PortDirection.Output
        ports[separator.join(map(str, path))] = (Value.cast(value), direction)
    return ports


def to_rtlil(component: Any, name: str, separator: str = SEPARATOR) -> str:
    """RTLIL of a ``wiring.Component``; ports are those of ``ports_of``, ``clk`` and ``rst``."""
    ports = ports_of(component, separator)
    text, _ = rtlil.convert_fragment(Fragment.get(component, None), ports, name, emit_src=False)
    return str(text)


def to_verilog(component: Any, name: str, separator: str = SEPARATOR) -> str:
    """Verilog of a ``wiring.Component`` and all below it, as one text; ports as for ``to_rtlil``.

    Raises
    ------
    ToolError : Yosys is missing or failed.
    """
    return rtlil_to_verilog(to_rtlil(component, name, separator))


def rtlil_to_verilog(text: str) -> str:
    """Verilog of RTLIL; zeros that a memory starts with are written by loops instead of a line each."""
    with tempfile.TemporaryDirectory(prefix="tfl2hw-") as folder:
        directory = Path(folder)
        (directory / "design.il").write_text(_unchecked(_SIGNED.sub(r"\1", text)))
        commands = [
            "read_rtlil design.il", "proc -nomux -norom", "memory_collect",
            f"attrmap {_ATTRIBUTES}", f"attrmap -modattr {_ATTRIBUTES}",
            "write_verilog -norename design.v",
        ]  # fmt: skip
        run_yosys(commands, directory, "verilog.log")
        lines = (directory / "design.v").read_text().splitlines()
    return "\n".join([*_with_loops(lines), ""])


def _unchecked(text: str) -> str:
    """RTLIL whose memories say that no word is used that is read while it is written (``no_rw_check``).

    So it is, but for memories with transparent ports (see ``synthesis.COLLISIONS``). Without it Yosys puts
    registers behind each block RAM which keep the word of before, as Verilog says.
    """
    return "".join(map(_unchecked_module, re.split(r"(?m)^(?=module )", text)))


def _unchecked_module(text: str) -> str:
    transparent = {name for name, mask in _READ_PORT.findall(text) if "1" in mask}

    def marked(match: re.Match[str]) -> str:
        return match[0] if match[1] in transparent else f"  attribute \\no_rw_check 1\n{match[0]}"

    return _MEMORY.sub(marked, text)


def _with_loops(lines: Iterable[str]) -> Iterator[str]:
    """Replace runs of ``memory[n] = 0;``: a large memory would be most of the file."""
    for memory, group in groupby(lines, lambda line: (match := _ZERO.match(line)) and match.group(1)):
        run = list(group)
        first, last = _ZERO.match(run[0]), _ZERO.match(run[-1])
        if not memory or not first or not last or len(run) < _SHORT:
            yield from run
            continue
        start, stop = first.group(2), int(last.group(2)) + 1
        yield f"    begin : zeros_{re.sub(r'[^A-Za-z0-9_]', '_', memory.strip())}_{start}"
        yield "      integer n;"
        yield f"      for (n = {start}; n < {stop}; n = n + 1) {memory}[n] = {first.group(3)};"
        yield "    end"
