"""The windows as each chip's memories keep them: yosys' netlists against bytes in lists."""

from __future__ import annotations

import random
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from tests.rtl.support import make_config
from tests.rtl_templates.netlist import simulate_netlist
from tfl2hw.rtl_templates.window import Window

CYCLES = 300
KINDS: dict[str, dict[str, tuple[tuple[int, int, int], dict[str, Any]]]] = {
    "ecp5": {
        "register": ((8, 8, 8), {"window": 8, "single": True}),
        "places": ((8, 8, 8), {"window": 3, "places": 8, "pair": True}),
        "single": ((16, 8, 8), {"window": 16, "places": 4, "single": True, "twin": True, "quad": True}),
    },
    "ice40": {
        "places": ((4, 4, 1), {"window": 3, "places": 4}),
        "single": ((4, 4, 4), {"window": 4, "places": 2, "single": True}),
    },
}


def rows_of(
    window: Window, config: Any, generator: random.Random
) -> tuple[list[list[int]], list[int | None]]:
    """A row of inputs a cycle, and each cycle's operand (None: nothing is there, or it is not yet full)."""
    kept: dict[tuple[int, int], list[int]] = defaultdict(list)
    division, left = (1, 1), 0
    rows, wanted = [], []
    following = 0
    for _ in range(CYCLES):
        if not left:
            division, left = generator.choice(((1, 1), *config.divisions)), 60
            kept.clear()
        left -= 1
        place = following
        takes = generator.random() < 0.9
        data = [generator.randrange(256) for _ in range(config.channels)]
        if takes:
            following = (place + 1) % config.places if not config.single or left > 30 else place
        rows.append([following, place, takes, division[0] > 1, division[1] > 1, *data])
        wanted.append(None)
        if takes:
            for channel, byte in enumerate(data):
                kept[place, channel].insert(0, byte)
            wanted[-1] = operand(window, config, division, place, kept)
    return rows, wanted


def operand(
    window: Window, config: Any, division: tuple[int, int], place: int, kept: dict[tuple[int, int], list[int]]
) -> int | None:
    """The lanes that mean something in this division, the others 0."""
    lines, channels = division
    size, total = config.lanes // (lines * channels), 0
    for lane in window.lanes:
        depth, channel = lane % size, lane // (config.lanes // channels)
        if depth < config.window:
            if len(kept[place, channel]) <= depth:
                return None
            total |= kept[place, channel][depth] << 8 * lane
    return total


def mask(config: Any, division: tuple[bool, bool]) -> int:
    size = config.lanes // ((1 + division[0]) * (1 + division[1]))
    return sum(255 << 8 * lane for lane in range(config.lanes) if lane % size < config.window)


@pytest.mark.parametrize("family", KINDS)
def test_netlists(family: str, tmp_path: Path) -> None:
    """Every kind of memory; with ``single`` the same place in every cycle, too."""
    units, ports, rows, wanted, configs = {}, {}, {}, {}, {}
    for name, (shape, changes) in KINDS[family].items():
        config = configs[name] = make_config(shape, multiplier=family, **changes)
        unit = units[name] = Window(config)
        rows[name], wanted[name] = rows_of(unit, config, random.Random(name))
        ports[name] = ["place", "place_before", "takes", "pair", "twin"]
        ports[name] += [f"byte{number}" for number in range(config.channels)]
    seen = simulate_netlist(units, family, ports, "y", rows, CYCLES, tmp_path)
    for name, found in seen.items():
        compared = 0
        for row, word, expected in zip(rows[name], found, wanted[name], strict=True):
            if expected is not None:
                assert word & mask(configs[name], (row[3], row[4])) == expected, name
                compared += 1
        assert compared > 60
