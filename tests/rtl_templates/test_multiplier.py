"""The multipliers of every kind against integers: one result a cycle, ``latency`` cycles late."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from amaranth.hdl import Fragment, Module, Value
from amaranth.sim import Simulator

from tests.rtl_templates.netlist import simulate_netlist
from tfl2hw.rtl_templates.multiplier import LaneMultiplier
from tfl2hw.rtl_templates.wide_multiplier import WideMultiplier, wide_latency

KINDS = ("generic", "ecp5", "ice40")
WIDTHS = {
    "generic": [(24, 20), (21, 18), (9, 3), (30, 25), (32, 31), (18, 17), (2, 2), (19, 8), (36, 36)],
    "ecp5": [(24, 20), (18, 17), (20, 23), (19, 19), (21, 18), (17, 25), (30, 25), (25, 30), (36, 36)],
    "ice40": [(24, 20), (9, 3)],
}


@dataclass(frozen=True)
class Case:
    """A unit, what is put in, and the products that must come out."""

    unit: Any
    ports: tuple[str, str]
    rows: Sequence[tuple[int, int]]
    wanted: Sequence[int]


def pack(values: Sequence[int], bits: int) -> int:
    return sum((value & ((1 << bits) - 1)) << (bits * n) for n, value in enumerate(values))


def lane_case(lanes: int, kind: str, latency: int, rng: random.Random) -> Case:
    corners = [-128, -127, -1, 0, 1, 127]

    def word() -> list[int]:
        return [rng.choice([*corners, rng.randint(-128, 127)]) for _ in range(lanes)]

    pairs = [(word(), word()) for _ in range(300)]
    rows = [(pack(x, 8), pack(w, 8)) for x, w in pairs]
    wanted = [pack([a * b for a, b in zip(x, w, strict=True)], 16) for x, w in pairs]
    return Case(LaneMultiplier(lanes, kind, latency), ("x", "w"), rows, wanted)


def wide_case(
    a_width: int, b_width: int, kind: str, latency: int | None, rng: random.Random, dsps: int = 2
) -> Case:
    """Extremes of both factors, and of the 18-bit parts into which ECP5 splits them; random ones."""
    lowest, highest, most = -(1 << (a_width - 1)), (1 << (a_width - 1)) - 1, (1 << b_width) - 1
    part = (1 << 18) - 1
    rows = [
        (a, b)
        for a in (lowest, lowest + 1, min(highest, part), max(lowest, ~part), -1, 0, 1, highest)
        for b in (0, 1, most // 3, min(most, part), most & ~part, most - 1, most)
    ]
    rows += [(rng.randint(lowest, highest), rng.randint(0, most)) for _ in range(300)]
    unit = WideMultiplier(a_width, b_width, kind, latency, dsps)
    return Case(unit, ("a", "b"), rows, [a * b for a, b in rows])


def cases(kind: str) -> dict[str, Case]:
    rng = random.Random(1)
    made = {f"lanes{n}": lane_case(n, kind, 3, rng) for n in ((1, 4, 5) if kind == "generic" else (4,))}
    for dsps in (1, 2) if kind == "ecp5" else (2,):
        made |= {f"wide{a}x{b}_{dsps}": wide_case(a, b, kind, None, rng, dsps) for a, b in WIDTHS[kind]}
    if kind != "ecp5":
        made["lanes4_early"] = lane_case(4, kind, 2, rng)
        latencies = (2, 3, 4) if kind == "generic" else (3,)
        made |= {f"wide21x18_in{n}": wide_case(21, 18, kind, n, rng) for n in latencies}
    return made


def simulate(made: dict[str, Case], cycles: int) -> dict[str, list[int]]:
    """The behavioural units' ``p`` before every clock edge, all driven side by side."""
    seen: dict[str, list[int]] = {name: [] for name in made}

    async def bench(ctx):
        for cycle in range(cycles):
            for name, case in made.items():
                row = case.rows[cycle] if cycle < len(case.rows) else (0, 0)
                for port, value in zip(case.ports, row, strict=True):
                    ctx.set(getattr(case.unit, port), value)
                seen[name].append(ctx.get(Value.cast(case.unit.p).as_unsigned()))
            await ctx.tick()

    m = Module()
    for name, case in made.items():
        m.submodules[name] = case.unit
    simulator = Simulator(m)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    return seen


@pytest.mark.parametrize("kind", KINDS)
def test_products_are_exact(kind: str, tmp_path: Path) -> None:
    made = cases(kind)
    cycles = max(len(case.rows) + case.unit.latency for case in made.values())
    if kind == "generic":
        seen = simulate(made, cycles)
    else:
        units = {name: case.unit for name, case in made.items()}
        ports = {name: case.ports for name, case in made.items()}
        rows = {name: case.rows for name, case in made.items()}
        seen = simulate_netlist(units, kind, ports, "p", rows, cycles, tmp_path)
    for name, case in made.items():
        mask = (1 << len(Value.cast(case.unit.p))) - 1
        got = seen[name][case.unit.latency :][: len(case.wanted)]
        assert got == [value & mask for value in case.wanted], name


def test_latency_depends_on_widths_alone() -> None:
    units = [WideMultiplier(24, 20, kind) for kind in KINDS]
    assert {unit.latency for unit in units} == {wide_latency(24, 20)} == {5}
    for unit in units:
        Fragment.get(unit, None)


@pytest.mark.filterwarnings("ignore::amaranth.hdl.UnusedElaboratable")
def test_refusals() -> None:
    with pytest.raises(ValueError, match=r"kind must be one of .*, not 'xilinx'"):
        LaneMultiplier(4, "xilinx")
    with pytest.raises(ValueError, match="lanes must be positive, and even for ice40, not 3"):
        LaneMultiplier(3, "ice40")
    with pytest.raises(ValueError, match="a_width must be 2 to 36, not 40"):
        WideMultiplier(40, 20, "ecp5")
    with pytest.raises(ValueError, match="b_width must be 2 to 36, not 1"):
        WideMultiplier(20, 1, "generic")
    with pytest.raises(ValueError, match="dsps must be 1 or 2, not 4"):
        WideMultiplier(24, 20, "ecp5", dsps=4)
    with pytest.raises(ValueError, match="latency must be at least 5 with kind 'ecp5', not 3"):
        WideMultiplier(24, 20, "ecp5", 3)
