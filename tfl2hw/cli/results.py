"""What the commands get back from the compiler, the simulator and the tools, and show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Int8 = npt.NDArray[np.int8]


@dataclass(frozen=True, kw_only=True)
class BoardLine:
    """A board as `tfl2hw boards` lists it."""

    name: str
    chip: str
    lanes: int
    columns: int
    clock_mhz: float
    link: str

    def as_json(self) -> dict[str, Any]:
        """The object of `boards --json`."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class Layer:
    """A layer's share of an inference. ``cycles`` None: not known."""

    name: str
    op: str
    cycles: int | None
    macs: int

    def as_json(self) -> dict[str, Any]:
        """The object of `--json`'s ``layers``."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class Mismatch:
    """A tensor that differs from the interpreter's: in how many values, and how the first does."""

    sample: int
    tensor: int
    name: str
    values: int
    first: str


@dataclass(frozen=True, kw_only=True, eq=False)
class SampleRun:
    """One simulated inference; ``tensors`` are the intermediate ones, by their index in the file."""

    outputs: tuple[Int8, ...]
    tensors: Mapping[int, Int8]
    cycles: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Simulation:
    """All samples of one `simulate`. ``waves`` is the file with the signals, where they were asked for."""

    runs: tuple[SampleRun, ...]
    layers: tuple[Layer, ...]
    tensors_checked: int
    mismatches: tuple[Mismatch, ...]
    lanes: int
    columns: int
    predicted_cycles: int
    waves: Path | None = None

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one inference, as TFLite counts them."""
        return sum(layer.macs for layer in self.layers)

    @property
    def cycles(self) -> int:
        """Cycles of one inference (the most that any of the samples took)."""
        return max(run.cycles for run in self.runs)

    @property
    def bit_exact(self) -> bool:
        """Whether every tensor of every sample is the interpreter's."""
        return not self.mismatches

    def as_json(self, numerics: str) -> dict[str, Any]:
        """The object that `simulate --json` prints."""
        rate = self.macs / self.cycles
        return {
            "cycles": self.cycles,
            "macs": self.macs,
            "macs_per_cycle": rate,
            "utilization": rate / (self.lanes * self.columns),
            "predicted_cycles": self.predicted_cycles,
            "bit_exact": self.bit_exact,
            "tensors_checked": self.tensors_checked,
            "mismatches": sum(mismatch.values for mismatch in self.mismatches),
            "samples": len(self.runs),
            "numerics": numerics,
            "layers": [layer.as_json() for layer in self.layers],
        }


@dataclass(frozen=True, kw_only=True)
class Resource:
    """How many of something a design uses, of how many there are."""

    used: int
    available: int


@dataclass(frozen=True, kw_only=True)
class Bitstream:
    """What `build` made. ``cycles`` is the predicted length of an inference."""

    file: Path
    fmax_mhz: float
    target_mhz: float
    resources: Mapping[str, Resource]
    cycles: int

    @property
    def meets_timing(self) -> bool:
        """Whether the routed design runs at the clock that it gets."""
        return self.fmax_mhz >= self.target_mhz

    @property
    def latency_ms(self) -> float:
        """Milliseconds an inference at the target clock."""
        return self.cycles / self.target_mhz / 1e3

    def as_json(self) -> dict[str, Any]:
        """The object that `build --json` prints."""
        return {
            "bitstream": str(self.file),
            "fmax_mhz": self.fmax_mhz,
            "target_mhz": self.target_mhz,
            "meets_timing": self.meets_timing,
            "resources": {
                name: {"used": r.used, "available": r.available} for name, r in self.resources.items()
            },
            "cycles": self.cycles,
            "latency_ms": self.latency_ms,
        }


@dataclass(frozen=True, kw_only=True, eq=False)
class Answer:
    """What a board (or the simulated one) answered. ``clock_mhz`` is the core's clock."""

    outputs: tuple[Int8, ...]
    cycles: int
    clock_mhz: float

    @property
    def latency_ms(self) -> float:
        """Milliseconds from start to answer ready, at the board's clock."""
        return self.cycles / self.clock_mhz / 1e3
