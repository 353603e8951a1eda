"""The slowest path of a routed design, from nextpnr's report, by the units that it goes through."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

TOP, CORE = "top", "core"
"""Names of the board's top's parts in the netlist: the core with its UART, and the core."""

_CELL = re.compile(r"_(?:SB|TRELLIS|LUT4|PFUMX|L6MUX21|CCU2C|MULT18X18D|DP16KD|DPR16X4|ALU54B)_?.*$|\$.*$")
"""What Yosys and nextpnr put behind the name of the signal for which they made a cell."""

_TIME = {"clk-to-q": "logic", "source": "logic", "logic": "logic", "setup": "logic", "routing": "wires"}
_CARRIES = ("CIN", "COUT", "CI", "CO", "FCI", "FCO")


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """A part of a path: the cells of one signal of one unit.

    ``unit`` is its place in the hierarchy, from the core on ("array.column0.tree"), with the signal's name as
    its last part. ``logic_ns`` is spent in ``cells`` cells, of which ``carries`` hand on a carry;
    ``wires_ns`` on the way to and between them.
    """

    unit: str
    cells: int
    carries: int
    logic_ns: float
    wires_ns: float


@dataclass(frozen=True, kw_only=True)
class CriticalPath:
    """From one register to another: the path that limits the clock, in ``stretches``."""

    stretches: tuple[Stretch, ...]

    @property
    def logic_ns(self) -> float:
        """Nanoseconds in cells, set-up included."""
        return sum(each.logic_ns for each in self.stretches)

    @property
    def wires_ns(self) -> float:
        """Nanoseconds between cells."""
        return sum(each.wires_ns for each in self.stretches)

    @classmethod
    def from_json(cls, facts: Mapping[str, Any]) -> CriticalPath:
        """What ``dataclasses.asdict`` made of one."""
        return cls(stretches=tuple(Stretch(**stretch) for stretch in facts["stretches"]))


def critical_path(paths: Sequence[Mapping[str, Any]]) -> CriticalPath | None:
    """The slowest path between registers of nextpnr's ``critical_paths``; None where there is none."""
    clocked = [path["path"] for path in paths if "<async>" not in (path["from"], path["to"])]
    if not clocked:
        return None
    slowest = max(clocked, key=lambda hops: sum(float(hop["delay"]) for hop in hops))
    return CriticalPath(
        stretches=tuple(
            _stretch(unit, list(hops))
            for unit, hops in groupby(slowest, lambda hop: unit_of(hop["to"]["cell"]))
        )
    )


def unit_of(cell: str) -> str:
    """Where a cell of the routed netlist belongs: its unit's place and its signal's name."""
    parts = cell.split(".")
    while parts and parts[0] in (TOP, CORE):
        parts = parts[1:]
    return _CELL.sub("", ".".join(parts)).strip(".")


def _stretch(unit: str, hops: Sequence[Mapping[str, Any]]) -> Stretch:
    times = {"logic": 0.0, "wires": 0.0}
    for hop in hops:
        times[_TIME.get(hop["type"], "logic")] += float(hop["delay"])
    carries = {hop["to"]["cell"] for hop in hops if hop["to"]["port"] in _CARRIES}
    return Stretch(
        unit=unit,
        cells=len({hop["to"]["cell"] for hop in hops}),
        carries=len(carries),
        logic_ns=round(times["logic"], 3),
        wires_ns=round(times["wires"], 3),
    )
