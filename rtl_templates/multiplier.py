"""The multipliers of a column's lanes; one signature, three kinds.

"generic" is plain ``*`` for simulation, "ecp5" and "ice40" are what the chips are good at. All kinds
have the same latency, so a simulation of "generic" is exact to the cycle.
Every register is without reset and enable.
"""

from __future__ import annotations

from amaranth.hdl import Cat, ClockSignal, Const, Instance, Module, Signal, Value, ValueLike, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from .config import MULTIPLIERS
from .delay import delayed
from .parts import Multiplier
from .soft_multiplier import DEFAULTS

ECP5_LATENCY = 3
ECP5_PART = 18
"""Bits of an operand that one MULT18X18D takes, signed or not."""


class LaneMultiplier(wiring.Component):
    """``lanes`` int8 products a cycle.

    Latency: ``latency`` cycles from ``x`` and ``w`` to ``p``: operands (1), product (2), and an output
    register (3) if asked for. Throughput: one word a cycle.
    Range: all of int8 times int8, -128 * -128 included. No lane depends on another.

    Parameters
    ----------
    lanes : products a cycle; even for "ice40", where a SB_MAC16 makes two.
    kind : "generic", "ecp5" (one MULT18X18D a lane) or "ice40".
    latency : 3, or 2 to save the output register ("ecp5" always has it).
    soft : lanes, the last ones, whose products are made in LUTs; "ice40" wants the others even.
    maker : what makes those; None: the kind's own.

    Members
    -------
    x, w : In(8 * lanes), int8 factors, lane 0 in the lowest byte.
    p : Out(array of signed(16)), the products.
    """

    def __init__(
        self, lanes: int, kind: str, latency: int = 3, soft: int = 0, maker: Multiplier | None = None
    ) -> None:
        check_kind(kind)
        if not 0 <= soft <= lanes:
            raise ValueError(f"soft must be 0 to {lanes}, not {soft!r}")
        if latency not in ((3,) if kind == "ecp5" else (2, 3)):
            raise ValueError(
                f"latency must be 3, or 2 for another kind than ecp5, not {latency!r} for {kind!r}"
            )
        if lanes < 1 or (kind == "ice40" and (lanes - soft) % 2):
            raise ValueError(f"lanes must be positive, and those of DSPs even for ice40, not {lanes!r}")
        self._lanes = lanes
        self._soft = soft
        self._maker = maker
        self._kind = kind
        self.latency = latency
        super().__init__({
            "x": In(8 * lanes),
            "w": In(8 * lanes),
            "p": Out(data.ArrayLayout(signed(16), lanes)),
        })

    def elaborate(self, platform: object) -> Module:
        m = Module()
        pairs = [
            (self.x.word_select(n, 8).as_signed(), self.w.word_select(n, 8).as_signed())
            for n in range(self._lanes)
        ]
        hard = self._lanes - self._soft
        make = {"generic": _plain_lanes, "ecp5": _ecp5_lanes, "ice40": _ice40_lanes}[self._kind]
        maker = self._maker or DEFAULTS.get(self._kind)
        if maker is None or (self._kind == "generic" and not maker.portable):
            products = make(m, pairs, self.latency)
        else:
            products = make(m, pairs[:hard], self.latency)
            products += [
                maker.make(m, f"lane{n}", x, w, self.latency) for n, (x, w) in enumerate(pairs[hard:], hard)
            ]
        m.d.comb += [self.p[lane].eq(product) for lane, product in enumerate(products)]
        return m


def mult18(m: Module, name: str, a: ValueLike, b: ValueLike) -> Signal:
    """One MULT18X18D with all its registers: ``a * b`` of up to 18 bits each, 3 cycles later.

    Each factor is signed or unsigned as its shape says. Returns the 36-bit product, unsigned if both
    factors are.
    """
    a, b = Value.cast(a), Value.cast(b)
    is_signed = a.shape().signed or b.shape().signed
    product = Signal(signed(36) if is_signed else 36, name=f"{name}_p")
    ports: dict[str, ValueLike] = {}
    for letter, factor in (("A", a), ("B", b)):
        wide = Signal(ECP5_PART, name=f"{name}_{letter.lower()}")
        m.d.comb += wide.eq(factor)
        ports |= {f"i_{letter}{bit}": wide[bit] for bit in range(ECP5_PART)}
        ports |= {f"i_SIGNED{letter}": Const(int(factor.shape().signed)), f"i_SOURCE{letter}": Const(0)}
    ports |= {f"o_P{bit}": product[bit] for bit in range(36)}
    parameters = {}
    for register in ("INPUTA", "INPUTB", "PIPELINE", "OUTPUT"):
        parameters |= {
            f"p_REG_{register}_CLK": "CLK0",
            f"p_REG_{register}_CE": "CE0",
            f"p_REG_{register}_RST": "RST0",
        }
    m.submodules[name] = Instance(
        "MULT18X18D",
        p_CLK0_DIV="ENABLED", p_GSR="DISABLED", p_RESETMODE="SYNC",
        p_SOURCEB_MODE="B_SHIFT", p_MULT_BYPASS="DISABLED",
        i_CLK0=ClockSignal(), i_CE0=Const(1), i_RST0=Const(0),
        **parameters, **ports,
    )  # fmt: skip
    return product


def check_kind(kind: str) -> None:
    """Raises ValueError for a kind that does not exist."""
    if kind not in MULTIPLIERS:
        raise ValueError(f"kind must be one of {MULTIPLIERS}, not {kind!r}")


def plain(m: Module, name: str, a: Value, b: Value, latency: int) -> Value:
    """A product between registers: operands, then the product as often as it takes."""
    return delayed(m, delayed(m, a, 1, f"{name}_a") * delayed(m, b, 1, f"{name}_b"), latency - 1, f"{name}_p")


def _plain_lanes(m: Module, pairs: list[tuple[Value, Value]], latency: int) -> list[Value]:
    """What a simulator multiplies with."""
    return [plain(m, f"lane{n}", x, w, latency) for n, (x, w) in enumerate(pairs)]


def _ecp5_lanes(m: Module, pairs: list[tuple[Value, Value]], latency: int) -> list[Value]:
    """A MULT18X18D a lane; ``latency`` is its own."""
    return [mult18(m, f"lane{n}", x, w)[:16] for n, (x, w) in enumerate(pairs)]


def _ice40_lanes(m: Module, pairs: list[tuple[Value, Value]], latency: int) -> list[Value]:
    """A SB_MAC16 for two lanes."""
    products = []
    for n in range(0, len(pairs), 2):
        xs, ws = zip(*pairs[n : n + 2], strict=True)
        products += _mac16(m, f"lane{n}", list(xs), list(ws), latency - 2)
    return products


def _mac16(m: Module, name: str, xs: list[Value], ws: list[Value], registers: int) -> list[Value]:
    """Two products from one SB_MAC16 in its dual 8x8 mode (2 cycles), and ``registers`` behind it."""
    both = Signal(32, name=f"{name}_o")
    off = {f"i_{port}": Const(0) for port in (
        "AHOLD", "BHOLD", "CHOLD", "DHOLD", "OHOLDTOP", "OHOLDBOT", "OLOADTOP", "OLOADBOT",
        "IRSTTOP", "IRSTBOT", "ORSTTOP", "ORSTBOT", "ADDSUBTOP", "ADDSUBBOT", "CI", "ACCUMCI", "SIGNEXTIN",
    )}  # fmt: skip
    unused = {f"p_{parameter}": Const(0, width) for parameter, width in (
        ("NEG_TRIGGER", 1), ("C_REG", 1), ("D_REG", 1),
        ("PIPELINE_16x16_MULT_REG1", 1), ("PIPELINE_16x16_MULT_REG2", 1),
        ("TOPADDSUB_LOWERINPUT", 2), ("TOPADDSUB_UPPERINPUT", 1), ("TOPADDSUB_CARRYSELECT", 2),
        ("BOTADDSUB_LOWERINPUT", 2), ("BOTADDSUB_UPPERINPUT", 1), ("BOTADDSUB_CARRYSELECT", 2),
    )}  # fmt: skip
    m.submodules[name] = Instance(
        "SB_MAC16",
        p_A_REG=Const(1, 1), p_B_REG=Const(1, 1), p_A_SIGNED=Const(1, 1), p_B_SIGNED=Const(1, 1),
        p_TOP_8x8_MULT_REG=Const(1, 1), p_BOT_8x8_MULT_REG=Const(1, 1), p_MODE_8x8=Const(1, 1),
        p_TOPOUTPUT_SELECT=Const(2, 2), p_BOTOUTPUT_SELECT=Const(2, 2),
        i_CLK=ClockSignal(), i_CE=Const(1), i_A=Cat(xs), i_B=Cat(ws), i_C=Const(0, 16), i_D=Const(0, 16),
        o_O=both, **off, **unused,
    )  # fmt: skip
    late = delayed(m, both, registers, f"{name}_late")
    return [late[:16].as_signed(), late[16:].as_signed()]
