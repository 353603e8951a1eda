"""The vector unit: every output byte is a clamped sum of two table look-ups (ADD and its kin)."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .config import CoreConfig
from .delay import delayed
from .entries import entry_memory
from .isa import INDEX, ConfigBus


class TableSum(wiring.Component):
    """``y = clamp((v >> vector_shift) + zero_point, low, high)`` with
    ``v = table0[a] + table1[b]``.

    Rounding, scales and the operands' zero points are in the tables; the compiler proves each of the
    65,536 pairs.

    Operand words arrive in turn, the first operand's with ``first``. They are worked off
    ``vector_lanes`` bytes a cycle. Latency: ``latency(config)`` cycles from the second word to
    ``word_valid``. Throughput: a pair of words every max(2, lanes / vector_lanes) cycles.

    Members
    -------
    bus : In(ConfigBus), for zero_point, low, high, table_base.
    begin : In(1), strobe with a job's first word, ``latency(config)`` cycles behind the last one of the job
        before at least: from then on the registers hold what was written until then.
    valid, first, x : In, an operand word.
    load_enable : In(2), load_address, load_data : parts of table entries as they are loaded.
    word_valid, word : Out.
    """

    def __init__(self, config: CoreConfig, tables: tuple[tuple[int, ...], ...] = ()) -> None:
        self._config = config
        self._tables = tables
        self._address_bits = max(8, (config.table_depth - 1).bit_length())
        super().__init__({
            "bus": In(ConfigBus()), "begin": In(1),
            "valid": In(1), "first": In(1), "x": In(8 * config.lanes),
            "load_enable": In(2),
            "load_address": In(config.token_address_bits), "load_data": In(8 * config.lanes),
            "word_valid": Out(1), "word": Out(8 * config.lanes),
        })  # fmt: skip

    @staticmethod
    def latency(config: CoreConfig) -> int:
        """One cycle a slice; address, read, its register, one for the way, sum, compare, clamp, collect."""
        return config.lanes // config.vector_lanes + 8

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config = self._config
        slices, width = config.lanes // config.vector_lanes, 8 * config.vector_lanes
        registers = {
            "zero_point": Signal(signed(8)), "low": Signal(signed(8)), "high": Signal(signed(8)),
            "table_base": Signal(self._address_bits),
        }  # fmt: skip
        for name, register in registers.items():
            following = Signal.like(register, name=f"following_{name}")
            with m.If(self.bus.valid & (self.bus.register == INDEX[name])):
                m.d.sync += following.eq(self.bus.value)
            with m.If(self.begin):
                m.d.sync += register.eq(following)

        held, a, b = (Signal(8 * config.lanes, reset_less=True) for _ in range(3))
        left = Signal(range(slices + 1))
        with m.If(self.valid & self.first):
            m.d.sync += held.eq(self.x)
        with m.If(self.valid & ~self.first):
            m.d.sync += [a.eq(held), b.eq(self.x), left.eq(slices)]
        with m.Elif(left.any()):
            m.d.sync += [a.eq(a.rotate_right(width)), b.eq(b.rotate_right(width)), left.eq(left - 1)]
        active = left.any()

        bounds = [
            delayed(m, registers[name] - registers["zero_point"], 1, f"{name}_bound")
            for name in ("low", "high")
        ]
        outputs = [self._lane(m, lane, a, b, registers, bounds) for lane in range(config.vector_lanes)]
        valid = Signal(7)
        m.d.sync += valid.eq(Cat(active, valid))
        count = Signal(range(slices))
        last = count == slices - 1
        with m.If(valid[-1]):
            m.d.sync += [
                self.word.eq(Cat(self.word, *outputs)[width:]),
                count.eq(Mux(last, 0, count + 1)),
            ]
        m.d.sync += self.word_valid.eq(valid[-1] & last)
        return m

    def _lane(
        self, m: Module, lane: int, a: Signal, b: Signal, r: dict[str, Signal], bounds: list[Value]
    ) -> Signal:
        """One element a cycle: seven registers from the operand bytes to the output byte."""
        config = self._config
        entries = []
        for operand, source in enumerate((a, b)):
            init = self._tables[operand] if self._tables else ()
            byte = source.word_select(lane, 8)
            entry = entry_memory(
                m, f"table{operand}_{lane}", config, field=(0, config.table_bits),
                depth=config.table_depth, init=init, parts=config.table_parts,
                load=(self.load_enable[operand], self.load_address, self.load_data),
                address=delayed(m, r["table_base"] | byte ^ 0x80, 1, f"address{operand}_{lane}"),
            )  # fmt: skip
            entries.append(delayed(m, entry, 2, f"entry{operand}_{lane}").as_signed())
        v = Signal(signed(config.table_bits + 1), reset_less=True, name=f"v{lane}")
        m.d.sync += v.eq(entries[0] + entries[1])
        scaled = v[config.vector_shift :].as_signed()
        below, above, byte = (
            Signal(name=f"below{lane}"),
            Signal(name=f"above{lane}"),
            Signal(8, name=f"y{lane}"),
        )
        m.d.sync += [
            below.eq(scaled < bounds[0]),
            above.eq(scaled > bounds[1]),
            byte.eq(scaled + r["zero_point"]),
        ]
        y = Signal(8, reset_less=True, name=f"clamped{lane}")
        m.d.sync += y.eq(Mux(below, r["low"], Mux(above, r["high"], byte)))
        return y
