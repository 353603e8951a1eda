"""The scratchpad of every kind against a dictionary, reads and writes at random in every cycle."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from amaranth.hdl import Module
from amaranth.sim import Simulator

from tests.rtl_templates.netlist import simulate_netlist
from tfl2hw.rtl_templates.config import CoreConfig
from tfl2hw.rtl_templates.scratchpad import Scratchpad

PORTS = ("read_address", "write_enable", "write_address", "write_data")


def config(lanes: int, columns: int, words: int, scratchpad: str, *, unaligned: bool = False) -> CoreConfig:
    return CoreConfig(
        lanes=lanes, columns=columns, requantizers=1, accumulator_bits=24, mantissa_bits=20,
        mantissa_fraction=19, offset_bits=24, shift_bits=5, bank_depth=16, parameter_depth=16,
        program_depth=16, scratchpad_words=words, scratchpad=scratchpad, unaligned=unaligned,
    )  # fmt: skip


def traffic(config: CoreConfig, cycles: int, rng: random.Random):
    """Rows for the ports, and what must be read (None: not defined) ``read_latency`` cycles later."""
    half = 1 << (config.word_address_bits - 1)
    near = [*range(8), *range(half, half + 8), config.scratchpad_words - 1]
    memory: dict[int, int] = {}
    rows, wanted = [], []
    for _ in range(cycles):
        read, write = rng.choice(near), rng.choice(near)
        enable = rng.choice([0, rng.getrandbits(config.lanes), (1 << config.lanes) - 1])
        data = rng.getrandbits(8 * config.lanes)
        clash = read == write if config.scratchpad == "block" else read // half == write // half
        wanted.append(None if clash and enable else memory.get(read, 0))
        mask = sum(0xFF << 8 * n for n in range(config.lanes) if enable >> n & 1)
        memory[write] = memory.get(write, 0) & ~mask | data & mask
        rows.append((read, enable, write, data))
    return rows, wanted


def behavioural(dut: Scratchpad, rows, ports: tuple[str, ...] = PORTS) -> list[int]:
    seen = []

    async def bench(ctx):
        for row in rows:
            for port, value in zip(ports, row, strict=True):
                ctx.set(getattr(dut, port), value)
            ctx.set(dut.writes, bool(row[1]))
            seen.append(ctx.get(dut.read_data))
            await ctx.tick()

    m = Module()
    m.submodules.dut = dut
    simulator = Simulator(m)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    return seen


def compare(seen: list[int], wanted: list[int | None], latency: int) -> None:
    pairs = [(got, want) for got, want in zip(seen[latency:], wanted, strict=False) if want is not None]
    assert len(pairs) > len(wanted) // 3
    assert [got for got, _ in pairs] == [want for _, want in pairs]


@pytest.mark.parametrize(
    ("lanes", "columns", "words", "kind"),
    [(4, 4, 64, "block"), (8, 8, 100, "block"), (8, 4, 64, "block"), (4, 2, 64, "block"),
     (16, 4, 32, "block"), (4, 4, 64, "spram-model"), (4, 2, 64, "spram-model"), (4, 4, 1024, "spram-model")],
)  # fmt: skip
def test_reads_what_was_written(lanes: int, columns: int, words: int, kind: str) -> None:
    shape = config(lanes, columns, words, kind)
    rows, wanted = traffic(shape, 1500, random.Random(lanes * columns))
    latency = Scratchpad.read_latency(shape)
    seen = behavioural(Scratchpad(shape), [*rows, *[(0, 0, 0, 0)] * latency])
    compare(seen, wanted, latency)


@pytest.mark.parametrize(
    ("lanes", "words", "near"),
    [
        (4, 64, (0,)), (8, 64, (0,)), (16, 64, (0,)), (32, 64, (0,)),
        (4, 6000, (0, 4096 - 5, 6000 - 11)),
        (4, 4096 + 16384, (16384 - 5, 20480 - 11)),
        (4, 40000, (0, 16384 - 5, 32768 - 5, 40000 - 11)),
    ],
)  # fmt: skip
def test_reads_from_any_byte_on(lanes: int, words: int, near: tuple[int, ...]) -> None:
    """Bytes of a word and of the next one, also where one block RAM ends and another begins; what is
    written in the same cycle is not looked at.
    """
    shape, rng = config(lanes, 4, words, "block", unaligned=True), random.Random(lanes)
    memory: dict[int, int] = {}
    rows, wanted = [], []
    for _ in range(2000):
        word, offset = rng.choice(near) + rng.randrange(10), rng.randrange(lanes)
        write = rng.choice(near) + rng.randrange(11)
        enable = rng.choice([0, rng.getrandbits(lanes), (1 << lanes) - 1])
        data = rng.randbytes(lanes)
        first = word * lanes + offset
        clash = enable and write in (word, word + 1)
        read = bytes(memory.get(first + n, 0) for n in range(lanes))
        wanted.append(None if clash else int.from_bytes(read, "little"))
        memory |= {write * lanes + n: data[n] for n in range(lanes) if enable >> n & 1}
        rows.append((word, enable, write, int.from_bytes(data, "little"), offset))
    latency = Scratchpad.read_latency(shape)
    rows += [(0, 0, 0, 0, 0)] * latency
    compare(behavioural(Scratchpad(shape), rows, (*PORTS, "read_offset")), wanted, latency)


@pytest.mark.parametrize("unaligned", [False, True])
@pytest.mark.parametrize("lanes", [4, 8, 16])
def test_block_ram_starts_with_its_contents(lanes: int, unaligned: bool) -> None:
    """Bytes at any address, zeros elsewhere; and the words can be written as any others."""
    shape = config(lanes, 4, 32, "block", unaligned=unaligned)
    contents = ((3, b"abcdefghij"), (lanes * 31, bytes(range(1, lanes + 1))), (4 * lanes, b"xyz"))
    memory = bytearray(32 * lanes)
    for address, data in contents:
        memory[address : address + len(data)] = data
    rows = [(word, 0, 0, 0) for word in range(32)] + [(0, 1, 31, 0x55), (0, 0, 0, 0), (31, 0, 0, 0)]
    latency = Scratchpad.read_latency(shape)
    seen = behavioural(Scratchpad(shape, contents), [*rows, *[(0, 0, 0, 0)] * latency])[latency:]
    words = [int.from_bytes(memory[n : n + lanes], "little") for n in range(0, len(memory), lanes)]
    assert seen[:32] == words
    assert seen[34] == words[31] & ~0xFF | 0x55


def test_spram_ignores_contents() -> None:
    shape = config(4, 4, 64, "spram-model")
    seen = behavioural(Scratchpad(shape, ((0, b"abcd"),)), [(0, 0, 40, 0)] * 6)
    assert seen[-1] == 0


def test_spram_cells_do_the_same(tmp_path: Path) -> None:
    shapes = [config(4, 4, 32768, "spram"), config(4, 2, 4096, "spram")]
    units = {f"columns{shape.columns}": Scratchpad(shape) for shape in shapes}
    made = {
        name: traffic(shape, 1500, random.Random(shape.columns))
        for name, shape in zip(units, shapes, strict=True)
    }
    latency = Scratchpad.read_latency(shapes[0])
    # The cells' model starts unknown where the traffic's memory starts at zero: write everything first.
    rows = {
        name: [(int(row[1] != 0), *row) for row in _zeroed(shape) + made[name][0]]
        for name, shape in zip(units, shapes, strict=True)
    }
    ports = dict.fromkeys(units, ("writes", *PORTS))
    cycles = max(map(len, rows.values())) + latency
    seen = simulate_netlist(units, "ice40", ports, "read_data", rows, cycles, tmp_path)
    for name in units:
        start = len(rows[name]) - len(made[name][0])
        compare(seen[name][start:], made[name][1], latency)


def _zeroed(shape: CoreConfig) -> list[tuple[int, ...]]:
    half = 1 << (shape.word_address_bits - 1)
    everything = (1 << shape.lanes) - 1
    near = [*range(8), *range(half, half + 8), shape.scratchpad_words - 1]
    return [((address + half) % (2 * half), everything, address, 0) for address in near]


def test_refusals() -> None:
    with pytest.raises(ValueError, match="lanes must be 4 with scratchpad 'spram', not 8"):
        Scratchpad(config(8, 4, 64, "spram"))
    with pytest.raises(
        ValueError, match="scratchpad_words must be at most 32768 with scratchpad 'spram-model', not"
    ):
        Scratchpad(config(4, 4, 40000, "spram-model"))
    with pytest.raises(ValueError, match="unaligned must be False with scratchpad 'spram'"):
        config(4, 4, 64, "spram", unaligned=True)
    with pytest.raises(ValueError, match="within the 256 bytes of the scratchpad, not 5 bytes at 252"):
        Scratchpad(config(4, 4, 64, "block"), ((252, bytes(5)),))
