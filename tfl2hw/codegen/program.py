"""Assembles the program: register writes and job starts, only what changes from job to job."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from tfl2hw.rtl_templates.isa import (
    BACK_REGISTERS,
    FLAG_HOLD,
    FLAG_PICK,
    FLAG_STREAM,
    FRONT_REGISTERS,
    VALUE_BITS,
    Kind,
    Opcode,
    instruction,
    write,
)
from tfl2hw.schedule.matrix import Matrix, Move
from tfl2hw.schedule.schedule import Job, Schedule, SoftmaxRow, Table, stream_name
from tfl2hw.schedule.widths import parameter_words

ALWAYS_WRITTEN = ("out_base", "parameter_base")
"""Registers that the hardware itself moves on."""


@dataclass(frozen=True, kw_only=True)
class Program:
    """The words, and for each layer the word behind its BREAK (the ``pc`` at which a run halts)."""

    words: tuple[int, ...]
    breaks: tuple[int, ...]


@dataclass(kw_only=True)
class _Started:
    """One START with the registers that it needs."""

    kind: Kind
    flags: int = 0
    registers: dict[str, int] = field(default_factory=dict)


def assemble(schedule: Schedule) -> Program:
    """The program of a schedule; its layers end at breakpoints."""
    words: list[int] = []
    breaks: list[int] = []
    known: dict[str, int] = {}
    jobs = _started(schedule)
    pending = False
    for layer in schedule.layers:
        for _ in range(_starts(layer.jobs)):
            started = next(jobs)
            words += _writes(started, FRONT_REGISTERS, known)
            if pending:
                words.append(instruction(Opcode.WAIT))
            words += _writes(started, BACK_REGISTERS, known)
            words.append(instruction(Opcode.START, started.kind | started.flags))
            pending = True
        words.append(instruction(Opcode.BREAK))
        breaks.append(len(words))
    words.append(instruction(Opcode.END))
    return Program(words=tuple(words), breaks=tuple(breaks))


def _starts(jobs: tuple[Job, ...]) -> int:
    """Hardware jobs of a layer: a softmax row takes three passes."""
    return sum(3 if isinstance(job, SoftmaxRow) else 1 for job in jobs)


def _writes(started: _Started, names: tuple[str, ...], known: dict[str, int]) -> list[int]:
    words = []
    for name in names:
        if name not in started.registers:
            continue
        value = started.registers[name] & ((1 << VALUE_BITS) - 1)
        if known.get(name) != value or name in ALWAYS_WRITTEN:
            words.append(write(name, value))
            known[name] = value
    return words


def _started(schedule: Schedule) -> Iterator[_Started]:
    """Every hardware job with its registers, in order."""
    addresses = schedule.memory.addresses
    matrix = _MatrixRegisters(schedule)
    for layer in schedule.layers:
        for job in layer.jobs:
            registers = job.nest.registers(addresses)
            back = job.output.registers(addresses[job.output.target])
            if isinstance(job, Matrix):
                yield matrix.start(job, registers | back)
            elif isinstance(job, Move):
                yield _Started(kind=Kind.MOVE, registers=registers | back | {"pad_value": job.pad_value})
            elif isinstance(job, Table):
                yield _Started(kind=Kind.TABLE, registers=registers | back | _table_registers(job))
            else:
                yield from _softmax(job, registers, back, schedule.target.softmax_interval)


def _table_registers(job: Table) -> dict[str, int]:
    return {
        "zero_point": job.zero_point,
        "low": job.low,
        "high": job.high,
        "table_base": 256 * job.number,
    }


def _softmax(
    job: SoftmaxRow, front: dict[str, int], back: dict[str, int], interval: int
) -> Iterator[_Started]:
    yield _Started(kind=Kind.SOFTMAX_MAX, registers=front)
    yield _Started(kind=Kind.SOFTMAX_SUM, registers=front)
    back = back | {"out_base": back["out_base"] + job.row_offset}
    yield _Started(kind=Kind.SOFTMAX_SCALE, registers=front | {"gap": interval - 2} | back)


class _MatrixRegisters:
    """Weight and parameter addresses, which go on from matrix job to matrix job."""

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule
        self._number = 0
        self._weight_base = 0
        self._parameter_base = 0

    def start(self, job: Matrix, registers: dict[str, int]) -> _Started:
        """The START of the next matrix job."""
        schedule, target = self._schedule, self._schedule.target
        rescale = job.rescale
        registers = registers | {
            "pad_value": job.pad_value,
            "zero_point": rescale.zero_point,
            "low": rescale.low,
            "high": rescale.high,
        }
        flags = (FLAG_PICK if job.pick else 0) | (FLAG_HOLD if job.hold else 0)
        words = job.weights.shape[2]
        if target.streamed:
            flags |= FLAG_STREAM
            entry_words = target.chain * parameter_words(schedule.parameters, target)
            registers |= {
                "weight_base": 0, "parameter_base": 0, "load_address": 0, "load_first": 0,
                "load_base": schedule.memory.addresses[stream_name(self._number)],
                "load_words": words - 2, "load_count": target.columns - 2,
                "load_parameter_words": entry_words - 2,
            }  # fmt: skip
        else:
            registers |= {"weight_base": self._weight_base, "parameter_base": self._parameter_base}
            self._weight_base += job.groups * words
            self._parameter_base += job.groups * target.chain
        self._number += 1
        return _Started(kind=Kind.MATRIX, flags=flags, registers=registers)
