"""Multipliers: the lanes of a column, and the wide one of a requantizer; one signature, three kinds.

"generic" is plain ``*`` for simulation, "ecp5" and "ice40" are what the chips are good at. All kinds
of the same widths have the same latency, so a simulation of "generic" is exact to the cycle.
Every register is without reset and enable.
"""

from __future__ import annotations

from amaranth.hdl import Cat, ClockSignal, Const, Instance, Module, Signal, Value, ValueLike, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from .config import MULTIPLIERS
from .delay import delayed
from .lutmultiplier import booth_multiplier, levels, small_multiplier
from .soft_multiplier import soft_product

ECP5_LATENCY = 3
ECP5_PART = 18
"""Bits of an operand that one MULT18X18D takes, signed or not."""
SMALL_PART = 4
"""The multiplicand's part above ``ECP5_PART`` bits is multiplied in LUTs up to this width."""


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

    Members
    -------
    x, w : In(8 * lanes), int8 factors, lane 0 in the lowest byte.
    p : Out(array of signed(16)), the products.
    """

    def __init__(self, lanes: int, kind: str, latency: int = 3, soft: int = 0) -> None:
        _check_kind(kind)
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
        if self._kind == "generic":
            products = [_plain(m, f"lane{n}", x, w, self.latency) for n, (x, w) in enumerate(pairs)]
        else:
            hard = self._lanes - self._soft
            make = _ecp5_lanes if self._kind == "ecp5" else _ice40_lanes
            products = make(m, pairs[:hard], self.latency)
            products += [
                soft_product(m, f"lane{n}", x, w, self._kind, self.latency)
                for n, (x, w) in enumerate(pairs[hard:], hard)
            ]
        m.d.comb += [self.p[lane].eq(product) for lane, product in enumerate(products)]
        return m


class WideMultiplier(wiring.Component):
    """``a * b`` with a signed and an unsigned factor.

    Latency: ``latency`` cycles. Throughput: one product a cycle.
    Range: all values of both factors; the product is exact.

    On ECP5 two MULT18X18D (up to 36 x 22 bits), four beyond that, or one (18 x 18): 219 MHz alone on a
    85F-6. On iCE40 LUTs: 548 logic cells for 21 x 18 bits, 682 for 24 x 20, 61 MHz alone on a UP5K, both
    less with a shorter latency.

    Parameters
    ----------
    a_width : bits of the signed factor, 2 to 36.
    b_width : bits of the unsigned factor, 2 to 36.
    kind : "generic", "ecp5" or "ice40".
    latency : cycles from the factors to the product; ``wide_latency(a_width, b_width)``, which every
        kind can do, if None. "ice40" and "generic" can do with less, down to 2.

    Members
    -------
    a : In(signed(a_width)).
    b : In(b_width).
    p : Out(signed(a_width + b_width)).
    """

    def __init__(self, a_width: int, b_width: int, kind: str, latency: int | None = None) -> None:
        _check_kind(kind)
        for name, width in (("a_width", a_width), ("b_width", b_width)):
            if not 2 <= width <= 2 * ECP5_PART:
                raise ValueError(f"{name} must be 2 to {2 * ECP5_PART}, not {width!r}")
        least = _ecp5_latency(a_width, b_width) if kind == "ecp5" else 2
        self.latency = wide_latency(a_width, b_width) if latency is None else latency
        if self.latency < least:
            raise ValueError(f"latency must be at least {least} with kind {kind!r}, not {latency!r}")
        self._kind = kind
        super().__init__({"a": In(signed(a_width)), "b": In(b_width), "p": Out(signed(a_width + b_width))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        if self._kind == "ice40":
            taken = min(self.latency, 1 + levels(len(self.b)))
            product = booth_multiplier(m, self.a, self.b, taken)
        elif self._kind == "ecp5":
            product, taken = _ecp5_wide(m, self.a, self.b), _ecp5_latency(len(self.a), len(self.b))
        else:
            product, taken = _plain(m, "wide", self.a, self.b, self.latency), self.latency
        m.d.comb += self.p.eq(delayed(m, product, self.latency - taken, "late"))
        return m


def wide_latency(a_width: int, b_width: int) -> int:
    """Cycles in which every kind of ``WideMultiplier`` of these widths reaches its best clock."""
    return max(_ecp5_latency(a_width, b_width), 1 + levels(b_width))


def wide_dsps(a_width: int, b_width: int) -> int:
    """MULT18X18D that an "ecp5" ``WideMultiplier`` takes."""
    if b_width <= ECP5_PART:
        return 1 if a_width <= ECP5_PART else 2
    if b_width <= ECP5_PART + SMALL_PART:
        return 1 if a_width <= ECP5_PART else 2
    return 2 if a_width <= ECP5_PART else 4


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


def _check_kind(kind: str) -> None:
    if kind not in MULTIPLIERS:
        raise ValueError(f"kind must be one of {MULTIPLIERS}, not {kind!r}")


def _plain(m: Module, name: str, a: Value, b: Value, latency: int) -> Value:
    """A product between registers: operands, then the product as often as it takes."""
    return delayed(m, delayed(m, a, 1, f"{name}_a") * delayed(m, b, 1, f"{name}_b"), latency - 1, f"{name}_p")


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


def _ecp5_latency(a_width: int, b_width: int) -> int:
    """One DSP alone, or DSPs, the sum of the middle products, the sum of all."""
    return ECP5_LATENCY + (2 if max(a_width, b_width) > ECP5_PART else 0)


def _ecp5_wide(m: Module, a: Value, b: Value) -> Value:
    """Schoolbook multiplication of 18-bit parts: ``low + (middle << 18) + (high << 36)``."""
    a_low, a_high = _split(a)
    b_low, b_high = _split(b)
    low = mult18(m, "low", a_low, b_low)
    if a_high is None and b_high is None:
        return low
    middle: list[Value] = []
    high: Value | None = None
    if a_high is not None:
        middle.append(mult18(m, "middle_a", a_high, b_low))
    if b_high is not None and len(b_high) <= SMALL_PART:
        middle.append(small_multiplier(m, a, b_high, ECP5_LATENCY))
    elif b_high is not None:
        middle.append(mult18(m, "middle_b", a_low, b_high))
        high = None if a_high is None else mult18(m, "high", a_high, b_high)
    outer = low if high is None else Cat(low, high).as_signed()
    middle_sum = delayed(m, sum(middle[1:], middle[0]), 1, "middle_sum")
    outer_late = delayed(m, outer, 1, "outer")
    upper = (outer_late >> ECP5_PART) + middle_sum
    width = len(a) + len(b)
    return delayed(m, Cat(outer_late[:ECP5_PART], upper)[:width].as_signed(), 1, "all")


def _split(value: Value) -> tuple[Value, Value | None]:
    """The lowest 18 bits, unsigned, and the rest with the sign; or all of it and nothing."""
    if len(value) <= ECP5_PART:
        return value, None
    rest = value[ECP5_PART:]
    return value[:ECP5_PART], rest.as_signed() if value.shape().signed else rest
