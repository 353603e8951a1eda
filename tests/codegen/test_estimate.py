"""Estimates of resources: DSPs by hand, all of them against cores that were synthesised."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.rtl.support import make_config
from tfl2hw.codegen.compile import compile_model
from tfl2hw.codegen.estimate import CLOCKS, Resources, estimate, expected_mhz
from tfl2hw.codegen.write import board_config

ROOT = Path(__file__).parents[2]
DIGITS = ROOT / "examples" / "digits" / "digits_int8.tflite"

SYNTHESISED = {
    ("icebreaker", 4, 4): Resources(luts=5090, flip_flops=3243, dsps=8, block_rams=25),
    ("ulx3s-25f", 8, 2): Resources(luts=4821, flip_flops=4572, dsps=20, block_rams=30),
}
"""What ``bench/estimates.py`` counted of the digits example."""

NEAR = 0.2
"""The generator may have changed a little since."""


@pytest.mark.parametrize("design", SYNTHESISED)
def test_against_synthesis(design: tuple[str, int, int]) -> None:
    board, lanes, columns = design
    compiled = compile_model(DIGITS, board, "litert-ref", lanes, columns)
    found, real = estimate(board_config(compiled), compiled.board.family), SYNTHESISED[design]
    assert found.dsps == real.dsps
    for name in ("luts", "flip_flops", "block_rams"):
        assert getattr(found, name) == pytest.approx(getattr(real, name), rel=NEAR), name


@pytest.mark.parametrize(
    ("accumulator", "mantissa", "each"),
    [(18, 18, 1), (19, 18, 2), (18, 22, 2), (19, 23, 2)],
)
def test_dsps_of_the_requantizers(accumulator: int, mantissa: int, each: int) -> None:
    config = make_config((8, 8, 4), accumulator_bits=accumulator, mantissa_bits=mantissa)
    assert estimate(config, "ecp5").dsps == 64 + 4 * each
    assert estimate(make_config((4, 4, 1)), "ice40").dsps == 8


def test_more_of_anything_is_never_less() -> None:
    least = make_config((8, 8, 4), window=False, mover=False)
    more = (
        {"lanes": 16}, {"requantizers": 8}, {"accumulator_bits": least.accumulator_bits + 4},
        {"window": True}, {"unaligned": True}, {"vector_lanes": 4, "table_depth": 256, "table_bits": 20},
        {"log_softmax": True}, {"l2_normalize": True}, {"arg_max": True}, {"digits": True},
        {"product": True}, {"maximum": True},
    )  # fmt: skip
    small = estimate(least, "ecp5")
    for changes in more:
        large = estimate(replace(least, **changes), "ecp5")
        assert large.luts > small.luts or large.flip_flops > small.flip_flops, changes
        assert large.dsps >= small.dsps, changes
        assert large.block_rams >= small.block_rams, changes


def test_large_arrays_are_slower() -> None:
    clocks = [expected_mhz(make_config(shape), "ecp5") for shape in ((8, 8, 4), (16, 8, 4), (16, 16, 4))]
    assert clocks == sorted(clocks, reverse=True)
    assert expected_mhz(make_config((32, 32, 4)), "ecp5") == CLOCKS["ecp5"][-1][1]
