"""The cycle model: programs counted by hand, and random ones against sequencer and address generator."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect
from amaranth.sim import Simulator

from tests import small_models
from tests.rtl.support import make_config
from tfl2hw.codegen.compile import compile_model
from tfl2hw.codegen.cycles import CycleCount, count_cycles
from tfl2hw.rtl_templates.address import AddressGenerator
from tfl2hw.rtl_templates.config import CoreConfig
from tfl2hw.rtl_templates.delay import delayed
from tfl2hw.rtl_templates.isa import (
    FLAG_HOLD,
    FLAG_PICK,
    FLAG_STREAM,
    LEVELS,
    REGISTERS,
    Kind,
    Opcode,
    instruction,
    write,
)
from tfl2hw.rtl_templates.latencies import drain, taken
from tfl2hw.rtl_templates.sequencer import Sequencer

END, BREAK, NEXT = (instruction(opcode) for opcode in (Opcode.END, Opcode.BREAK, Opcode.NEXT))
WAIT = instruction(Opcode.WAIT, 40)


def end(value: int) -> int:
    return instruction(Opcode.END, value)


def config_for(shape: tuple[int, int, int], **changes: Any) -> CoreConfig:
    """With every unit, so that each kind of job has its drain."""
    return make_config(shape, program_depth=512, vector_lanes=2, table_depth=256, table_bits=20, **changes)


CONFIGS = [
    config_for((4, 4, 1), multiplier_latency=2, bank_registers=0, parameter_registers=0, product_latency=3),
    config_for((8, 8, 4)),
    config_for((16, 4, 2), vector_shift=12),
]


def job(kind: Kind, counts: tuple[int, ...], gap: int = 0, flags: int = 0) -> list[int]:
    """Every register that decides how long a job takes, and its start."""
    words = [write(f"count{level}", count - 2) for level, count in enumerate(counts)]
    return [*words, write("gap", gap - 1), instruction(Opcode.START, kind | flags)]


def loads(words: int, count: int, parameter_words: int) -> list[int]:
    values = {"load_words": words - 2, "load_count": count - 2, "load_parameter_words": parameter_words - 2}
    return [write(name, value) for name, value in values.items()]


@pytest.mark.parametrize("config", CONFIGS, ids=lambda c: f"{c.lanes}x{c.columns}")
def test_counted_by_hand(config: CoreConfig) -> None:
    """From the units' latencies: an instruction a cycle from cycle 3 on, bus, first token, last token."""
    assert count_cycles([END], config) == CycleCount(total=3, breaks=())
    assert count_cycles([write("low", 0), END], config).total == 4
    assert count_cycles([BREAK, write("low", 0), BREAK, END], config) == CycleCount(total=6, breaks=(3, 5))
    # eight instructions before START, executed in cycle 3 + 8 - 1; then bus, token
    one = job(Kind.MATRIX, (1,) * 6)
    started = 3 + len(one) - 1
    first_token = started + 1 + AddressGenerator.start_latency
    for value in (0, 1, 90):
        assert count_cycles([*one, end(value)], config).total == first_token + 1 + value
    many = job(Kind.MOVE, (2, 3, 1, 4, 1, 2))
    last_token = first_token + 48 - 1
    assert count_cycles([*many, end(30)], config).total == last_token + 1 + 30
    # what waits for nothing goes on at once, the next START a cycle behind the last token
    assert count_cycles([*many, BREAK, END], config).breaks == (started + 1,)
    again = count_cycles([*many, many[-1], end(5)], config).total
    assert again == last_token + 1 + 2 + 48 + 5
    # registers of the address generator are free, the others when the first token is where it is used
    assert count_cycles([*many, *[write("base", 0)] * 3, BREAK, END], config).breaks == (started + 4,)
    late = first_token + taken(config)[Kind.MOVE] + 1
    assert count_cycles([*many, write("low", 0), BREAK, END], config).breaks == (late,)
    gaps = job(Kind.TABLE, (2, 1, 1, 3, 2, 1), gap=5)
    last_token = first_token + 6 * 2 + 5 * 5 - 1
    assert count_cycles([*gaps, end(9)], config).total == last_token + 1 + 9


def test_a_wait_that_has_nothing_to_wait_for_takes_a_cycle() -> None:
    config = CONFIGS[1]
    words = job(Kind.MOVE, (1,) * 6)
    late = [write("low", 0)] * 100
    with_wait, without = (
        count_cycles([*words, *late, *wait, END], config).total
        for wait in ([instruction(Opcode.WAIT, 50)], [])
    )
    assert with_wait == without + 1


def test_streamed_by_hand() -> None:
    """Each group: a cycle, every column's words, every requantizer's, then its pixels."""
    config = CONFIGS[2]
    words = [*loads(5, config.columns, 3), *job(Kind.MATRIX, (5, 1, 1, 2, 2, 3), 2, FLAG_STREAM)]
    group = 1 + 5 * 4 + 3 * 2 + 4 * 5 + 3 * 2
    plain = count_cycles([*words[:3], *job(Kind.MATRIX, (1,) * 6), END], config).total
    assert count_cycles([*words, END], config).total == plain - 1 + 3 * group


@pytest.mark.parametrize("config", CONFIGS, ids=lambda c: f"{c.lanes}x{c.columns}")
def test_loops_by_hand(config: CoreConfig) -> None:
    """LOOP and the last NEXT take a cycle each; a NEXT that goes back takes three."""
    for turns in (1, 2, 3, 1000):
        words = [instruction(Opcode.LOOP, turns - 2), write("low", 0), write("low", 1), NEXT, END]
        assert count_cycles(words, config).total == 3 + 1 + 2 * turns + 3 * (turns - 1) + 1
    # a body with a job in flight: from turn to turn its drain, behind which the next one begins
    nest, start = job(Kind.MOVE, (1, 1, 1, 5, 1, 1))[:-1], instruction(Opcode.START, Kind.MOVE)
    totals = [
        count_cycles([*nest, instruction(Opcode.LOOP, turns - 2), WAIT, start, NEXT, END], config).total
        for turns in (3, 4, 100_000)
    ]
    # from a token to the next one: the wait behind the strobe, START, the bus
    turn = 5 + 1 + 40 + 1 + 2 - 1
    assert totals[1] - totals[0] == turn
    assert totals[2] - totals[1] == (100_000 - 4) * turn


def test_loops_whose_first_turns_differ() -> None:
    """Registers that the body changes for its next turn, and a drain that the first turn does not see."""
    config = CONFIGS[1]
    nest, start = job(Kind.MOVE, (1,) * 6)[:-1], instruction(Opcode.START, Kind.SOFTMAX_SUM)
    body = [start, write("count3", 40), WAIT, start, write("count3", 7), write("gap", 3)]
    for turns in (1, 2, 3, 4, 9):
        once = [*nest, instruction(Opcode.LOOP, turns - 2), *body, NEXT, END]
        assert count_cycles(once, config).total == simulate(config, once)


def test_a_program_without_an_end() -> None:
    with pytest.raises(ValueError, match="the program has no END"):
        count_cycles([BREAK], CONFIGS[0])


class Bench(wiring.Component):
    """Sequencer and address generator: all that decides how long a program takes."""

    def __init__(self, config: CoreConfig, program: list[int]) -> None:
        self._config = config
        self._program = tuple(program)
        super().__init__({
            "run": In(1),
            "run_break": In(1),
            "run_pc": In(16),
            "busy": Out(1),
            "cycles": Out(32),
            "pc": Out(16),
        })

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config = self._config
        m.submodules.sequencer = sequencer = Sequencer(config, self._program)
        m.submodules.address = address = AddressGenerator(config)
        connect(m, sequencer.bus, address.bus)
        request = address.request
        for kind, cycles in taken(config).items():
            begins = request.begins & (request.kind == kind)
            with m.If(delayed(m, begins, cycles - AddressGenerator.latency, f"taken_{kind.name}")):
                m.d.comb += sequencer.taken.eq(1)
        m.d.comb += [
            sequencer.front_done.eq(address.front_done), sequencer.run.eq(self.run),
            sequencer.run_pc.eq(self.run_pc), sequencer.run_break.eq(self.run_break),
            self.busy.eq(sequencer.busy), self.cycles.eq(sequencer.cycles), self.pc.eq(sequencer.pc),
        ]  # fmt: skip
        return m


def simulate(config: CoreConfig, program: list[int]) -> int:
    """The cycle counter behind END."""
    dut = Bench(config, program)
    counted = []

    async def testbench(ctx: Any) -> None:
        ctx.set(dut.run, 1)
        await ctx.tick()
        ctx.set(dut.run, 0)
        await ctx.tick().until(~dut.busy)
        assert ctx.get(dut.pc) == len(program)
        counted.append(ctx.get(dut.cycles))

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(testbench)
    simulator.run()
    return counted[0]


def random_job(generator: random.Random, config: CoreConfig) -> list[int]:
    counts = tuple(generator.choice((1, 1, 2, 3)) for _ in range(LEVELS))
    gap = generator.choice((0, 0, 1, 2, 9))
    kind = generator.choice(list(drain(config)))
    if kind == Kind.LOAD:
        return [
            *loads(generator.randrange(1, 9), generator.randrange(1, 4), 1),
            instruction(Opcode.START, kind),
        ]
    if kind != Kind.MATRIX:
        return job(kind, counts, gap)
    flags = generator.choice((0, FLAG_PICK, FLAG_PICK | FLAG_HOLD))
    if generator.random() < 0.4:
        words = loads(generator.randrange(1, 6), config.columns, generator.randrange(1, 4))
        return [*words, *job(kind, counts, gap, flags | FLAG_STREAM)]
    return job(kind, counts, gap, flags)


@pytest.mark.parametrize("config", CONFIGS, ids=lambda c: f"{c.lanes}x{c.columns}")
@pytest.mark.parametrize("seed", range(4))
def test_random_programs_against_the_hardware(config: CoreConfig, seed: int) -> None:
    generator = random.Random(seed)
    others = [name for name in REGISTERS if not name.startswith(("count", "gap", "load"))]
    program: list[int] = []
    for _ in range(8):
        for _ in range(generator.choice((0, 1, 3, 40))):
            program.append(write(generator.choice(others), generator.getrandbits(10)))
        program += generator.choice(([], [WAIT], [WAIT, WAIT], [BREAK], [BREAK, WAIT]))
        work = random_job(generator, config)
        if generator.random() < 0.3:
            more = generator.choice(([], [WAIT], [write("base_add", 3), WAIT]))
            work = [instruction(Opcode.LOOP, generator.choice((1, 2, 5)) - 2), *work, *more, NEXT]
        program += work
    program.append(END)
    assert count_cycles(program, config).total == simulate(config, program)


@pytest.mark.parametrize(
    ("board", "shape"), [("sim-large", (8, 8)), ("ulx3s-85f", (8, 4)), ("icebreaker", (4, 4))]
)
def test_a_models_program_against_the_hardware(board: str, shape: tuple[int, int], tmp_path: Path) -> None:
    path = small_models.network(3, residual=False).write(tmp_path, "network")
    compiled = compile_model(path, board, "litert-ref", *shape)
    assert compiled.cycles.total == simulate(compiled.config, list(compiled.program.words))
    assert sum(compiled.cycles.layers()) == compiled.cycles.total
    assert len(compiled.cycles.breaks) == len(compiled.schedule.layers)
