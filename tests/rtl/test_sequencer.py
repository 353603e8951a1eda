"""The sequencer: order and cycle of everything that it issues, halting, its counter, its memory."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

import pytest
from amaranth.sim import Simulator

from tests.rtl.support import make_config
from tfl2hw.rtl_templates.isa import (
    BACK_REGISTERS,
    REGISTERS,
    UNSHADOWED,
    VALUE_BITS,
    Kind,
    Opcode,
    instruction,
    kind_of,
    turns_of,
)
from tfl2hw.rtl_templates.sequencer import WAIT_BITS, Sequencer

KINDS = (Kind.MATRIX, Kind.MOVE, Kind.LOAD, Kind.SOFTMAX_SUM, Kind.TABLE)
WAITS = (0, 1, 7, 64, 300)
SETTLED = 60
"""What a halt waits, so that no job has a strobe to come."""


@dataclass(frozen=True, kw_only=True)
class Times:
    """Of a job: cycles from its START on the bus to ``front_done`` and to ``taken``."""

    issue: int
    taken: int


@dataclass(kw_only=True)
class Run:
    """What a run must look like, in cycles after the run strobe; from the documentation.

    ``bus`` maps a cycle to what stands on the bus; ``done`` and ``taken`` are the cycles in which the other
    units give their strobes.
    """

    bus: dict[int, tuple[str, int, int]] = field(default_factory=dict)
    done: list[int] = field(default_factory=list)
    taken: list[int] = field(default_factory=list)
    cycles: int = 0
    pc: int = 0


def follow(words: list[int], pc: int, stops: bool, jobs: list[Times], *, shadows: bool = True) -> Run:
    """Execute ``words`` an instruction a cycle; job number n takes ``jobs[n]``."""
    run, left = Run(), list(jobs)
    now, done, taken = Sequencer.latency - 1, -(1 << WAIT_BITS), 0
    body, turns = 0, 0
    while True:
        opcode, value = words[pc] >> VALUE_BITS, words[pc] & (1 << VALUE_BITS) - 1
        pc += 1
        halts = opcode == Opcode.END or (opcode == Opcode.BREAK and stops)
        if halts or opcode == Opcode.WAIT:
            now = max(now, done + value)
        if halts:
            run.cycles, run.pc = now, pc
            return run
        if opcode < len(REGISTERS):
            if REGISTERS[opcode] in BACK_REGISTERS:
                now = max(now, taken)
            if not shadows and REGISTERS[opcode] in UNSHADOWED:
                now = max(now, done + 1)
            run.bus[now + 1] = ("write", opcode, value)
        if opcode == Opcode.START:
            now = max(now, done, taken)
            run.bus[now + 1] = ("start", opcode & 0x3F, value)
            times = left.pop(0)
            done = now + 1 + times.issue
            run.done.append(done)
            if kind_of(value) != Kind.LOAD:
                run.taken.append(now + 1 + times.taken)
                taken = run.taken[-1] + Sequencer.hears
        if opcode == Opcode.LOOP:
            body, turns = pc, turns_of(value)
        if opcode == Opcode.NEXT:
            turns -= 1
            if turns:
                pc = body
                now += Sequencer.jump - 1
        now += 1


def times(generator: random.Random) -> Times:
    """A job is taken over before or behind its last token."""
    return Times(issue=generator.choice((1, 2, 3, 10, 50)), taken=generator.choice((1, 2, 8, 45)))


def random_program(generator: random.Random, length: int, *, breaks: bool = True) -> list[int]:
    words = []
    waits = (Opcode.WAIT, Opcode.WAIT, Opcode.BREAK) if breaks else (Opcode.WAIT,)
    for _ in range(length):
        choice = generator.random()
        if choice < 0.6:
            words.append(instruction(generator.randrange(len(REGISTERS)), generator.getrandbits(VALUE_BITS)))
        elif choice < 0.75:
            flags = generator.getrandbits(3) << 4
            words.append(instruction(Opcode.START, generator.choice(KINDS) | flags))
        else:
            opcode = generator.choice(waits)
            value = SETTLED if opcode == Opcode.BREAK else generator.choice(WAITS)
            words.append(instruction(opcode, value))
    return [*words, instruction(Opcode.END, SETTLED)]


def random_loops(generator: random.Random) -> list[int]:
    """Pieces without breaks, some of them run several times."""
    words = []
    for _ in range(generator.randrange(1, 4)):
        words += random_program(generator, generator.randrange(4), breaks=False)[:-1]
        words.append(instruction(Opcode.LOOP, generator.choice((1, 2, 3, 7)) - 2))
        words += random_program(generator, generator.randrange(6), breaks=False)[:-1]
        words.append(instruction(Opcode.NEXT))
        words += generator.choice(([], [instruction(Opcode.BREAK, SETTLED)], [instruction(1, 5)]))
    return [*words, instruction(Opcode.END, SETTLED)]


def execute(
    dut: Sequencer,
    runs: list[tuple[int, bool, Run]],
    words: list[int] | None = None,
    pause: int = 5 + max(WAITS),
) -> None:
    """Load ``words`` if given, then make each run (start, breaks halt, what is expected)."""
    last = max(expected.cycles for _, _, expected in runs) + 10

    async def testbench(ctx: Any) -> None:
        for address, word in enumerate(words or []):
            ctx.set(dut.program_enable, 1)
            ctx.set(dut.program_address, address)
            ctx.set(dut.program_data, word)
            await ctx.tick()
        ctx.set(dut.program_enable, 0)
        for pc, stops, expected in runs:
            await ctx.tick().repeat(pause)
            for now in range(last):
                ctx.set(dut.run, now == 0)
                ctx.set(dut.run_pc, pc if now == 0 else 0x2A)
                ctx.set(dut.run_break, stops if now == 0 else not stops)
                ctx.set(dut.front_done, now in expected.done)
                ctx.set(dut.taken, now in expected.taken)
                bus = dut.bus
                _, _, valid, start, register, value, busy = await ctx.tick().sample(
                    bus.valid, bus.start, bus.register, bus.value, dut.busy
                )
                assert busy == (0 < now <= expected.cycles), f"cycle {now}"
                kind, number, wanted = expected.bus.get(now, ("none", 0, 0))
                assert (valid, start) == (kind == "write", kind == "start"), f"cycle {now}"
                if kind != "none":
                    assert value == wanted, f"cycle {now}"
                if kind == "write":
                    assert register == number
                if now > expected.cycles:
                    assert (ctx.get(dut.cycles), ctx.get(dut.pc)) == (expected.cycles, expected.pc)

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(testbench)
    simulator.run()


@pytest.mark.parametrize(("shadows", "bank_registers"), [(True, 0), (False, 0), (True, 1)])
@pytest.mark.parametrize("seed", range(6))
def test_random_programs(seed: int, shadows: bool, bank_registers: int) -> None:
    """A run in one go, then one from break to break, each resumed where the one before halted."""
    generator = random.Random(seed)
    config = make_config(program_depth=64, shadows=shadows, bank_registers=bank_registers)
    words = random_program(generator, generator.randrange(5, 40))
    durations = [times(generator) for _ in words]
    runs = [(0, False, follow(words, 0, False, durations, shadows=shadows))]
    pc, left = 0, list(durations)
    while pc < len(words):
        run = follow(words, pc, True, left, shadows=shadows)
        left = left[len(run.done) :]
        runs.append((pc, True, run))
        pc = run.pc
    execute(Sequencer(config, tuple(words)), runs)


@pytest.mark.parametrize("bank_registers", [0, 1])
@pytest.mark.parametrize("seed", range(8))
def test_random_loops(seed: int, bank_registers: int) -> None:
    """Bodies of any length, empty ones too, in one go and from break to break."""
    generator = random.Random(seed)
    words = random_loops(generator)
    durations = [times(generator) for _ in range(400)]
    runs = [(0, False, follow(words, 0, False, durations))]
    pc, left = 0, list(durations)
    while pc < len(words):
        run = follow(words, pc, True, left)
        left = left[len(run.done) :]
        runs.append((pc, True, run))
        pc = run.pc
    config = make_config(program_depth=128, bank_registers=bank_registers)
    execute(Sequencer(config, tuple(words)), runs)


def test_a_loop_of_as_many_turns_as_the_counter_holds() -> None:
    """Its register writes come every body and jump; the counter has as many bits as those of the nests."""
    words = [
        instruction(Opcode.LOOP, 7),
        instruction(1, 2),
        instruction(Opcode.NEXT),
        instruction(Opcode.END),
    ]
    run = follow(words, 0, False, [])
    assert len(run.bus) == 9
    assert run.cycles == Sequencer.latency - 1 + 1 + 9 * 2 + 8 * (Sequencer.jump - 1)
    execute(Sequencer(make_config(count_bits=4), tuple(words)), [(0, False, run)] * 2)


def test_a_program_that_is_loaded() -> None:
    words = random_program(random.Random(11), 20)
    run = follow(words, 0, False, [Times(issue=4, taken=9)] * 20)
    execute(Sequencer(make_config()), [(0, False, run), (0, False, run)], words)


def test_end_alone() -> None:
    """The shortest program: its cycles are those from the strobe to the first instruction."""
    words = (instruction(Opcode.END),)
    run = follow(list(words), 0, False, [])
    assert (run.cycles, run.pc) == (Sequencer.latency - 1, 1)
    execute(Sequencer(make_config(program_depth=2), words), [(0, False, run)] * 3, pause=1)


def test_a_run_right_behind_another() -> None:
    """What was fetched behind the END of the run before is not executed."""
    words = [instruction(Opcode.END), *(instruction(n, n) for n in range(8)), instruction(Opcode.END)]
    first, second = follow(words, 0, False, []), follow(words, 1, False, [])
    execute(Sequencer(make_config(), tuple(words)), [(0, False, first), (1, True, second)] * 2, pause=1)


@pytest.mark.parametrize("value", [0, 1, 31, 500])
def test_waits_for_what_is_in_flight(value: int) -> None:
    """WAIT goes on ``value`` cycles behind the strobe, also when it comes late."""
    for between in (0, 1, value + 8, value + 9, value + 13):
        words = [instruction(Opcode.START, Kind.MOVE), *[instruction(1, 5)] * between]
        words += [instruction(Opcode.WAIT, value), instruction(2, 7), instruction(Opcode.END)]
        run = follow(words, 0, False, [Times(issue=9, taken=5)])
        write = max(cycle for cycle, (what, *_) in run.bus.items() if what == "write")
        assert write >= run.done[0] + value + 2
        execute(Sequencer(make_config(program_depth=1024), tuple(words)), [(0, False, run)])


def test_a_wait_much_later() -> None:
    """The cycles since the last token are counted as far as a WAIT can ask for, and no further."""
    most = (1 << WAIT_BITS) - 1
    words = [
        instruction(Opcode.START, Kind.MOVE),
        instruction(Opcode.LOOP, 2 * most),
        instruction(Opcode.NEXT),
    ]
    words += [instruction(Opcode.WAIT, most), instruction(Opcode.END, most)]
    run = follow(words, 0, False, [Times(issue=1, taken=1)])
    assert run.cycles < Sequencer.jump * (2 * most + 2) + 20
    execute(Sequencer(make_config(), tuple(words)), [(0, False, run)])


@pytest.mark.parametrize("depth", [2, 7, 8, 16])
def test_a_program_that_fills_its_memory(depth: int) -> None:
    """A halt at the last words tells the word behind it, though the fetch has gone beyond the memory."""
    words = [instruction(1, n) for n in range(depth - 2)] + [
        instruction(Opcode.BREAK),
        instruction(Opcode.END),
    ]
    first = follow(words, 0, True, [])
    assert first.pc == depth - 1
    runs = [
        (0, True, first),
        (first.pc, True, follow(words, first.pc, True, [])),
        (0, False, follow(words, 0, False, [])),
    ]
    execute(Sequencer(make_config(program_depth=depth), tuple(words)), runs)
