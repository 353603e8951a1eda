"""Sizes the core to the model: every memory and every width as small as this model allows."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import replace
from math import prod
from typing import TypedDict

from tfl2hw import __version__
from tfl2hw.boards import Board
from tfl2hw.errors import DoesNotFit
from tfl2hw.rtl_templates.config import CoreConfig
from tfl2hw.rtl_templates.frames import IDENTITY_BYTES, PROTOCOL
from tfl2hw.rtl_templates.image import EMPTY, Image
from tfl2hw.rtl_templates.isa import (
    FIXABLE,
    FLAG_INDEXED,
    FLAG_STREAM,
    INDEX,
    REGISTERS,
    VALUE_BITS,
    Kind,
    Opcode,
    kind_of,
    signed_value,
)
from tfl2hw.schedule.elementwise import Table
from tfl2hw.schedule.jobs import Job, Schedule, matrices
from tfl2hw.schedule.matrix import Matrix, WordCopy
from tfl2hw.schedule.widths import parameter_widths

from .program import Program

TIMEOUT_MS = 10
"""A frame is dropped after a silence of this length at least: longer than a host pauses within one."""

STREAMED_PARAMETERS = 64
"""Parameter entries kept of a streamed model: more than are in flight at a time."""


def configure(schedule: Schedule, program: Program, scratchpad: str, *, small: bool) -> CoreConfig:
    """The configuration of the smallest core that runs ``schedule``, with plain multipliers.

    ``small`` saves registers that only a fast clock needs. The identity is still zero.
    """
    target = schedule.target
    jobs = matrices(schedule.layers)
    widths = parameter_widths(schedule.parameters, headroom=target.headroom)
    words = [job.weights.shape[2] for job in jobs]
    if target.streamed:
        bank_depth, parameter_depth = max(words, default=2), STREAMED_PARAMETERS
        scratchpad_words = target.scratchpad_bytes // target.lanes
    else:
        bank_depth = sum(job.groups * count for job, count in zip(jobs, words, strict=True))
        parameter_depth = sum(job.parameter_groups for job in jobs) * target.chain
        scratchpad_words = -(-max(schedule.memory.used) // target.lanes)
    every = [job for layer in schedule.layers for job in layer.jobs]
    tables = any(isinstance(job, Table) for job in every)
    starts = _values(program, Opcode.START)
    kinds = {kind_of(value) for value in starts}
    table_values = [int(abs(pair.tables).max()) for pair in schedule.tables]
    return CoreConfig(
        lanes=target.lanes,
        columns=target.columns,
        requantizers=target.requantizers,
        accumulator_bits=schedule.accumulator_bits,
        mantissa_bits=widths.mantissa,
        mantissa_fraction=schedule.mantissa_fraction,
        offset_bits=widths.offset,
        offset_zeros=widths.offset_zeros,
        shift_bits=widths.shift,
        bank_depth=max(2, bank_depth),
        parameter_depth=max(2, parameter_depth),
        program_depth=max(2, len(program.words)),
        scratchpad_words=max(2, scratchpad_words),
        scratchpad=scratchpad,
        unaligned=any(_is_unaligned(job, target.lanes) for job in every),
        loads=Kind.LOAD in kinds or any(value & FLAG_STREAM for value in starts) or target.headroom,
        spread=any(place.layout.strips is not None for place in schedule.placements.values()),
        shadows=not small or scratchpad == "block",
        fixed=_fixed(program) if small and not target.headroom else (),
        slow_link=small,
        multiplier_latency=2 if small else 3,
        product_latency=3 if small else None,
        bank_registers=0 if small else 1,
        parameter_registers=0 if small else 2,
        count_bits=_bits(
            program,
            ("count", "load_words", "load_parameter_words", "out_inner", "out_outer", "out_planes"),
            Opcode.LOOP,
        ),
        coordinate_bits=_bits(program, ("row", "column", "base_row", "base_column", "height", "width")) + 1,
        **_window(jobs),
        mover=Kind.MOVE in kinds,
        copier=Kind.COPY in kinds,
        index=Kind.INDEX in kinds or any(value & FLAG_INDEXED for value in starts),
        softmax=bool(schedule.exponentials),
        softmax_digit=target.softmax_digit,
        softmax_tables=max(1, len(schedule.exponentials)),
        log_softmax=bool(schedule.logarithms),
        log_tables=max(1, len(schedule.logarithms)),
        l2_normalize=Kind.L2_SUM in kinds,
        arg_max=Kind.ARGMAX in kinds,
        vector_lanes=target.vector_lanes if tables else 0,
        table_depth=256 * len(schedule.tables),
        table_bits=max(table_values, default=0).bit_length() + 1 + target.headroom if tables else 0,
        vector_shift=schedule.vector_shift,
        product=any(job.product for job in jobs),
        maximum=any(job.reduction != "sum" for job in jobs),
        digits=any(job.digits for job in jobs),
    )


_UNITS = {
    "loads": "weights that are loaded",
    "unaligned": "words that begin at any byte",
    "spread": "inputs in strips",
    "single": "depthwise windows of one token a pixel",
    "pair": "lanes divided for two lines",
    "twin": "lanes divided for two channels",
    "quad": "lanes divided for two lines and two channels",
    "mover": "the byte mover",
    "copier": "the word copier",
    "index": "the index register",
    "softmax": "the softmax unit",
    "log_softmax": "the log softmax unit",
    "l2_normalize": "the L2 normalisation unit",
    "arg_max": "the arg max unit",
    "product": "products of two activations",
    "maximum": "columns that keep the greatest or least sum",
    "digits": "weights of several digits",
}
"""What a core has or not, in words."""


class _Window(TypedDict):
    """The fields of a configuration that the depthwise window needs."""

    window: int
    places: int
    single: bool
    pair: bool
    twin: bool
    quad: bool


def _window(jobs: Sequence[Matrix]) -> _Window:
    """What ``jobs`` need of the columns' window."""
    windowed = [job for job in jobs if job.window > 1]
    tokens = [prod(loop.count for loop in job.nest.loops[:3]) for job in windowed]
    divisions = {(job.pair, job.twin) for job in jobs}
    return _Window(
        window=max((job.window for job in windowed), default=0),
        places=1 << (max(tokens, default=1) - 1).bit_length(),
        single=any(count + job.nest.gap == 1 for count, job in zip(tokens, windowed, strict=True)),
        pair=(True, False) in divisions,
        twin=(False, True) in divisions,
        quad=(True, True) in divisions,
    )


def _is_unaligned(job: Job, lanes: int) -> bool:
    """Whether the job needs words that begin at any byte, or writes parts of words."""
    if isinstance(job, WordCopy) and job.part is not None:
        return True
    if not isinstance(job, WordCopy | Matrix) or (isinstance(job, Matrix) and job.pick):
        return False
    steps = (loop.step for loop in job.nest.loops if loop.count > 1)
    return any(place % lanes for place in (job.nest.offset, *steps))


def check_core(schedule: Schedule, program: Program, core: CoreConfig) -> None:
    """Raises DoesNotFit, with the numbers, where a model needs more of something than ``core`` has."""
    needed = configure(schedule, program, core.scratchpad, small=False)
    if core.offset_zeros > needed.offset_zeros:
        raise DoesNotFit(
            f"{schedule.file}: the offsets of the model's requantizers end in {needed.offset_zeros} zeros at "
            f"least, and the core drops {core.offset_zeros} of them."
        )
    # zeros that only this model's offsets end in have to be stored
    needed = replace(needed, offset_bits=needed.offset_bits + needed.offset_zeros - core.offset_zeros)
    names = {
        "bank_depth": "words of a column's weight bank",
        "parameter_depth": "parameter entries",
        "program_depth": "words of program memory",
        "scratchpad_words": "words of scratchpad",
        "table_depth": "entries of the table-sum unit's tables",
        "table_bits": "bits of a table entry",
        "softmax_tables": "softmax tables",
        "log_tables": "log softmax tables",
        "accumulator_bits": "bits of an accumulator",
        "mantissa_bits": "bits of a requantizer's mantissa",
        "offset_bits": "bits of a requantizer's offset",
        "shift_bits": "bits of a requantizer's shift",
        "count_bits": "bits of a loop counter",
        "coordinate_bits": "bits of a row or column",
        "window": "bytes of a depthwise window",
        "places": "depthwise windows of a pixel",
        "vector_lanes": "elements a cycle of the table-sum unit",
    }
    for name, what in names.items():
        least, most = getattr(needed, name), getattr(core, name)
        if least > most:
            raise DoesNotFit(
                f"{schedule.file}: the model needs {least} {what}, the core has {most}; "
                "choose a smaller model."
            )
    for name, value in core.fixed:
        others = {signed_value(each) for each in _values(program, INDEX[name])} - {value}
        if others:
            raise DoesNotFit(
                f"{schedule.file}: the model needs {min(others)} in the register {name}, which always holds "
                f"{value} in the core; build the model a core of its own."
            )
    for name, what in _UNITS.items():
        if getattr(needed, name) and not getattr(core, name):
            raise DoesNotFit(
                f"{schedule.file}: the model needs {what}, which the core does not have; "
                "choose another board."
            )


def _fixed(program: Program) -> tuple[tuple[str, int], ...]:
    """The registers to which the program writes one value only, or nothing, and that value."""
    written = {name: {signed_value(value) for value in _values(program, INDEX[name])} for name in FIXABLE}
    return tuple((name, *(values or {0})) for name, values in written.items() if len(values) <= 1)


def _values(program: Program, opcode: int) -> list[int]:
    """The values of all instructions with ``opcode``."""
    return [word & ((1 << VALUE_BITS) - 1) for word in program.words if word >> VALUE_BITS == opcode]


def _bits(program: Program, prefixes: tuple[str, ...], *others: Opcode) -> int:
    """Bits, sign included, of the largest value that such registers and ``others`` get in the program."""
    values = [value for opcode in others for value in _values(program, opcode)]
    for word in program.words:
        opcode, value = word >> VALUE_BITS, word & ((1 << VALUE_BITS) - 1)
        if opcode < len(REGISTERS) and REGISTERS[opcode].startswith(prefixes):
            values.append(value)
    numbers = [signed_value(value) for value in values]
    extreme = max((max(number, ~number) for number in numbers), default=0)
    return extreme.bit_length() + 1


def prebuilt(board: Board) -> CoreConfig:
    """The configuration of the one core of ``board``, as a bitstream or a simulator is made of it.

    Raises
    ------
    ValueError : each model gets a core of its own.
    """
    if board.core is None:
        raise ValueError(f"{board.name} has no core of its own")
    config = with_link(board.core(board.lanes, board.columns), EMPTY, board.target_mhz)
    return replace(config, multiplier=board.multiplier)


def with_link(config: CoreConfig, image: Image, mhz: float) -> CoreConfig:
    """The configuration with what its host link needs: identity, and a time-out for a clock of ``mhz``.

    The identity is the link protocol's version and this program's, a byte each, and 12 bytes of a hash of
    this model on this core.
    """
    timeout = 1 << (math.ceil(mhz * 1e3 * TIMEOUT_MS) - 1).bit_length()
    timed = replace(config, identity="00" * 16, link_timeout=timeout)
    versions = bytes([PROTOCOL, *(int(part) for part in __version__.split("."))])
    digest = hashlib.sha256(repr((__version__, timed, image)).encode()).digest()
    return replace(timed, identity=(versions + digest).hex()[: 2 * IDENTITY_BYTES])
