"""The compiler from file to memory contents: everything that stands before the hardware tools."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
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
from tfl2hw.rtl_templates.config import MOST_PLACES, MOST_WINDOW, CoreConfig
from tfl2hw.rtl_templates.image import EMPTY, Image
from tfl2hw.rtl_templates.l2_normalize import L2Normalize
from tfl2hw.rtl_templates.parts import SoftProducts
from tfl2hw.rtl_templates.softmax import Softmax
from tfl2hw.schedule.fitting import Fits
from tfl2hw.schedule.jobs import Schedule
from tfl2hw.schedule.packing import packed_inputs
from tfl2hw.schedule.schedule import schedule
from tfl2hw.schedule.shape import COLUMNS, LANES, Shape, Target

from .account import Account, accounts, words_read
from .configure import check_core, configure, with_link
from .cycles import CycleCount, count_cycles
from .footprint import check_channels, check_fit, check_maps
from .functions import check_functions, with_functions
from .memories import make_image
from .multipliers import soft_products
from .products import place_products
from .program import Program, assemble
from .search import Search, search, shapes_of
from .witness import contents_hash, witness_address, words_with_witness

ONE_BLOCK_WINDOW = 3
"""The longest window of which a column's places fit into one block RAM of an iCE40: 16 bits are kept."""


PROGRAM_SHARE, PROGRAM_STEP = 16, 16
"""Headroom of a program: a 16th of its words, rounded up to 16. A register that kept its value from one job
to the next may have to be written once a model is trained again."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Compiled:
    """A model compiled for a board: what the hardware is and what its memories hold.

    ``graph`` has the file's inputs and outputs, in the shapes that they have when it runs; ``network``
    begins and ends with int8. Between them the host converts, by ``conversions``. ``search`` is how the shape
    was chosen; None where it was given, or is the board's only one.
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
    search: Search | None

    @property
    def core_image(self) -> Image:
        """What the core's memories hold from the start: nothing where a prebuilt core is loaded."""
        if self.board.core is not None:
            return EMPTY
        scratchpad = self.image.scratchpad + (() if self.witness is None else (self.witness,))
        return replace(self.image, scratchpad=scratchpad)

    @property
    def boots(self) -> bool:
        """Whether the core on its board loads itself from a flash: no bitstream can fill its scratchpad."""
        return self.board.flash is not None and self.board.core is None and self.witness is None

    @property
    def witness(self) -> tuple[int, bytes] | None:
        """The address and the bytes by which a host recognises ``image`` in a core that starts with it."""
        if self.board.core is not None:
            return None
        address = witness_address(self.config, max(self.schedule.memory.used))
        return None if address is None else (address, contents_hash(self.image))

    @property
    def predicted_cycles(self) -> int:
        """Cycles from start to answer ready."""
        return self.cycles.total

    @property
    def macs(self) -> int:
        """Multiply-accumulates of an inference."""
        return sum(layer.macs for layer in self.schedule.layers)

    def at_clock(self, mhz: float) -> Compiled:
        """The same core, identity and time-out (in cycles) included, on a board whose target is ``mhz``."""
        return replace(self, board=replace(self.board, target_mhz=mhz))

    def accounts(self) -> list[Account]:
        """Where each layer's cycles go."""
        return accounts(self.schedule, self.program, self.network, self.config, self.cycles)

    def words_read(self) -> list[int]:
        """Words that each layer reads from the scratchpad."""
        return words_read(self.program, self.config)


class Source:
    """A model's file, and what is made of it for every board alike: each part when it is asked for."""

    def __init__(self, path: Path, numerics: Numerics = "litert-ref") -> None:
        self.path = path
        self.numerics: Numerics = numerics
        self.fits = Fits()

    @cached_property
    def graph(self) -> Graph:
        """In the shapes that it runs with. Raises ModelError."""
        return settled(load(self.path))

    @cached_property
    def accepted(self) -> Graph:
        """In the compiler's own form. Raises ModelError for what it does not accept."""
        return legal(self.graph)

    @cached_property
    def network(self) -> Network:
        """In primitives. Raises DoesNotFit for more channels than any board holds."""
        network = without_dead_channels(lower(self.accepted, self.numerics))
        check_channels(network)
        return network


def compile_model(
    path: Path,
    board: str,
    numerics: Numerics = "litert-ref",
    lanes: int | None = None,
    columns: int | None = None,
    requantizers: int | None = None,
    core: CoreConfig | None = None,
    headroom: bool = False,
    strips: bool = True,
    multiplier: str | None = None,
) -> Compiled:
    """Compile ``path`` for the board named ``board``; as ``compile_source``."""
    return compile_source(
        Source(path, numerics), board, lanes, columns, requantizers,
        core=core, headroom=headroom, strips=strips, multiplier=multiplier,
    )  # fmt: skip


def compile_source(
    source: Source,
    board: str,
    lanes: int | None = None,
    columns: int | None = None,
    requantizers: int | None = None,
    *,
    core: CoreConfig | None = None,
    headroom: bool = False,
    strips: bool = True,
    multiplier: str | None = None,
) -> Compiled:
    """Compile ``source`` for the board named ``board``.

    ``lanes`` and ``columns`` override its array. On a board with a chip, what of them is not given is chosen
    by search, and the requantizers with it. Where both are given, or there is no chip, ``requantizers`` are
    as given, or the board's. With ``core``, one that was made for another model, nothing is chosen: only what
    the memories hold is new, and the core's identity stays. ``headroom`` makes a core that other
    weights are likely to fit. Without ``strips`` inputs stand row by row, as they are sent: a run takes a
    little longer then, and a byte of an input a cycle. ``multiplier``, "NAME" or "NAME:LANES", makes the
    products of all lanes, or of so many (see ``multipliers``).

    Raises ModelError, UsageError or DoesNotFit, each a sentence.
    """
    try:
        chosen = get(board)
    except LookupError as problem:
        raise UsageError(str(problem.args[0])) from None
    products = None if multiplier is None or core is not None else soft_products(multiplier, chosen)

    make = partial(make_target, chosen, headroom=headroom, strips=strips, products=products)
    if core is None:
        shapes = [] if lanes and columns else shapes_of(chosen, lanes, columns)
        target = None if shapes else make(lanes, columns, requantizers)
    else:
        shapes, target = [], make(core.lanes, core.columns, core.requantizers, core)
    check_maps(source.accepted, chosen.scratchpad_bytes)
    found = None
    if target is None:
        found = search(
            lambda shape: _fitted(source, _shaped(make, shape), chosen)[1:],
            shapes,
            chosen,
            source.accepted.file,
        )
        target = _shaped(make, found.chosen.shape)
    planned, program, config = _fitted(source, target, chosen)
    check_functions(planned)
    image = make_image(planned, program, config)
    if core is None:
        config = with_link(config, EMPTY if target.core else image, chosen.target_mhz)
    return Compiled(
        file=source.path,
        graph=source.graph,
        conversions=source.accepted.conversions,
        network=source.network,
        board=chosen,
        schedule=planned,
        program=program,
        config=config,
        image=image,
        cycles=count_cycles(program.words, config),
        search=found,
    )


def _shaped(make: Callable[..., Target], shape: Shape) -> Target:
    return make(shape.lanes, shape.columns, shape.requantizers)


def _fitted(source: Source, target: Target, board: Board) -> tuple[Schedule, Program, CoreConfig]:
    """The schedule, its program and a core that runs it, without what does not fit and can be left out.

    Raises DoesNotFit where ``board`` is too small.
    """
    try:
        return _core_for(source, target, board)
    except DoesNotFit:
        if target.core is not None or not target.unaligned:
            raise
        # strips take more memory, and words at any byte more block RAM
        strips = any(each.layout.strips is not None for each in packed_inputs(source.network, target))
        return _fitted(source, replace(target, strips=False, unaligned=strips), board)


def _core_for(source: Source, target: Target, board: Board) -> tuple[Schedule, Program, CoreConfig]:
    network = source.network
    planned = schedule(network, target, source.fits)
    if target.core is None:
        longest = assemble(planned, None)
        config = configure(planned, longest, board.scratchpad, small=board.family == "ice40")
        program = assemble(planned, config)
        words = len(program.words)
        if target.headroom:
            words = -(-(words + words // PROGRAM_SHARE) // PROGRAM_STEP) * PROGRAM_STEP
        config = replace(config, program_depth=max(2, words))
        try:
            check_fit(config, board, network.file)
        except DoesNotFit:
            smaller = _smaller(target, config, board)
            if smaller is None:
                raise
            return _core_for(source, smaller, board)
        config = place_products(config, board, network.file, target.products)
        if config.scratchpad == "block":
            config = replace(
                config, scratchpad_words=words_with_witness(config.scratchpad_words, board.family)
            )
        return planned, program, config
    core = with_functions(target.core, planned, board)
    program = assemble(planned, core)
    check_core(planned, program, core)
    if target.products is not None:
        core = place_products(core, board, network.file, target.products)
    return planned, program, core


def _smaller(target: Target, config: CoreConfig, board: Board) -> Target | None:
    """``target`` for a core that takes less block RAM, if there is one that is only a little slower."""
    if board.family == "ice40" and config.window:
        return replace(target, window=ONE_BLOCK_WINDOW if config.window > ONE_BLOCK_WINDOW else 1)
    if target.requantizers == target.columns:
        # half as many requantizers have half as many memories for as many parameters
        return replace(target, requantizers=target.requantizers // 2)
    return None


def make_target(
    board: Board,
    lanes: int | None,
    columns: int | None,
    requantizers: int | None = None,
    core: CoreConfig | None = None,
    *,
    headroom: bool = False,
    strips: bool = True,
    products: SoftProducts | None = None,
) -> Target:
    """What the schedule has to know of ``board``, and of ``core`` if that is all there is to be had.

    Raises UsageError for a shape that cannot be.
    """
    lanes = lanes or board.lanes
    columns = columns or board.columns
    single_port = board.scratchpad != "block"
    if lanes not in LANES or columns not in COLUMNS or lanes % columns:
        raise UsageError(
            f"an array of {lanes} lanes and {columns} columns is not accepted: lanes must be 4, 8, 16 or 32 "
            "and columns a power of two from 2 that divides them."
        )
    if single_port and lanes != 4:
        raise UsageError(f"{board.name} reads 4 bytes a cycle: --lanes must be 4, not {lanes}.")
    if board.core is not None:
        if board.chip and (lanes, columns) != (board.lanes, board.columns):
            raise UsageError(
                f"{board.name} has one core for all models, of {board.lanes} lanes and {board.columns} "
                "columns: leave --lanes and --columns out, or choose a board without -overlay in its name."
            )
        core = board.core(lanes, columns)
    softmax_digit = (1 if single_port else 4) if core is None else core.softmax_digit
    return Target(
        lanes=lanes,
        columns=columns,
        requantizers=core.requantizers
        if core
        else min(requantizers or board.requantizers_for(columns), columns),
        scratchpad_bytes=board.scratchpad_words * board.lanes,
        banks=2 if single_port else 1,
        streamed=single_port,
        bank_depth=board.bank_depth,
        unaligned=board.family == "ecp5" if core is None else core.unaligned,
        strips=strips and (board.family == "ecp5" if core is None else core.spread),
        vector_lanes=core.vector_lanes if core else 1 if single_port else lanes // 2,
        softmax_digit=softmax_digit,
        softmax_interval=Softmax.scale_interval(softmax_digit),
        l2_interval=L2Normalize.SCALE_INTERVAL,
        window=min(lanes, MOST_WINDOW) if core is None else core.window,
        places=MOST_PLACES if core is None else core.places,
        pair=core is None or core.pair,
        twin=(core is None or core.twin) and lanes >= 2 * columns,
        core=core,
        products=products,
        headroom=headroom and core is None,
    )
