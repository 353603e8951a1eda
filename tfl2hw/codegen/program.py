"""Assembles the program: register writes and job starts, only what changes from job to job."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice

from tfl2hw.rtl_templates.config import CoreConfig
from tfl2hw.rtl_templates.isa import (
    BACK_REGISTERS,
    BANKED,
    FLAG_DIGITS,
    FLAG_HOLD,
    FLAG_INDEXED,
    FLAG_MAXIMUM,
    FLAG_MINIMUM,
    FLAG_PAIR,
    FLAG_PICK,
    FLAG_PRODUCT,
    FLAG_STREAM,
    FLAG_TWIN,
    FRONT_REGISTERS,
    FUNCTION_SHIFT,
    PART_SHIFT,
    Kind,
    Opcode,
    instruction,
    write,
)
from tfl2hw.rtl_templates.sequencer import WAIT_BITS
from tfl2hw.schedule.elementwise import Table
from tfl2hw.schedule.functions import Function
from tfl2hw.schedule.jobs import Schedule, output, stream_name
from tfl2hw.schedule.lookup import Index, IndexedCopy
from tfl2hw.schedule.matmul import LoadedMatrix
from tfl2hw.schedule.matrix import Matrix, Move, WordCopy
from tfl2hw.schedule.rows import Rows
from tfl2hw.schedule.widths import parameter_words

from .hazards import SOONEST, Hazards
from .issue import MASK, Counted

ALWAYS_WRITTEN = "out_base"
"""A register that the hardware itself moves on."""

ONCE = 1 - 2
"""What the counter of a level that turns once holds."""


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


def assemble(schedule: Schedule, config: CoreConfig | None) -> Program:
    """The program of a schedule for a core like ``config``; its layers end at breakpoints.

    Without ``config``: the same with a wait before every job, by which a core's sizes can be found.
    """
    assembler = _Assembler(config, schedule.target.chain)
    breaks: list[int] = []
    starts = _started(schedule)
    for layer in schedule.layers:
        for started in islice(starts, len(layer.jobs)):
            for each in started:
                if isinstance(each, _Repeated):
                    assembler.repeat(each)
                else:
                    assembler.start(each)
        assembler.rest(Opcode.BREAK)
        breaks.append(len(assembler.words))
    assembler.rest(Opcode.END)
    return Program(words=tuple(assembler.words), breaks=tuple(breaks))


class _Assembler:
    """Puts instructions together; knows what the registers hold, and what is on its way."""

    def __init__(self, config: CoreConfig | None, chain: int) -> None:
        self.words: list[int] = []
        self._chain = chain
        self._known: dict[str, int] = {}
        self._banks: tuple[dict[str, int], dict[str, int]] = ({}, {})
        self._bank = 0
        self._hazards = None if config is None else Hazards(config)

    def start(self, job: _Started) -> None:
        """A job: its registers, written while the one before is under way, then a wait, if it needs one."""
        self._registers(job.registers)
        self._start(job, self._delay(job, job.registers))

    def repeat(self, loop: _Repeated) -> None:
        """A loop, or, for a single turn, its jobs one after the other."""
        if loop.turns == 1:
            for job in loop.jobs:
                self.start(replace(job, registers=loop.registers | job.registers))
            return
        self._registers(loop.registers)
        # the first turn finds what was before on its way; the second one, like all behind it, the first one
        turns = [
            [self._delay(job, loop.registers | job.registers, vague=True) for job in loop.jobs]
            for _ in range(2)
        ]
        self.words.append(instruction(Opcode.LOOP, loop.turns - 2))
        # where the body begins, a turn may have gone before, with its registers written
        for job in loop.jobs:
            for name in job.registers:
                self._known.pop(name, None)
        for job, *delays in zip(loop.jobs, *turns, strict=True):
            self._registers(job.registers)
            self._start(job, max(delays))
        self.words += [write("base_add", loop.step), instruction(Opcode.NEXT)]
        self._known.pop("base", None)

    def rest(self, opcode: Opcode) -> None:
        """BREAK or END, which wait for all that is on its way where they halt."""
        self._wait(opcode, 0 if self._hazards is None else self._hazards.rest - SOONEST)

    def _delay(self, job: _Started, registers: Mapping[str, int], *, vague: bool = False) -> int:
        """Cycles from the last job's last token to this START; without a core, some."""
        if self._hazards is None:
            return SOONEST + 1
        return self._hazards.start(registers, job.kind | job.flags, vague=vague)

    def _start(self, job: _Started, delay: int) -> None:
        if delay > SOONEST:
            self._wait(Opcode.WAIT, delay - SOONEST - 1)  # the START comes a cycle behind the WAIT
        self.words.append(instruction(Opcode.START, job.kind | job.flags))
        if job.kind == Kind.MATRIX:
            self._pass_parameters(job.registers)

    def _wait(self, opcode: Opcode, cycles: int) -> None:
        cycles = max(0, cycles)
        assert cycles < 1 << WAIT_BITS, "a wait is longer than the sequencer counts"
        self.words.append(instruction(opcode, cycles))

    def _pass_parameters(self, registers: Mapping[str, int]) -> None:
        """Behind a matrix job the requantizers stand at the parameters that follow its own."""
        counted = Counted(registers=registers)
        self._known["parameter_base"] += self._chain * counted.counts[5]
        if not counted.last_pixel_emits:
            del self._known["parameter_base"]

    def _registers(self, registers: Mapping[str, int]) -> None:
        registers = {name: value for name, value in registers.items() if not _is_idle(name, registers)}
        self._write_steps(registers)
        for name in FRONT_REGISTERS + BACK_REGISTERS:
            if name not in registers or name in BANKED:
                continue
            value = registers[name] & MASK
            if self._known.get(name) != value or name == ALWAYS_WRITTEN:
                self.words.append(write(name, value))
                self._known[name] = value

    def _write_steps(self, registers: Mapping[str, int]) -> None:
        """Steps that differ from those of the job under way go to the other bank, with all that it lacks."""
        wanted = {name: registers[name] & MASK for name in BANKED if name in registers}
        if wanted.items() <= self._banks[self._bank].items():
            return
        self._bank = 1 - self._bank
        self.words.append(write("step_bank", self._bank))
        held = self._banks[self._bank]
        self.words += [write(name, value) for name, value in wanted.items() if held.get(name) != value]
        held |= wanted


def _is_idle(name: str, registers: Mapping[str, int]) -> bool:
    """Whether ``name`` is a step of a level that turns once, which nobody takes."""
    if name in BANKED:
        return registers.get(f"count{name[-1]}") == ONCE
    counter = {"out_step_pixel": "out_inner", "out_step_row": "out_outer"}.get(name)
    return counter is not None and registers.get(counter) == ONCE


def _started(schedule: Schedule) -> Iterator[tuple[_Started | _Repeated, ...]]:
    """What the hardware runs for each job, with its registers, in order."""
    addresses = schedule.memory.addresses
    matrix = _MatrixRegisters(schedule)
    for layer in schedule.layers:
        for job in layer.jobs:
            if isinstance(job, LoadedMatrix):
                yield tuple(matrix.blocks(job, addresses))
                continue
            registers, written = job.nest.registers(addresses), output(job)
            if written is not None:
                registers |= written.registers(addresses[written.target])
            if isinstance(job, Matrix):
                yield (matrix.start(job, registers),)
            elif isinstance(job, Move | WordCopy):
                yield (_copy(job, registers, schedule.target.lanes),)
            elif isinstance(job, Table):
                yield (_Started(kind=Kind.TABLE, registers=registers | _table_registers(job)),)
            elif isinstance(job, Function):
                flags = job.number << FUNCTION_SHIFT
                registers |= {"function_fields": job.fields}
                yield (_Started(kind=Kind.FUNCTION, flags=flags, registers=registers),)
            elif isinstance(job, Index):
                yield (_Started(kind=Kind.INDEX, registers=registers),)
            else:
                yield (_rows(job, registers),)


def _copy(job: Move | WordCopy, registers: dict[str, int], lanes: int) -> _Started:
    kind = Kind.MOVE if isinstance(job, Move) else Kind.COPY
    flags = FLAG_INDEXED if isinstance(job, IndexedCopy) else 0
    if isinstance(job, WordCopy) and job.part is not None:
        flags |= (lanes // job.part).bit_length() - 1 << PART_SHIFT
    return _Started(kind=kind, flags=flags, registers=registers | {"pad_value": job.pad_value})


def _table_registers(job: Table) -> dict[str, int]:
    assert -128 <= job.zero_point <= 127, "a zero point is wider than its register"
    return {
        "zero_point": job.zero_point,
        "low": job.low,
        "high": job.high,
        "table_base": 256 * job.number,
    }


def _rows(job: Rows, registers: dict[str, int]) -> _Repeated:
    """The passes over a row, for each row."""
    registers.pop("gap")
    if job.table is not None:
        registers["exponential_base"] = job.table
    if job.zero_point is not None:
        registers["zero_point"] = job.zero_point
    return _Repeated(
        turns=job.rows,
        step=job.pitch,
        registers=registers,
        jobs=tuple(
            _Started(kind=each.kind, flags=each.flags, registers={"gap": each.gap - 1}) for each in job.passes
        ),
    )


class _MatrixRegisters:
    """Weight and parameter addresses, which go on from matrix job to matrix job."""

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule
        self._number = 0
        self._weight_base = 0
        self._parameter_base = 0

    def blocks(self, job: LoadedMatrix, addresses: Mapping[str, int]) -> Iterator[_Started]:
        """For each block of columns the loads of its weights, then the matrix job."""
        weight_base, parameter_base, written = self._weight_base, self._parameter_base, job.matrix.output
        for block in job.blocks:
            for copy in range(job.copies):
                yield _Started(
                    kind=Kind.LOAD,
                    registers={
                        "load_base": addresses[job.source] + block.source,
                        "load_words": job.words - 2,
                        "load_first": 0,
                        "load_count": block.columns - 2,
                        "load_address": weight_base + copy * job.words,
                    },
                )
            registers = job.matrix.nest.registers(addresses)
            registers |= written.registers(addresses[written.target] + block.offset)
            self._weight_base, self._parameter_base = weight_base, parameter_base
            yield self.start(job.matrix, registers)
        self._number -= len(job.blocks) - 1

    def start(self, job: Matrix, registers: dict[str, int]) -> _Started:
        """The START of the next matrix job."""
        schedule, target = self._schedule, self._schedule.target
        rescale = job.rescale
        assert -256 <= rescale.zero_point <= 255, "a zero point is wider than its register"
        registers = registers | {
            "pad_value": job.pad_value,
            "zero_point": rescale.zero_point,
            "low": rescale.low,
            "high": rescale.high,
        }
        flags, words = _flags(job), job.weights.shape[2]
        if target.streamed:
            flags |= FLAG_STREAM
            entry_words = target.chain * parameter_words(schedule.parameters, target)
            if not self._number:
                registers |= {"parameter_base": 0}  # from then on they go around
            registers |= {
                "weight_base": 0, "load_address": 0, "load_first": 0,
                "load_base": schedule.memory.addresses[stream_name(self._number)],
                "load_words": words - 2, "load_count": target.columns - 2,
                "load_parameter_words": entry_words - 2,
            }  # fmt: skip
        else:
            registers |= {"weight_base": self._weight_base, "parameter_base": self._parameter_base}
            self._weight_base += job.groups * words
            self._parameter_base += job.parameter_groups * target.chain
        self._number += 1
        return _Started(kind=Kind.MATRIX, flags=flags, registers=registers)


def _flags(job: Matrix) -> int:
    """The flags of a matrix job's START."""
    chosen = {
        FLAG_PICK: job.pick,
        FLAG_HOLD: job.hold,
        FLAG_PRODUCT: job.product,
        FLAG_DIGITS: job.digits,
        FLAG_PAIR: job.pair,
        FLAG_TWIN: job.twin,
        FLAG_MAXIMUM: job.reduction == "maximum",
        FLAG_MINIMUM: job.reduction == "minimum",
    }
    return sum(flag for flag, is_set in chosen.items() if is_set)
