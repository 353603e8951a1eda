"""Where a layer's cycles go: the arithmetic limit, and a name for each cycle beyond it.

Everything is counted in slots, the products that the array could have made: a cycle has lanes x columns.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tfl2hw.ir.primitives import Network
from tfl2hw.passes.integer_only import multiply_accumulates
from tfl2hw.rtl_templates.config import CoreConfig
from tfl2hw.rtl_templates.isa import (
    REGISTERS,
    VALUE_BITS,
    Kind,
    Opcode,
    kind_of,
    turns_of,
)
from tfl2hw.schedule.jobs import Job, Layer, Schedule
from tfl2hw.schedule.matmul import LoadedMatrix
from tfl2hw.schedule.matrix import Matrix

from .cycles import CycleCount
from .issue import Counted, Issue
from .program import Program

LOSSES = {
    "zeros": "multiply-accumulates of the file that are left out: constant channels, tiles of zeros (a gain)",
    "lanes": "products without a weight: channels or taps that do not fill the lanes",
    "columns": "columns without a filter: filters that are no multiple of the columns",
    "fill": "positions of a window that give no result",
    "requantize": "pauses between pixels, for too few requantizers",
    "loads": "weights and parameters on their way to their memories",
    "copies": "bytes and words that are only moved: im2col, reshapes, gathers",
    "elementwise": "ADD, MUL, pools, tables: work that has no multiply-accumulates",
    "rows": "softmax, its logarithm, L2 normalisation, arg max: their passes, and waiting for them",
    "control": "instructions",
    "drain": "waiting for results of the job before",
}
"""What a cycle beyond the arithmetic limit is called, and what it means."""

_COPIES = (Kind.MOVE, Kind.COPY, Kind.INDEX)


@dataclass(frozen=True, kw_only=True)
class Account:
    """The cycles of a layer: ``limit`` for its multiply-accumulates, and ``losses`` by their name.

    ``limit`` and ``losses`` sum to ``cycles``; "zeros" is never positive. Parts of a cycle are rounded so
    that the sum stays.
    """

    cycles: int
    limit: int
    losses: dict[str, int]

    def why(self, most: int = 2, least: float = 0.05) -> str:
        """The largest losses in words, those below ``least`` of the cycles left out."""
        ranked = sorted(self.losses.items(), key=lambda loss: -loss[1])
        shares = [(name, count / max(self.cycles, 1)) for name, count in ranked[:most]]
        return ", ".join(f"{name} {share:.0%}" for name, share in shares if share >= least)


def accounts(
    schedule: Schedule, program: Program, network: Network, config: CoreConfig, cycles: CycleCount
) -> list[Account]:
    """The account of every layer."""
    products = config.lanes * config.columns
    alive = multiply_accumulates(network.primitives)
    found = []
    for layer, starts, spent, waited in zip(
        schedule.layers, _layers(program.words, config), cycles.layers(), cycles.waits, strict=True
    ):
        slots = _slots(layer, starts, alive.get(layer.op_index, 0), config)
        slots["rows" if slots["rows"] else "drain"] += waited * products
        slots["control"] = spent * products - sum(slots.values())
        slots["zeros"] += slots["limit"] - layer.macs
        found.append(_rounded(slots | {"limit": layer.macs}, products))
    return found


def words_read(program: Program, config: CoreConfig) -> list[int]:
    """Words that each layer reads from the scratchpad, padding and loads included."""
    return [sum(_words(start) for start in starts) for starts in _layers(program.words, config)]


def _words(start: _Start) -> int:
    """Words of all turns of a job; of each load one cycle reads nothing."""
    issued = start.issued
    loads = issued.loads // issued.loading if issued.loading else 0
    return (issued.tokens + issued.loads - loads) * start.turns


@dataclass(frozen=True, kw_only=True)
class _Start:
    """A START: its value, how often it runs, what is issued each time, and the share that gives results.

    Of ``positions`` pixels of a row ``emitting`` give a result.
    """

    value: int
    turns: int
    issued: Issue
    positions: int
    emitting: int


def _layers(words: Sequence[int], config: CoreConfig) -> list[list[_Start]]:
    """The jobs in the program between its breakpoints."""
    layers: list[list[_Start]] = [[]]
    registers: dict[str, int] = {}
    turns = 1
    for number, word in enumerate(words):
        opcode, value = word >> VALUE_BITS, word & ((1 << VALUE_BITS) - 1)
        if opcode == Opcode.START:
            layers[-1].append(_start(value, turns, registers, config))
        elif opcode < len(REGISTERS):
            registers[REGISTERS[opcode]] = value
        elif opcode == Opcode.BREAK and words[number + 1] >> VALUE_BITS != Opcode.END:
            layers.append([])
        elif opcode in (Opcode.LOOP, Opcode.NEXT):
            turns = turns_of(value) if opcode == Opcode.LOOP else 1
    return layers


def _start(value: int, turns: int, registers: dict[str, int], config: CoreConfig) -> _Start:
    positions = emitting = 1
    if kind_of(value) == Kind.MATRIX:
        numbers = Counted(registers=registers)
        positions = numbers.counts[3]
        emitting = -(-(positions - numbers["window_skip"] - 1) // (numbers["window_stride"] + 2))
    return _Start(
        value=value,
        turns=turns,
        issued=Issue(registers=dict(registers), value=value, config=config),
        positions=positions,
        emitting=emitting,
    )


def _slots(layer: Layer, starts: Sequence[_Start], alive: int, config: CoreConfig) -> dict[str, int]:
    """What the jobs of a layer issue, in slots; ``limit`` for its ``alive`` multiply-accumulates."""
    slots = dict.fromkeys(("limit", *LOSSES), 0)
    products = config.lanes * config.columns
    matrices = _matrices(layer.jobs, config.columns)
    full = 0
    for start in starts:
        issued, kind = start.issued, kind_of(start.value)
        slots["loads"] += issued.loads * start.turns * products
        busy = (issued.tokens + issued.gaps) * start.turns * products
        if kind in _COPIES:
            slots["copies"] += busy
        elif kind == Kind.TABLE:
            slots["elementwise"] += busy
        elif kind == Kind.MATRIX:
            matrix, filters = next(matrices)
            if alive == 0 or matrix.hold or matrix.product or matrix.reduction != "sum":
                slots["elementwise"] += busy
                continue
            slots["requantize"] += issued.gaps * start.turns * products
            columns, fill = _unused(start, filters, matrix.groups * config.columns, config)
            slots["columns"] += columns
            slots["fill"] += fill
            full += issued.tokens * start.turns * products - columns - fill
        elif kind != Kind.LOAD:
            slots["rows"] += busy
    slots["limit"] = alive
    slots["lanes" if full >= alive else "zeros"] += full - alive
    return slots


def _matrices(jobs: Sequence[Job], columns: int) -> Iterator[tuple[Matrix, int]]:
    """The matrix of each START in turn, with how many filters it works on."""
    for job in jobs:
        if isinstance(job, Matrix):
            yield job, min(len(job.bias), job.groups * columns)
        elif isinstance(job, LoadedMatrix):
            yield from ((job.matrix, block.columns) for block in job.blocks)


def _unused(start: _Start, filters: int, places: int, config: CoreConfig) -> tuple[int, int]:
    """Slots of columns without a filter, and of the others where no result is made."""
    tokens = start.issued.tokens * start.turns
    share = tokens * config.lanes * config.columns // places  # of one filter, or of the place for one
    silent = start.positions - start.emitting
    return share * (places - filters), share * filters * silent // start.positions


def _rounded(slots: Mapping[str, int], products: int) -> Account:
    """Slots as cycles: each is rounded up or down, their sum stays what it is."""
    rounded: dict[str, int] = {}
    total = before = 0
    for name, count in slots.items():
        total += count
        now = (2 * total + products) // (2 * products)
        rounded[name] = now - before
        before = now
    limit = rounded.pop("limit")
    return Account(cycles=before, limit=limit, losses=rounded)
