"""Descriptions of the parts of a core that can be exchanged: ours, and those of other packages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

FIELD_BITS = 24
"""Bits of the register from which a vector function takes its fields."""
LATENCIES = (2, 3)
"""Cycles that a lane's multiplier may take (see ``CoreConfig.multiplier_latency``)."""


@dataclass(frozen=True, kw_only=True)
class Multiplier:
    """A way to make a lane's product of two int8 without a DSP, one a cycle.

    Parameters
    ----------
    name : as ``--multiplier`` spells it.
    make : ``make(m, name, x, w, latency)`` adds the logic to the Amaranth module ``m`` and returns the
        product, a signed value of 16 bits, ``latency`` cycles behind ``x`` and ``w``, signed values of 8
        bits. What it names begins with ``name``. Registers are of the domain ``sync``, and without a reset.
    latencies : the latencies that it can have; one for ECP5 has 3 among them, one for iCE40 2.
    cells, flip_flops : logic cells and flip-flops of a product, about: for estimates.
    families : the chips for which it is made.
    portable : whether it is plain Amaranth. Then a simulation has it too, and all 65,536 products are checked
        before it is used. Otherwise it has a chip's own cells.
    """

    name: str
    make: Callable[[Any, str, Any, Any, int], Any] = field(repr=False)
    latencies: tuple[int, ...]
    cells: int
    flip_flops: int
    families: tuple[str, ...] = ("ecp5", "ice40")
    portable: bool = True

    def __post_init__(self) -> None:
        if not self.latencies or not set(self.latencies) <= set(LATENCIES):
            raise ValueError(f"latencies must be some of {LATENCIES}, not {self.latencies!r}")


@dataclass(frozen=True, kw_only=True)
class VectorFunction:
    """A function of the bytes of one or two maps of one shape, made by a unit beside ADD's.

    Parameters
    ----------
    name : of the function, no other package's.
    operands : 1 or 2 maps.
    unit : ``unit(lanes)`` makes the ``wiring.Component`` that works on words of ``lanes`` bytes. Its ports
        are ``valid``: In(1), there is a word of each operand; ``a`` and (of two operands) ``b``:
        In(8 * lanes), those words, the bytes of pixel and channel in the same place; each field: In(its
        width), which stands still from the first word to the last result; ``y``: Out(8 * lanes), the result.
    reference : ``reference(operands, fields)`` is what the unit makes of int64 arrays of bytes, -128 to 127,
        and of the fields' values, exactly.
    latency : ``latency(lanes)``, cycles from ``valid`` to its result in ``y``, 1 at least.
    interval : ``interval(lanes)``, cycles from one ``valid`` to the next one at least.
    fields : names and widths of what an operator says to the unit besides, unsigned; 24 bits in all at most.
    luts_per_lane, flip_flops_per_lane : about, for estimates.
    """

    name: str
    operands: int
    unit: Callable[[int], Any] = field(repr=False)
    reference: Callable[[Any, Mapping[str, int]], Any] = field(repr=False)
    latency: Callable[[int], int] = field(repr=False)
    interval: Callable[[int], int] = field(default=lambda lanes: 1, repr=False)
    fields: tuple[tuple[str, int], ...] = ()
    luts_per_lane: int = 0
    flip_flops_per_lane: int = 0

    def __post_init__(self) -> None:
        if self.operands not in (1, 2):
            raise ValueError(f"operands must be 1 or 2, not {self.operands!r}")
        if sum(width for _, width in self.fields) > FIELD_BITS:
            raise ValueError(f"fields must have at most {FIELD_BITS} bits, not {self.fields!r}")

    def ports(self, lanes: int) -> dict[str, tuple[bool, int]]:
        """What the unit's ports have to be: whether it is an input, and its width."""
        words = {"a": (True, 8 * lanes), "b": (True, 8 * lanes)}
        return {
            "valid": (True, 1),
            **dict(list(words.items())[: self.operands]),
            **{name: (True, width) for name, width in self.fields},
            "y": (False, 8 * lanes),
        }

    def packed(self, values: Mapping[str, int]) -> int:
        """The fields' values as the unit's register has them, the first in the lowest bits."""
        packed = place = 0
        for name, width in self.fields:
            if not 0 <= values[name] < 1 << width:
                raise ValueError(f"{name} must have {width} bits, not {values[name]!r}")
            packed |= values[name] << place
            place += width
        return packed

    def unpacked(self, packed: int) -> dict[str, int]:
        """The fields' values from the register's."""
        values = {}
        for name, width in self.fields:
            values[name] = packed & (1 << width) - 1
            packed >>= width
        return values


@dataclass(frozen=True, kw_only=True)
class SoftProducts:
    """Which products are made by ``multiplier``: of at least ``lanes`` lanes of each column (None: all)."""

    multiplier: Multiplier
    lanes: int | None = None
