"""All facts of a report, in one frozen value."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from tfl2hw.codegen import Compiled
from tfl2hw.codegen.witness import contents_hash
from tfl2hw.codegen.write import board_config

from .built import Built
from .chip import Chip, chip_of
from .considered import Search, search_of
from .cycles import LayerCycles, Totals, layers_of, totals_of
from .exactness import Simulated, Verified
from .memory import MemoryMap, memory_of
from .network import Node, network_of
from .roofline import Roofline, roofline_of
from .verdict import Verdict, verdict_of


@dataclass(frozen=True, kw_only=True)
class Report:
    """What is known of a compiled model.

    ``identity`` tells cores apart, ``contents`` what their memories hold.
    ``built``, ``simulated`` and ``verified`` are what the commands of these names have found; None, or empty,
    where they have not been run.
    """

    model: str
    board: str
    board_title: str
    identity: str
    contents: str
    numerics: str
    predicted_cycles: int
    macs: int
    scratchpad_bytes_used: tuple[int, ...]
    core: dict[str, Any]
    verdict: Verdict
    network: tuple[Node, ...]
    layers: tuple[LayerCycles, ...]
    totals: Totals
    roofline: Roofline
    memory: MemoryMap
    chip: Chip | None
    search: Search | None
    built: Built | None
    simulated: Simulated | None
    verified: tuple[Verified, ...]

    def as_json(self) -> dict[str, Any]:
        """What report.json holds: every figure of the page."""
        return asdict(self)


def report_of(
    compiled: Compiled,
    *,
    model: str | None = None,
    search: Search | None = None,
    built: Built | None = None,
    simulated: Simulated | None = None,
    verified: tuple[Verified, ...] = (),
) -> Report:
    """The report on ``compiled``.

    ``model`` is its name where its file has another one by now, ``search`` how its shape was chosen where
    ``compiled`` does not know.
    """
    config = compiled.config
    layers = layers_of(compiled)
    chip = chip_of(compiled, None if built is None else built.resources)
    return Report(
        model=model or compiled.file.name,
        board=compiled.board.name,
        board_title=compiled.board.title,
        identity=config.identity,
        contents=contents_hash(compiled.image).hex(),
        numerics=compiled.network.numerics,
        predicted_cycles=compiled.predicted_cycles,
        macs=compiled.macs,
        scratchpad_bytes_used=compiled.schedule.memory.used,
        core=asdict(board_config(compiled)),
        verdict=verdict_of(compiled, chip, built, simulated, verified),
        network=network_of(compiled),
        layers=layers,
        totals=totals_of(layers),
        roofline=roofline_of(layers, config.lanes, config.columns),
        memory=memory_of(compiled),
        chip=chip,
        search=search_of(compiled) or search,
        built=built,
        simulated=simulated,
        verified=verified,
    )
