"""Where a memory cell's initial values stand in nextpnr's text form of a bitstream."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tfl2hw.codegen.memory_cells import MemoryCell
from tfl2hw.errors import ToolError

Section = tuple[str, str]
"""The header of a section of the file, and the beginning of its lines; "" stands for all lines."""

BLOCK_WORDS = 2048
"""Words of 9 bits in a block RAM of the ECP5, eight to a line of the file."""

_SITE = re.compile(r"X(\d+)/Y(\d+)/(?:SLICE)?(\w+)(?:\.(?:K|COMB)(\d))?")
Cells = Mapping[str, Mapping[str, Any]]


def routed_cells(cell: str, memory: MemoryCell) -> dict[str, dict[str, str]]:
    """What nextpnr makes of the memory: for each of its own cells the initial values, by parameter."""
    initial = dict(memory.initial)
    if memory.type == "TRELLIS_DPR16X4":
        bits = _bits(initial["INITVAL"])
        words = [
            [bits[4 * (15 - _swapped(place)) + 3 - bit] for place in range(15, -1, -1)] for bit in range(4)
        ]
        return {f"{cell}$DPRAM_COMB{bit}": {"INITVAL": "".join(word)} for bit, word in enumerate(words)}
    return {f"{cell}_RAM" if memory.type == "SB_RAM40_4K" else cell: initial}


def _swapped(address: int) -> int:
    """The read address's lowest bit is the LUT's highest input, and the other way round."""
    return address & 0b0110 | address >> 3 | (address & 1) << 3


def sections(cells: Mapping[str, MemoryCell], routed: Cells) -> dict[Section, list[str]]:
    """The lines of the file that carry initial values, by section.

    Parameters
    ----------
    cells : the memories, by their names in the netlist.
    routed : the cells of nextpnr's written netlist.

    Raises
    ------
    ToolError : a memory is not in ``routed``.
    """
    return {
        section: lines
        for name, memory in cells.items()
        for part, initial in routed_cells(name, memory).items()
        for section, lines in _sections(memory.type, _found(routed, part), initial)
    }


def _found(routed: Cells, name: str) -> Mapping[str, Any]:
    if name not in routed:
        raise ToolError(f"the memory {name} is not in the routed netlist")
    return routed[name]


def _sections(
    kind: str, cell: Mapping[str, Any], initial: Mapping[str, str]
) -> Iterator[tuple[Section, list[str]]]:
    site = _SITE.fullmatch(cell["attributes"]["NEXTPNR_BEL"])
    if site is None:
        raise ToolError(f"a memory stands at a place of unknown form: {cell['attributes']['NEXTPNR_BEL']}")
    column, row, slice_name, lut = site.groups()
    if kind == "SB_RAM40_4K":
        rows = [int(_bits(initial[f"INIT_{line:X}"]), 2) for line in range(16)]
        yield (f".ram_data {column} {row}", ""), [f"{value:064x}" for value in rows]
    elif kind == "DP16KD":
        number = int({**cell["parameters"], **cell["attributes"]}["WID"], 2)
        yield (f".bram_init {number}", ""), _block_lines(initial)
    else:
        prefix = f"word: SLICE{slice_name}.K{lut}.INIT "
        yield (f".tile R{row}C{column}:PLC2", prefix), [prefix + initial["INITVAL"]]


def _block_lines(initial: Mapping[str, str]) -> list[str]:
    """Each parameter has 16 words of 18 bits, two of the file's, 20 bits apart."""
    words = []
    for number in range(BLOCK_WORDS // 32):
        value = int(_bits(initial.get(f"INITVAL_{number:02X}", "0")), 2)
        for place in range(0, 320, 20):
            words += [value >> place & 0x1FF, value >> place + 9 & 0x1FF]
    return [" ".join(f"{word:03x}" for word in words[start : start + 8]) for start in range(0, len(words), 8)]


def _bits(text: str) -> str:
    return text.replace("x", "0")


def read_sections(text: str, wanted: Mapping[Section, list[str]]) -> dict[Section, list[str]]:
    """The lines of ``text`` in the sections of ``wanted``."""
    lines = text.split("\n")
    return {
        section: [lines[place].rstrip() for place in places] for section, places in _places(lines, wanted)
    }


def write_sections(text: str, wanted: Mapping[Section, list[str]]) -> str:
    """``text`` with the lines of ``wanted`` in place of its own."""
    lines = text.split("\n")
    for section, places in _places(lines, wanted):
        for place, line in zip(places, wanted[section], strict=True):
            lines[place] = line + lines[place][len(lines[place].rstrip()) :]
    return "\n".join(lines)


def _places(lines: list[str], wanted: Mapping[Section, list[str]]) -> Iterator[tuple[Section, list[int]]]:
    """The numbers of each section's lines, as many as ``wanted`` has at most."""
    headers = {section[0] for section in wanted}
    starts = {line.rstrip(): number for number, line in enumerate(lines) if line.rstrip() in headers}
    for section in wanted:
        header, prefix = section
        if header not in starts:
            raise ToolError(f"the routed design has no section {header}")
        places: list[int] = []
        for place in range(starts[header] + 1, len(lines)):
            if lines[place].startswith(".") or len(places) == len(wanted[section]):
                break
            if lines[place].startswith(prefix) and lines[place].strip():
                places.append(place)
        yield section, places
