"""The multipliers of every kind against integers: one result a cycle, ``latency`` cycles late."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from amaranth.hdl import Module, Value
from amaranth.sim import Simulator

from tests.rtl_templates.netlist import simulate_netlist
from tfl2hw.rtl_templates.multiplier import LaneMultiplier, WideMultiplier, wide_latency

KINDS = ("generic", "ecp5", "ice40")
WIDTHS = [(24, 20), (21, 18), (9, 3), (30, 25), (32, 31), (18, 17), (2, 2), (19, 8), (36, 36)]
Rows = Sequence[tuple[int, int]]


def simulate(units, inputs: tuple[str, str], rows: Mapping[str, Rows]) -> dict[str, list[int]]:
    """The behavioural units' ``p`` before every clock edge, all driven side by side."""
    seen: dict[str, list[int]] = {name: [] for name in units}

    async def bench(ctx):
        for cycle in range(max(map(len, rows.values()))):
            for name, unit in units.items():
                for port, value in zip(inputs, rows[name][cycle] if cycle < len(rows[name]) else (0, 0)):
                    ctx.set(getattr(unit, port), value)
                output = Value.cast(unit.p).as_unsigned()
                seen[name].append(ctx.get(output))
            await ctx.tick()

    m = Module()
    for name, unit in units.items():
        m.submodules[name] = unit
    simulator = Simulator(m)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    return seen


def check(units, inputs: tuple[str, str], rows, wanted, kind: str, directory: Path) -> None:
    """Every unit of one kind in one run, its results a latency after its rows."""
    padded = {name: [*rows[name], *[(0, 0)] * units[name].latency] for name in units}
    run = simulate(units, inputs, padded) if kind == "generic" else None
    seen = run or simulate_netlist(units, kind, inputs, "p", padded, directory)
    for name, unit in units.items():
        mask = (1 << len(Value.cast(unit.p))) - 1
        got = seen[name][unit.latency : unit.latency + len(wanted[name])]
        assert got == [value & mask for value in wanted[name]], name


def pack(values: Sequence[int], bits: int) -> int:
    return sum((value & ((1 << bits) - 1)) << (bits * n) for n, value in enumerate(values))


@pytest.mark.parametrize("kind", KINDS)
def test_lanes_are_int8_products(kind: str, tmp_path: Path) -> None:
    rng = random.Random(1)
    pick = [-128, -127, -1, 0, 1, 127]
    units = {f"lanes{n}": LaneMultiplier(n, kind) for n in ((2, 4) if kind == "ice40" else (1, 4, 5))}
    rows, wanted = {}, {}
    for name in units:
        lanes = int(name[5:])
        words = [[[rng.choice([*pick, rng.randint(-128, 127)]) for _ in range(lanes)] for _ in "xw"] for _ in range(300)]
        rows[name] = [(pack(x, 8), pack(w, 8)) for x, w in words]
        wanted[name] = [pack([a * b for a, b in zip(x, w)], 16) for x, w in words]
    check(units, ("x", "w"), rows, wanted, kind, tmp_path)


@pytest.mark.parametrize("kind", KINDS)
def test_wide_product_is_exact(kind: str, tmp_path: Path) -> None:
    rng = random.Random(2)
    widths = WIDTHS if kind == "generic" else WIDTHS[:4]
    units = {f"wide{a}x{b}": WideMultiplier(a, b, kind) for a, b in widths}
    rows = {}
    for name, (a_width, b_width) in zip(units, widths):
        lowest, highest, most = -(1 << (a_width - 1)), (1 << (a_width - 1)) - 1, (1 << b_width) - 1
        corners = [(a, b) for a in (lowest, lowest + 1, -1, 0, 1, highest) for b in (0, 1, most // 3, most - 1, most)]
        rows[name] = corners + [(rng.randint(lowest, highest), rng.randint(0, most)) for _ in range(300)]
    wanted = {name: [a * b for a, b in rows[name]] for name in units}
    check(units, ("a", "b"), rows, wanted, kind, tmp_path)


def test_latency_depends_on_widths_alone() -> None:
    assert {WideMultiplier(24, 20, kind).latency for kind in KINDS} == {wide_latency(24, 20)} == {5}


def test_refusals() -> None:
    with pytest.raises(ValueError, match="kind must be one of .*, not 'xilinx'"):
        LaneMultiplier(4, "xilinx")
    with pytest.raises(ValueError, match="lanes must be positive, and even for ice40, not 3"):
        LaneMultiplier(3, "ice40")
    with pytest.raises(ValueError, match="a_width must be 2 to 36, not 40"):
        WideMultiplier(40, 20, "ecp5")
    with pytest.raises(ValueError, match="b_width must be 2 to 36, not 1"):
        WideMultiplier(20, 1, "generic")
