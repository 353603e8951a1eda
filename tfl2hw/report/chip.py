"""What the design takes of the chip: estimated, and counted once it is built."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tfl2hw.codegen import Compiled
from tfl2hw.codegen.estimate import estimate
from tfl2hw.codegen.footprint import block_rams

SPRAM_BYTES = 32 << 10
"""Of one of the UP5K's large memories."""


@dataclass(frozen=True, kw_only=True)
class Resource:
    """So much of one kind of cell: ``used`` is None before a build, ``estimated`` where nothing is known."""

    name: str
    meaning: str
    estimated: int | None
    used: int | None
    available: int

    @property
    def share(self) -> float:
        """Part of what there is, as counted, else as estimated."""
        count = self.estimated if self.used is None else self.used
        return (count or 0) / self.available


@dataclass(frozen=True, kw_only=True)
class Chip:
    """The chip and what the design takes of it; ``block_rams`` says what for."""

    name: str
    resources: tuple[Resource, ...]
    block_rams: dict[str, int]


def chip_of(compiled: Compiled, used: Mapping[str, tuple[int, int]] | None) -> Chip | None:
    """What ``compiled`` takes, ``used`` as the build has counted it; None on a board without a chip."""
    board, chip = compiled.board, compiled.board.chip
    if chip is None:
        return None
    guess = estimate(compiled.config, board.family)
    cells = "LC" if board.family == "ice40" else "LUT"
    spram = compiled.config.scratchpad_words * compiled.config.lanes if chip.spram_bytes else None
    rows: list[tuple[str, str, int | None, int]] = [
        (cells, "logic: 4-input look-up tables", guess.luts, chip.luts),
        ("FF", "registers: one bit each", guess.flip_flops, chip.flip_flops),
        ("DSP", "hard multipliers", guess.dsps, chip.dsps),
        ("block RAM", "memories of a few kilobytes", guess.block_rams, chip.block_rams),
    ]
    if board.family == "ice40":
        rows = [row for row in rows if row[0] != "FF"]  # a logic cell has its own flip-flop
    known = used or {}
    resources = [_resource(*row, known) for row in rows if row[3]]
    if chip.spram_bytes and spram is not None:
        needed, there = -(-spram // SPRAM_BYTES), chip.spram_bytes // SPRAM_BYTES
        resources.append(_resource("SPRAM", "memories of 32 KiB", needed, there, known))
    purposes = {name: count for name, count in block_rams(compiled.config, board.family).items() if count}
    return Chip(name=chip.name, resources=tuple(resources), block_rams=purposes)


def _resource(
    name: str, meaning: str, guess: int | None, there: int, known: Mapping[str, tuple[int, int]]
) -> Resource:
    used, available = known.get(name, (None, there))
    return Resource(name=name, meaning=meaning, estimated=guess, used=used, available=available)
