"""Multipliers of other packages: chosen by name, proved before they are used, in the core that is made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from tests.codegen.test_products import dsps
from tests.extending.conftest import Install, entry
from tests.rtl.support import make_config
from tfl2hw.boards import get
from tfl2hw.codegen import compile_model
from tfl2hw.codegen.core_fields import core_fields, core_from
from tfl2hw.codegen.multipliers import first_wrong, multipliers, soft_products
from tfl2hw.codegen.products import place_products
from tfl2hw.errors import DoesNotFit, ExtensionError, UsageError
from tfl2hw.extending import Extension, Multiplier, delayed
from tfl2hw.rtl_templates.multiplier import LaneMultiplier
from tfl2hw.rtl_templates.soft_multiplier import BOOTH

MINE = Multiplier(
    name="mine", make=lambda m, name, x, w, latency: delayed(m, x * w, latency, name), latencies=(2, 3),
    cells=100, flip_flops=50,
)  # fmt: skip


def brings(install: Install, multiplier: Any) -> None:
    install(entry("stranger:EXT", lambda: Extension(api=1, multipliers=(multiplier,))))


def test_by_name_and_for_some_lanes(install: Install) -> None:
    brings(install, MINE)
    assert list(multipliers()) == ["carry-rows", "booth", "mine"]
    assert multipliers()["mine"].package == "stranger 2.0"
    chosen = soft_products("mine:3", get("ulx3s-85f"))
    assert (chosen.multiplier, chosen.lanes) == (MINE, 3)
    assert soft_products("booth", get("icebreaker")).lanes is None


@pytest.mark.parametrize(
    ("choice", "board", "words"),
    [
        ("other", "icebreaker", r"there is no multiplier 'other'; the multipliers are carry-rows, booth$"),
        ("booth:x", "icebreaker", "after the colon stands a number of lanes, not 'x'"),
        ("booth:0", "icebreaker", "after the colon stands a number of lanes, not '0'"),
        ("carry-rows", "icebreaker", "needs one for ice40 that takes 2 cycles; carry-rows is for ecp5 and"),
    ],
)
def test_refusals(install: Install, choice: str, board: str, words: str) -> None:
    install()
    with pytest.raises(UsageError, match=words):
        soft_products(choice, get(board))


def approximate(m: Any, name: str, x: Any, w: Any, latency: int) -> Any:
    return delayed(m, (x * w) & ~1, latency, name)


def late(m: Any, name: str, x: Any, w: Any, latency: int) -> Any:
    return delayed(m, x * w, latency + 1, name)


@pytest.mark.parametrize(
    ("multiplier", "words"),
    [
        (
            replace(MINE, make=approximate),
            r"^the multiplier mine of the package stranger 2\.0 makes -127 \* -127 = 16128 after 2 cycles;",
        ),
        (replace(MINE, make=late), r"makes -128 \* -128 = 0 after 2 cycles; accepted: 16384"),
        (replace(MINE, portable=False), "is not portable, so that nothing can be proved of it"),
        (replace(MINE, name="booth"), "brings the multiplier booth, which tfl2hw has already"),
    ],
)
def test_only_what_is_exact_is_used(install: Install, multiplier: Multiplier, words: str) -> None:
    brings(install, multiplier)
    with pytest.raises(ExtensionError, match=words):
        soft_products("mine", get("icebreaker"))


def test_ours_that_is_portable_is_proved_too() -> None:
    assert first_wrong(BOOTH, 2) is None


def test_latencies_are_those_of_a_column() -> None:
    with pytest.raises(ValueError, match=r"latencies must be some of \(2, 3\), not \(4,\)"):
        replace(MINE, latencies=(4,))
    with pytest.raises(ValueError, match="multiplier_latency must be one of soft_multiplier's, not 3"):
        replace(make_config((8, 8, 4)), soft_multiplier=replace(MINE, latencies=(2,)))


@pytest.mark.parametrize(
    ("board", "shape", "lanes", "soft"),
    [
        ("ulx3s-85f", (8, 8, 8), None, 8),
        ("ulx3s-85f", (8, 8, 8), 3, 3),
        ("ulx3s-25f", (8, 8, 8), 3, 6),  # so many find no DSP anyway
        ("icebreaker", (4, 4, 1), 1, 2),  # a DSP makes two products
        ("sim-large", (8, 8, 8), None, 8),
    ],
)
def test_products_of_the_chosen_lanes(
    install: Install, board: str, shape: tuple[int, int, int], lanes: int | None, soft: int
) -> None:
    brings(install, MINE)
    chosen = get(board)
    config = replace(make_config(shape), accumulator_bits=20, mantissa_bits=25)
    wanted = soft_products("mine" if lanes is None else f"mine:{lanes}", chosen)
    placed = place_products(config, chosen, "net.tflite", wanted)
    assert (placed.soft_lanes, placed.soft_multiplier) == (soft, MINE)
    if chosen.family == "ecp5":
        unit = LaneMultiplier(placed.lanes, "ecp5", 3, placed.soft_lanes, placed.soft_multiplier)
        assert dsps(unit) == placed.lanes - soft


def test_too_many_are_refused() -> None:
    wanted = soft_products("booth", get("icebreaker"))
    with pytest.raises(DoesNotFit, match="32 of them are for the multiplier booth on icebreaker"):
        place_products(make_config((8, 4, 4)), get("icebreaker"), "net.tflite", wanted)


def test_a_core_with_one_in_a_file(install: Install) -> None:
    brings(install, MINE)
    config = replace(make_config((8, 8, 4)), soft_lanes=8, soft_multiplier=MINE)
    written = core_fields(config)
    assert written["soft_multiplier"] == "mine"
    assert list(written) == [field.name for field in fields(config)]
    assert core_from(written) == config
    install()
    with pytest.raises(UsageError, match="the core has the multiplier mine, whose package is not installed"):
        core_from(written)


def test_the_example_of_a_multiplier(example: Callable[[str], Path]) -> None:
    file = example("threefold")
    plain = compile_model(file, "icebreaker", lanes=4, columns=2)
    chosen = compile_model(file, "icebreaker", lanes=4, columns=2, multiplier="threefold")
    assert chosen.predicted_cycles == plain.predicted_cycles
    maker = chosen.config.soft_multiplier
    assert maker is not None
    assert (maker.name, chosen.config.soft_lanes) == ("threefold", 4)
    assert chosen.config.identity != plain.config.identity
