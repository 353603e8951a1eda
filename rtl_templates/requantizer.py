"""Accumulator to output byte: one multiplication, one addition, one shift, one clamp."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from .column import result_layout
from .config import CoreConfig
from .delay import delayed
from .entries import LUT_DEPTH, entry_memory
from .registers import register
from .wide_multiplier import WideMultiplier, wide_latency

ZERO_POINT_BITS = 9
"""A byte's zero point may be one of unsigned bytes, less 128."""

SETTLED_BITS = 11
"""Width in which the scaled value is saturated: beyond any distance between zero point and clamp."""

FITS_BITS = 8
"""Bits that are looked at in one cycle, on the way to whether all of them are alike."""


def settings_layout(config: CoreConfig) -> data.StructLayout:
    """Registers that a job takes over; ``parameter_base`` only if it is ``based``."""
    return data.StructLayout({
        "zero_point": signed(ZERO_POINT_BITS), "low": signed(8), "high": signed(8),
        "parameter_base": unsigned(parameter_address_bits(config)), "based": unsigned(1),
    })  # fmt: skip


def parameter_address_bits(config: CoreConfig) -> int:
    """Bits of an entry's number."""
    return max(1, (config.parameter_depth - 1).bit_length())


class Requantizer(wiring.Component):
    """Per filter: mantissa m, offset R (bias and rounding folded in), shift s, and half_away: whether
    negative values round half away from zero. With f = ``mantissa_fraction``::

        v = accumulator * m + R
        w = (v >> f) - (2 if v < 0 and half_away else 0)
        y = clamp((((w >> s) + 1) >> 1) + zero_point, low, high)

    With the full 31-bit multiplier this is TFLite's double rounding word for word; the compiler
    chooses the shortest m for which every output byte is provably the same.

    Latency: ``latency(config)`` cycles from ``result`` to ``y``. Throughput: one result a cycle.
    Range: any accumulator; the sum with R must fit ``total_bits(config)``, which the compiler checks.

    Members
    -------
    settings : In(settings_layout), the registers of the job that begins.
    begin : In(1), strobe between the last result of the job before and the job's first one, in the cycle
        before that at the latest. ``settings`` stand still until ``settle_latency(config)`` cycles behind it.
    result : In, finished accumulators; those of a pixel come last column first. With ``config.channels`` > 1
        those of the second K channels (``second``) meet the entries behind the first ones'.
    load_enable, load_address, load_data : In, a part of an entry as it is loaded.
    valid, y : Out, the output byte.
    """

    def __init__(self, config: CoreConfig, parameters: tuple[int, ...] = ()) -> None:
        self._config = config
        self._parameters = parameters
        self._address_bits = parameter_address_bits(config)
        super().__init__({
            "settings": In(settings_layout(config)), "begin": In(1),
            "result": In(result_layout(config)),
            "load_enable": In(1),
            "load_address": In(config.token_address_bits), "load_data": In(8 * config.lanes),
            "valid": Out(1), "y": Out(8),
        })  # fmt: skip

    @staticmethod
    def total_bits(config: CoreConfig) -> int:
        """Bits of ``v``."""
        offset_bits = config.offset_bits + config.offset_zeros
        return max(config.accumulator_bits + config.mantissa_bits, offset_bits) + 1

    @staticmethod
    def latency(config: CoreConfig) -> int:
        """Parameter read, multiplier, then ten registers."""
        product = config.product_latency or wide_latency(config.accumulator_bits, config.mantissa_bits)
        return 1 + config.parameter_registers + product + 10

    @staticmethod
    def settle_latency(config: CoreConfig) -> int:
        """From ``begin``, which comes a cycle before a result, to where the clamp's limits are read last."""
        return Requantizer.latency(config) - 1

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config = self._config
        m.submodules.multiplier = multiplier = WideMultiplier(
            config.accumulator_bits, config.mantissa_bits, config.multiplier, config.product_latency,
            config.requantizer_dsps,
        )  # fmt: skip
        mantissa, offset, shift, half_away = self._read_parameters(m, multiplier.latency)
        m.d.comb += [
            multiplier.a.eq(delayed(m, self.result.value, 1 + config.parameter_registers, "accumulator")),
            multiplier.b.eq(mantissa),
        ]
        shift, half_away = delayed(m, shift, 2, "shift"), delayed(m, half_away, 1, "half_away")

        v = Signal(signed(self.total_bits(config)), reset_less=True)
        zeros = config.offset_zeros
        m.d.sync += v.eq(Cat(multiplier.p[:zeros], (multiplier.p >> zeros) + offset.as_signed()))
        fraction = config.mantissa_fraction
        w = Signal(signed(len(v) - fraction + 1), reset_less=True)
        m.d.sync += w.eq(v[fraction:].as_signed() - Cat(Const(0, 1), v[-1] & half_away))
        coarse = Signal.like(w)
        coarse_bits = max(0, config.shift_bits - 2)
        m.d.sync += coarse.eq(w >> (shift[-coarse_bits:] << 2) if coarse_bits else w)
        fine_shift = delayed(m, shift[: min(2, config.shift_bits)], 1, "fine")
        fine = Signal.like(w)
        m.d.sync += fine.eq(coarse >> fine_shift)
        self._finish(m, fine)
        m.d.comb += self.valid.eq(delayed(m, self.result.valid, self.latency(config), "valid"))
        return m

    def _finish(self, m: Module, fine: Signal) -> None:
        """Saturate to a few bits, round, add the zero point, clamp; each with the registers of the job
        whose result is there.
        """
        keep = SETTLED_BITS
        zero_point = Signal(signed(ZERO_POINT_BITS), reset_less=True)
        low, high = limits = [register(self._config, name, signed(8)) for name in ("low", "high")]
        settles = delayed(m, self.begin, self.settle_latency(self._config) - 2, "settles")
        with m.If(settles):
            m.d.sync += zero_point.eq(self.settings.zero_point)
        with m.If(delayed(m, settles, 1, "clamps")):
            for limit, setting in zip(limits, (self.settings.low, self.settings.high), strict=True):
                if isinstance(limit, Signal):
                    m.d.sync += limit.eq(setting)
        low_late, high_late = (
            delayed(m, limit, int(isinstance(limit, Signal)), name)
            for limit, name in zip(limits, ("low_late", "high_late"), strict=True)
        )
        top = fine[keep - 1 :]
        pieces = [top[start : start + FITS_BITS] for start in range(0, len(top), FITS_BITS)]
        ones, zeros = (
            delayed(m, Cat(each), 1, name)
            for name, each in (("ones", (p.all() for p in pieces)), ("zeros", (~p.any() for p in pieces)))
        )
        small = delayed(m, fine[:keep], 2, "small").as_signed()
        fits = delayed(m, ones.all() | zeros.all(), 1, "fits")
        negative = delayed(m, fine[-1], 2, "negative")
        settled = Signal(signed(keep), reset_less=True)
        most = (1 << (keep - 1)) - 1
        m.d.sync += settled.eq(Mux(fits, small, Mux(negative, -most - 1, most)))
        rounded = Signal(signed(keep), reset_less=True)
        m.d.sync += rounded.eq(((settled + 1) >> 1) + zero_point)
        below, above, byte = Signal(), Signal(), Signal(8, reset_less=True)
        m.d.sync += [below.eq(rounded < low), above.eq(rounded > high), byte.eq(rounded)]
        m.d.sync += self.y.eq(Mux(below, low_late, Mux(above, high_late, byte)))

    def _read_parameters(self, m: Module, wait: int) -> tuple[Value, Value, Value, Value]:
        """The entry of each result: the mantissa after the memory's latency, the rest ``wait`` cycles later.

        The rest stands in a memory of its own, read later: an address is narrower than what it reads.
        """
        config = self._config
        group = Signal(self._address_bits)
        place = Signal(range(config.chain))
        place_bits = len(place)
        last = place == config.chain - 1
        second: Value = self.result.second if config.channels > 1 else Const(0, 0)
        with m.If(self.begin & self.settings.based):
            m.d.sync += group.eq(self.settings.parameter_base)
        with m.Elif(self.result.valid & last & self.result.final):
            # the last result of a job's pixels is always of the same channels
            m.d.sync += group.eq(group + (Mux(second, 2, 1) << place_bits))
        with m.If(self.result.valid):
            m.d.sync += place.eq(Mux(last, 0, place + 1))
        address = Signal(self._address_bits)
        m.d.comb += address.eq(group + Cat(place, second))
        split, end = config.mantissa_bits, config.parameter_bits
        mantissa = self._memory(m, "mantissas", (0, split), address)
        rest = self._memory(m, "rest", (split, end), delayed(m, address, wait, "address"))
        return mantissa, rest[: config.offset_bits], rest[config.offset_bits : -1], rest[-1]

    def _memory(self, m: Module, name: str, field: tuple[int, int], address: Value) -> Value:
        """The field of an entry. What is made of LUTs has one of the registers in front: they are many."""
        config = self._config
        before = int(
            not config.loads and config.parameter_depth <= LUT_DEPTH and config.parameter_registers > 0
        )
        value = entry_memory(
            m, name, config, field=field, depth=config.parameter_depth, init=self._parameters,
            parts=config.parameter_parts,
            load=(self.load_enable, self.load_address, self.load_data),
            address=delayed(m, address, before, f"{name}_address"),
        )  # fmt: skip
        return delayed(m, value, config.parameter_registers - before, name)
