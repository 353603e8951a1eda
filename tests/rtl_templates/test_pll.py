"""Dividers: exact where that is possible, always within the oscillator's range."""

import pytest

from tfl2hw.rtl_templates.pll import ecp5_pll, ecp5_pll_below, ice40_pll, ice40_pll_below


@pytest.mark.parametrize("target", [25.0, 80.0, 90.0, 100.0, 125.0, 133.0, 168.0])
def test_ecp5(target: float) -> None:
    pll = ecp5_pll(25.0, target)
    assert pll.mhz == pytest.approx(target, rel=0.01)
    assert 400 <= pll.mhz * pll.output <= 800
    assert pll.input_mhz / pll.reference >= 3.125


@pytest.mark.parametrize("target", [16.5, 24.0, 30.0, 36.0, 39.75, 48.0])
def test_ice40(target: float) -> None:
    pll = ice40_pll(12.0, target)
    assert pll.mhz == pytest.approx(target, rel=0.02)
    assert 533 <= pll.mhz * (1 << pll.output) <= 1066


def test_usual_clocks_are_exact() -> None:
    assert ice40_pll(12.0, 30.0).mhz == 30.0
    assert ecp5_pll(25.0, 100.0).mhz == 100.0
    assert ecp5_pll(25.0, 90.0).mhz == 90.0


@pytest.mark.parametrize("most", [100.0, 124.9, 125.0, 131.3])
def test_the_fastest_below(most: float) -> None:
    assert most - 3.2 < ecp5_pll_below(25.0, most).mhz <= most
    assert 0.97 * most / 3 < ice40_pll_below(12.0, most / 3).mhz <= most / 3
    with pytest.raises(ValueError, match=r"most_mhz must be within reach of the PLL, not 2.0"):
        ecp5_pll_below(25.0, 2.0)


def test_refusals() -> None:
    with pytest.raises(ValueError, match=r"target_mhz must be within reach of the PLL, not 2.0 \(nearest: "):
        ecp5_pll(25.0, 2.0)
    with pytest.raises(ValueError, match=r"input_mhz must be 10 to 17, not 48.0"):
        ice40_pll(48.0, 30.0)
