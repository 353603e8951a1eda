"""Lanes find DSPs as far as the chip has some; the others are made in LUTs, within reason."""

from __future__ import annotations

from dataclasses import replace

import pytest
from amaranth.hdl import Fragment

from tests.rtl.support import make_config
from tfl2hw.boards import get
from tfl2hw.codegen.products import place_products, requantizer_dsps
from tfl2hw.errors import DoesNotFit
from tfl2hw.rtl_templates.config import CoreConfig
from tfl2hw.rtl_templates.multiplier import LaneMultiplier
from tfl2hw.rtl_templates.wide_multiplier import WideMultiplier, wide_dsps


def dsps(unit: object) -> int:
    """MULT18X18D that a unit instantiates."""
    return sum(
        getattr(fragment, "type", "") == "MULT18X18D"
        for fragment, *_ in Fragment.get(unit, None).subfragments
    )


@pytest.mark.parametrize("most", [1, 2])
@pytest.mark.parametrize("widths", [(18, 18), (20, 18), (18, 22), (20, 22), (18, 23), (20, 25), (36, 36)])
def test_wide_dsps_are_those_instantiated(widths: tuple[int, int], most: int) -> None:
    assert wide_dsps(*widths, most) == dsps(WideMultiplier(*widths, "ecp5", dsps=most))


@pytest.mark.parametrize(
    ("board", "shape", "soft"),
    [
        ("ulx3s-85f", (8, 8, 8), 0),
        ("ulx3s-85f", (16, 8, 8), 0),  # 128 + 8 x 2 of 156
        ("ulx3s-85f", (16, 16, 16), 8),  # 140 left for 16 columns: 8 each
        ("ulx3s-45f", (8, 8, 8), 0),  # 64 + 8 x 1 of 72
        ("ulx3s-25f", (8, 8, 8), 6),  # 20 left for 8 columns: 2 each
        ("icebreaker", (4, 4, 1), 0),
        ("icebreaker", (8, 4, 1), 4),
        ("sim-large", (32, 32, 8), 0),
    ],
)
def test_as_many_lanes_in_dsps_as_there_are(board: str, shape: tuple[int, int, int], soft: int) -> None:
    config = replace(make_config(shape), accumulator_bits=20, mantissa_bits=25)
    placed = place_products(config, get(board), "net.tflite")
    assert placed.soft_lanes == soft
    assert replace(placed, soft_lanes=0, requantizer_dsps=2) == config
    chip = get(board).chip
    if chip is not None:
        hard = (placed.lanes - soft) * placed.columns
        assert hard + requantizer_dsps(placed, get(board).family) <= chip.multipliers


def test_soft_lanes_have_no_dsp() -> None:
    assert dsps(LaneMultiplier(16, "ecp5", soft=10)) == 6


def test_refuses_more_than_half_a_chip_of_products() -> None:
    with pytest.raises(DoesNotFit) as refusal:
        place_products(make_config((32, 32, 4)), get("ulx3s-85f"), "net.tflite")
    text = str(refusal.value)
    assert text.startswith("net.tflite: an array of 32 lanes and 32 columns makes 1024 products a cycle; ")
    assert "find no DSP on ulx3s-85f (LFE5U-85F)" in text
    assert "--lanes" in text


def test_soft_lanes_are_lanes() -> None:
    config: CoreConfig = make_config((8, 8, 4))
    with pytest.raises(ValueError, match="soft_lanes must be 0 to lanes, not 9"):
        replace(config, soft_lanes=9)
