"""The compiler from file to memory contents: everything that stands before the hardware tools."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tfl2hw.boards import Board, get
from tfl2hw.errors import DoesNotFit, UsageError
from tfl2hw.frontend import load
from tfl2hw.ir.conversion import Conversion
from tfl2hw.ir.graph import Graph
from tfl2hw.ir.primitives import Network
from tfl2hw.ops import Numerics
from tfl2hw.passes import legal, lower, settled
from tfl2hw.passes.dead_channels import without_dead_channels
from tfl2hw.rtl_templates.config import CoreConfig
from tfl2hw.rtl_templates.image import EMPTY, Image
from tfl2hw.rtl_templates.l2_normalize import L2Normalize
from tfl2hw.rtl_templates.softmax import Softmax
from tfl2hw.schedule.jobs import Schedule
from tfl2hw.schedule.schedule import schedule
from tfl2hw.schedule.shape import Target

from .configure import check_core, configure, with_link
from .cycles import CycleCount, count_cycles
from .footprint import check_channels, check_fit, check_maps
from .memories import make_image
from .program import Program, assemble


@dataclass(frozen=True, kw_only=True, eq=False)
class Compiled:
    """A model compiled for a board: what the hardware is and what its memories hold.

    ``graph`` has the file's inputs and outputs, in the shapes that they have when it runs; ``network``
    begins and ends with int8. Between them the host converts, by ``conversions``.
    """

    file: Path
    graph: Graph
    conversions: Mapping[int, Conversion]
    network: Network
    board: Board
    schedule: Schedule
    program: Program
    config: CoreConfig
    image: Image
    cycles: CycleCount

    @property
    def core_image(self) -> Image:
        """What the core's memories hold from the start: nothing where a prebuilt core is loaded."""
        return self.image if self.board.core is None else EMPTY

    @property
    def predicted_cycles(self) -> int:
        """Cycles from start to answer ready."""
        return self.cycles.total

    @property
    def macs(self) -> int:
        """Multiply-accumulates of an inference."""
        return sum(layer.macs for layer in self.schedule.layers)


def compile_model(
    path: Path,
    board: str,
    numerics: Numerics = "litert-ref",
    lanes: int | None = None,
    columns: int | None = None,
) -> Compiled:
    """Compile ``path`` for the board named ``board``; ``lanes`` and ``columns`` override its array.

    Raises ModelError, UsageError or DoesNotFit, each a sentence.
    """
    try:
        chosen = get(board)
    except LookupError as problem:
        raise UsageError(str(problem.args[0])) from None
    target = make_target(chosen, lanes, columns)
    graph = settled(load(path))
    accepted = legal(graph)
    check_maps(accepted, target)
    network = without_dead_channels(lower(accepted, numerics))
    check_channels(network)
    try:
        planned, program, config = _fitted(network, target, chosen)
    except DoesNotFit:
        if not target.unaligned or target.core is not None:
            raise
        # words at any byte take more block RAM
        planned, program, config = _fitted(network, replace(target, unaligned=False), chosen)
    image = make_image(planned, program, config)
    config = with_link(config, EMPTY if target.core else image, chosen.target_mhz)
    return Compiled(
        file=path,
        graph=graph,
        conversions=accepted.conversions,
        network=network,
        board=chosen,
        schedule=planned,
        program=program,
        config=config,
        image=image,
        cycles=count_cycles(program.words, config),
    )


def _fitted(network: Network, target: Target, board: Board) -> tuple[Schedule, Program, CoreConfig]:
    """The schedule, its program and a core that runs it. Raises DoesNotFit where ``board`` is too small."""
    planned = schedule(network, target)
    if target.core is None:
        sizes = assemble(planned, None)
        config = configure(planned, sizes, board.scratchpad, small=board.family == "ice40")
        check_fit(config, board, network.file)
        return planned, assemble(planned, config), config
    program = assemble(planned, target.core)
    check_core(planned, program, target.core)
    return planned, program, target.core


def make_target(board: Board, lanes: int | None, columns: int | None) -> Target:
    """What the schedule has to know of ``board``. Raises UsageError for a shape that cannot be."""
    lanes = lanes or board.lanes
    columns = columns or board.columns
    single_port = board.scratchpad != "block"
    if lanes not in (4, 8, 16, 32) or columns not in (2, 4, 8, 16, 32) or lanes % columns:
        raise UsageError(
            f"an array of {lanes} lanes and {columns} columns is not accepted: lanes must be 4, 8, 16 or 32 "
            "and columns a power of two from 2 that divides them."
        )
    if single_port and lanes != 4:
        raise UsageError(f"{board.name} reads 4 bytes a cycle: --lanes must be 4, not {lanes}.")
    core = None if board.core is None else board.core(lanes, columns)
    softmax_digit = (1 if single_port else 4) if core is None else core.softmax_digit
    return Target(
        lanes=lanes,
        columns=columns,
        requantizers=min(board.requantizers, columns),
        scratchpad_bytes=board.scratchpad_words * board.lanes,
        banks=2 if single_port else 1,
        streamed=single_port,
        bank_depth=board.bank_depth,
        unaligned=not single_port if core is None else core.unaligned,
        vector_lanes=1 if single_port else lanes // 2,
        softmax_digit=softmax_digit,
        softmax_interval=Softmax.scale_interval(softmax_digit),
        l2_interval=L2Normalize.SCALE_INTERVAL,
        pair=lanes >= 8 if core is None else core.pair,
        core=core,
    )
