"""Descriptions of the parts of a core that can be exchanged: ours, and those of other packages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

LATENCIES = (2, 3)
"""Cycles that a lane's multiplier may take (see ``CoreConfig.multiplier_latency``)."""


@dataclass(frozen=True, kw_only=True)
class Multiplier:
    """A way to make a lane's product of two int8 without a DSP, one a cycle.

    Parameters
    ----------
    name : as ``--multiplier`` spells it.
    make : ``make(m, name, x, w, latency)`` adds the logic to the Amaranth module ``m`` and returns the
        product, a signed value of 16 bits, ``latency`` cycles behind ``x`` and ``w``, signed values of 8
        bits. What it names begins with ``name``. Registers are of the domain ``sync``, and without a reset.
    latencies : the latencies that it can have; one for ECP5 has 3 among them, one for iCE40 2.
    cells, flip_flops : logic cells and flip-flops of a product, about: for estimates.
    families : the chips for which it is made.
    portable : whether it is plain Amaranth. Then a simulation has it too, and all 65,536 products are checked
        before it is used. Otherwise it has a chip's own cells.
    """

    name: str
    make: Callable[[Any, str, Any, Any, int], Any] = field(repr=False)
    latencies: tuple[int, ...]
    cells: int
    flip_flops: int
    families: tuple[str, ...] = ("ecp5", "ice40")
    portable: bool = True

    def __post_init__(self) -> None:
        if not self.latencies or not set(self.latencies) <= set(LATENCIES):
            raise ValueError(f"latencies must be some of {LATENCIES}, not {self.latencies!r}")


@dataclass(frozen=True, kw_only=True)
class SoftProducts:
    """Which products are made by ``multiplier``: of at least ``lanes`` lanes of each column (None: all)."""

    multiplier: Multiplier
    lanes: int | None = None
