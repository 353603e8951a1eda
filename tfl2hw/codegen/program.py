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
from tfl2hw.schedule.schedule import Schedule, SoftmaxRows, Table, stream_name
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


@dataclass(kw_only=True)
class _Repeated:
    """Jobs that run ``turns`` times; ``base`` moves on by ``step`` bytes from turn to turn.

    ``registers`` hold for all of them and are written once; those of a job are written in the loop,
    wherever they differ from what the job before it has left.
    """

    turns: int
    step: int
    registers: dict[str, int]
    jobs: tuple[_Started, ...]


def assemble(schedule: Schedule) -> Program:
    """The program of a schedule; its layers end at breakpoints."""
    assembler = _Assembler()
    breaks: list[int] = []
    jobs = _started(schedule)
    for layer in schedule.layers:
        for _ in layer.jobs:
            job = next(jobs)
            if isinstance(job, _Repeated):
                assembler.repeat(job)
            else:
                assembler.start(job)
        assembler.words.append(instruction(Opcode.BREAK))
        breaks.append(len(assembler.words))
    assembler.words.append(instruction(Opcode.END))
    return Program(words=tuple(assembler.words), breaks=tuple(breaks))


class _Assembler:
    """Puts instructions together; knows what the registers hold, and whether a job is in flight."""

    def __init__(self) -> None:
        self.words: list[int] = []
        self._known: dict[str, int] = {}
        self._pending = False

    def start(self, job: _Started) -> None:
        """A job: front registers, then WAIT, then back registers, so that the drain is used."""
        self._registers(job.registers)
        self.words.append(instruction(Opcode.START, job.kind | job.flags))
        self._pending = True

    def repeat(self, loop: _Repeated) -> None:
        """A loop, or, for a single turn, its jobs one after the other."""
        self._registers(loop.registers)
        if loop.turns == 1:
            for job in loop.jobs:
                self.start(job)
            return
        self.words.append(instruction(Opcode.LOOP, loop.turns - 2))
        # where the body begins, a turn may have gone before: a job in flight, its registers written
        self._pending = True
        for job in loop.jobs:
            for name in job.registers:
                self._known.pop(name, None)
        for job in loop.jobs:
            self.start(job)
        self.words += [write("base_add", loop.step), instruction(Opcode.NEXT)]
        self._known.pop("base", None)

    def _registers(self, registers: dict[str, int]) -> None:
        self._write(registers, FRONT_REGISTERS)
        if self._pending:
            self.words.append(instruction(Opcode.WAIT))
            self._pending = False
        self._write(registers, BACK_REGISTERS)

    def _write(self, registers: dict[str, int], names: tuple[str, ...]) -> None:
        for name in names:
            if name not in registers:
                continue
            value = registers[name] & ((1 << VALUE_BITS) - 1)
            if self._known.get(name) != value or name in ALWAYS_WRITTEN:
                self.words.append(write(name, value))
                self._known[name] = value


def _started(schedule: Schedule) -> Iterator[_Started | _Repeated]:
    """What the hardware runs for each job, with its registers, in order."""
    addresses = schedule.memory.addresses
    matrix = _MatrixRegisters(schedule)
    for layer in schedule.layers:
        for job in layer.jobs:
            registers = job.nest.registers(addresses) | job.output.registers(addresses[job.output.target])
            if isinstance(job, Matrix):
                yield matrix.start(job, registers)
            elif isinstance(job, Move):
                yield _Started(kind=Kind.MOVE, registers=registers | {"pad_value": job.pad_value})
            elif isinstance(job, Table):
                yield _Started(kind=Kind.TABLE, registers=registers | _table_registers(job))
            else:
                yield _softmax(job, registers, schedule.target.softmax_interval)


def _table_registers(job: Table) -> dict[str, int]:
    return {
        "zero_point": job.zero_point,
        "low": job.low,
        "high": job.high,
        "table_base": 256 * job.number,
    }


def _softmax(job: SoftmaxRows, registers: dict[str, int], interval: int) -> _Repeated:
    """Three passes a row; the last one waits between two bytes."""
    dense = {"gap": registers.pop("gap")}
    return _Repeated(
        turns=job.rows,
        step=job.pitch,
        registers=registers | {"exponential_base": 256 * job.table},
        jobs=(
            _Started(kind=Kind.SOFTMAX_MAX, registers=dense),
            _Started(kind=Kind.SOFTMAX_SUM),
            _Started(kind=Kind.SOFTMAX_SCALE, registers={"gap": interval - 2}),
        ),
    )


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
