"""What a build has made: its clock, its cells and the path that limits the clock."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tfl2hw.codegen.bitstream import BuildResult
from tfl2hw.codegen.critical_path import Stretch

UNITS = (
    (r"array\.column(\d+)\.bank.*", "column {0}: weight memory", "the memory of a column's weights"),
    (r"array\.column(\d+)\.multiplier.*", "column {0}: multipliers", "the products of a column"),
    (r"array\.column(\d+).*", "column {0}", "products, adder tree and accumulator of a filter"),
    (r"array\.requantizer(\d+).*", "requantizer {0}", "makes a byte of an accumulator"),
    (r"array.*", "array", "what the columns share"),
    (r"sequencer.*", "sequencer", "reads the program and starts the jobs"),
    (r"address.*", "address generator", "counts the loops, makes the addresses"),
    (r"scratchpad.*", "scratchpad", "the memory of the feature maps"),
    (r"writer.*", "writer", "writes results to the scratchpad"),
    (r"table_sum.*", "table sum", "adds maps and applies functions, by tables"),
    (r"byte_units\.softmax.*", "softmax", "scores to probabilities"),
    (r"byte_units\.log_softmax.*", "log softmax", "scores to logarithms of probabilities"),
    (r"byte_units\.l2_normalize.*", "L2 normalisation", "scales a row to length 1"),
    (r"byte_units\.arg_max.*", "arg max", "finds the greatest byte of a row"),
    (r"byte_units\.index_register.*", "index register", "adds an index to an address"),
    (r"tail.*", "loads", "takes what is loaded to the memories"),
    (r"host.*", "host port", "the host's way to the memories"),
    (r"link.*", "host link", "frames from and to the host"),
    (r"uart.*", "UART", "the serial port"),
    (r".*", "core", "what stands between the units"),
)
"""Where a unit stands in the hierarchy, what users call it, and what it does."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """A part of the critical path in its users' terms; ``signal`` is the name in the source."""

    unit: str
    meaning: str
    signal: str
    cells: int
    carries: int
    logic_ns: float
    wires_ns: float

    @property
    def delay_ns(self) -> float:
        """All of it."""
        return self.logic_ns + self.wires_ns


@dataclass(frozen=True, kw_only=True)
class Built:
    """A bitstream. ``resources`` maps a name to (used, available); ``path`` limits the clock."""

    fmax_mhz: float
    target_mhz: float
    meets_timing: bool
    seed: int
    bitstream: str
    resources: dict[str, tuple[int, int]]
    seconds: dict[str, float]
    path: tuple[Step, ...]


def built(result: BuildResult) -> Built:
    """The facts of a build."""
    path = result.critical_path
    return Built(
        fmax_mhz=result.fmax_mhz,
        target_mhz=result.target_mhz,
        meets_timing=result.meets_timing,
        seed=result.seed,
        bitstream=result.bitstream.name,
        resources=dict(result.resources),
        seconds=dict(result.seconds),
        path=() if path is None else tuple(_step(stretch) for stretch in path.stretches),
    )


def _step(stretch: Stretch) -> Step:
    unit, meaning = unit_name(stretch.unit)
    return Step(
        unit=unit,
        meaning=meaning,
        signal=stretch.unit.rpartition(".")[2],
        cells=stretch.cells,
        carries=stretch.carries,
        logic_ns=stretch.logic_ns,
        wires_ns=stretch.wires_ns,
    )


def unit_name(place: str) -> tuple[str, str]:
    """What users call the unit at ``place`` in the hierarchy, and what it does."""
    for pattern, name, meaning in UNITS:
        found = re.fullmatch(pattern, place)
        if found:
            return name.format(*found.groups()), meaning
    raise AssertionError("the last pattern takes everything")
