"""Phase-locked loops: the core's clock from the board's oscillator."""

from dataclasses import dataclass

from amaranth.hdl import Const, Instance, Module
from amaranth.lib import io, wiring
from amaranth.lib.wiring import In, Out


@dataclass(frozen=True, kw_only=True)
class Ecp5Pll:
    """Dividers of an EHXPLLL fed back from its output: ``input / reference * feedback``."""

    input_mhz: float
    reference: int
    feedback: int
    output: int

    @property
    def mhz(self) -> float:
        """The clock that it makes."""
        return self.input_mhz / self.reference * self.feedback


@dataclass(frozen=True, kw_only=True)
class Ice40Pll:
    """Dividers of a SB_PLL40 in simple feedback: ``input * (multiplier + 1) / 2**output``."""

    input_mhz: float
    multiplier: int
    output: int

    @property
    def mhz(self) -> float:
        """The clock that it makes."""
        return self.input_mhz * (self.multiplier + 1) / (1 << self.output)


def ecp5_pll(input_mhz: float, target_mhz: float) -> Ecp5Pll:
    """The setting nearest to ``target_mhz``; oscillator 400 to 800 MHz, comparison at 3.125 MHz or more.

    Raises
    ------
    ValueError : no setting comes within 5 %.
    """
    return _nearest(_ecp5_settings(input_mhz), target_mhz)


def ice40_pll(input_mhz: float, target_mhz: float) -> Ice40Pll:
    """The setting nearest to ``target_mhz``; oscillator 533 to 1066 MHz.

    Raises
    ------
    ValueError : no setting comes within 5 %, or the input is not the 10 to 17 MHz that the filter is set for.
    """
    return _nearest(_ice40_settings(input_mhz), target_mhz)


def ecp5_pll_below(input_mhz: float, most_mhz: float) -> Ecp5Pll:
    """The fastest setting that is not above ``most_mhz``. Raises ValueError where there is none."""
    return _fastest(_ecp5_settings(input_mhz), most_mhz)


def ice40_pll_below(input_mhz: float, most_mhz: float) -> Ice40Pll:
    """The fastest setting that is not above ``most_mhz``. Raises ValueError as :func:`ice40_pll`."""
    return _fastest(_ice40_settings(input_mhz), most_mhz)


class Pll(wiring.Component):
    """The loop itself.

    Parameters
    ----------
    setting : which chip's, and its dividers.
    pin : the clock's raw pin, for iCE40's pad; None where ``clock_in`` is the oscillator (ECP5, SB_HFOSC).

    Members
    -------
    clock_in : In(1), the oscillator.
    clock_out : Out(1), ``setting.mhz``.
    locked : Out(1), high once ``clock_out`` is steady.
    """

    clock_in: In(1)
    clock_out: Out(1)
    locked: Out(1)

    def __init__(self, setting: Ecp5Pll | Ice40Pll, pin: io.SingleEndedPort | None = None) -> None:
        self._setting = setting
        self._pin = pin
        super().__init__()

    def elaborate(self, platform: object) -> Module:
        m = Module()
        if isinstance(self._setting, Ecp5Pll):
            m.submodules.pll = self._ecp5(self._setting)
        else:
            m.submodules.pll = self._ice40(self._setting)
        return m

    def _ecp5(self, setting: Ecp5Pll) -> Instance:
        attributes = {
            "a_FREQUENCY_PIN_CLKI": f"{setting.input_mhz:g}", "a_FREQUENCY_PIN_CLKOP": f"{setting.mhz:g}",
            "a_ICP_CURRENT": "12", "a_LPF_RESISTOR": "8",
            "a_MFG_ENABLE_FILTEROPAMP": "1", "a_MFG_GMCREF_SEL": "2",
        }  # fmt: skip
        idle = ("RST", "STDBY", "PHASESEL0", "PHASESEL1", "PLLWAKESYNC", "ENCLKOP")
        steady = ("PHASEDIR", "PHASESTEP", "PHASELOADREG")
        return Instance(
            "EHXPLLL", **attributes,
            **{f"i_{port}": Const(0) for port in idle}, **{f"i_{port}": Const(1) for port in steady},
            p_PLLRST_ENA="DISABLED", p_INTFB_WAKE="DISABLED",
            p_STDBY_ENABLE="DISABLED", p_DPHASE_SOURCE="DISABLED",
            p_OUTDIVIDER_MUXA="DIVA", p_OUTDIVIDER_MUXB="DIVB",
            p_OUTDIVIDER_MUXC="DIVC", p_OUTDIVIDER_MUXD="DIVD",
            p_CLKI_DIV=setting.reference, p_CLKFB_DIV=setting.feedback, p_FEEDBK_PATH="CLKOP",
            p_CLKOP_ENABLE="ENABLED", p_CLKOP_DIV=setting.output,
            p_CLKOP_CPHASE=(setting.output - 1) // 2, p_CLKOP_FPHASE=0,
            i_CLKI=self.clock_in, i_CLKFB=self.clock_out, o_CLKOP=self.clock_out, o_LOCK=self.locked,
        )  # fmt: skip

    def _ice40(self, setting: Ice40Pll) -> Instance:
        if self._pin is None:
            kind, source = "SB_PLL40_CORE", {"i_REFERENCECLK": self.clock_in}
        else:
            kind, source = "SB_PLL40_PAD", {"i_PACKAGEPIN": self._pin.io}
        return Instance(
            kind,
            p_FEEDBACK_PATH="SIMPLE", p_DIVR=Const(0, 4), p_DIVF=Const(setting.multiplier, 7),
            p_DIVQ=Const(setting.output, 3), p_FILTER_RANGE=Const(1, 3),
            i_RESETB=Const(1), i_BYPASS=Const(0),
            o_PLLOUTGLOBAL=self.clock_out, o_LOCK=self.locked, **source,
        )  # fmt: skip


def _ecp5_settings(input_mhz: float) -> list[Ecp5Pll]:
    return [
        Ecp5Pll(input_mhz=input_mhz, reference=reference, feedback=feedback, output=output)
        for reference in range(1, 9)
        for feedback in range(1, 81)
        for output in range(1, 129)
        if input_mhz / reference >= 3.125 and 400 <= input_mhz / reference * feedback * output <= 800
    ]


def _ice40_settings(input_mhz: float) -> list[Ice40Pll]:
    if not 10 <= input_mhz <= 17:
        raise ValueError(f"input_mhz must be 10 to 17, not {input_mhz!r}")
    return [
        Ice40Pll(input_mhz=input_mhz, multiplier=multiplier, output=output)
        for multiplier in range(128)
        for output in range(1, 7)
        if 533 <= input_mhz * (multiplier + 1) <= 1066
    ]


def _fastest(settings, most_mhz: float):
    below = [setting for setting in settings if setting.mhz <= most_mhz]
    if not below:
        raise ValueError(f"most_mhz must be within reach of the PLL, not {most_mhz!r}")
    return max(below, key=lambda setting: setting.mhz)


def _nearest(settings, target_mhz: float):
    best = min(settings, key=lambda setting: abs(setting.mhz - target_mhz), default=None)
    if best is None or abs(best.mhz - target_mhz) > 0.05 * target_mhz:
        found = "none" if best is None else f"{best.mhz:g}"
        raise ValueError(f"target_mhz must be within reach of the PLL, not {target_mhz!r} (nearest: {found})")
    return best
