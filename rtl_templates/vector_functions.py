"""The functions of other packages: each a unit that makes words of words, beside the table sum."""

from __future__ import annotations

from amaranth.hdl import Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import Flow, In, Out

from .config import CoreConfig
from .isa import FUNCTION_BITS, FUNCTION_SHIFT, INDEX, VALUE_BITS, ConfigBus
from .parts import VectorFunction


class VectorFunctions(wiring.Component):
    """Collects the operands' words, hands them to the unit of the job's function, and its result on.

    Latency: ``latency(config)`` cycles from the last operand's word to ``word_valid`` for the slowest
    function; others are sooner. Throughput: that of the function, or of the words that arrive.

    Members
    -------
    bus : In(ConfigBus), for the number of the function in a START, and the register ``function_fields``.
    begin : In(1), strobe with a job's first word; all results of the job before have come by then.
    valid, first, last, x : In, an operand's word; the first one's, the last one's.
    word_valid, word : Out.
    """

    def __init__(self, config: CoreConfig) -> None:
        self._config = config
        word = 8 * config.lanes
        super().__init__({
            "bus": In(ConfigBus()), "begin": In(1),
            "valid": In(1), "first": In(1), "last": In(1), "x": In(word),
            "word_valid": Out(1), "word": Out(word),
        })  # fmt: skip

    @staticmethod
    def latency(config: CoreConfig) -> int:
        """The operands' register, and the slowest unit."""
        return 1 + max(function.latency(config.lanes) for function in config.functions)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        held, a, b = (Signal.like(self.x, reset_less=True) for _ in range(3))
        there = Signal()
        with m.If(self.valid & self.first):
            m.d.sync += held.eq(self.x)
        m.d.sync += [there.eq(self.valid & self.last), a.eq(Mux(self.first, self.x, held)), b.eq(self.x)]
        number, fields = self._registers(m)
        valid: Value = Const(0, 1)
        word: Value = Const(0, len(self.word))
        for place, function in enumerate(self._config.functions):
            y_valid, y = self._unit(m, function, there & (number == place), (a, b), fields)
            valid, word = valid | y_valid, Mux(y_valid, y, word)
        m.d.comb += [self.word_valid.eq(valid), self.word.eq(word)]
        return m

    def _registers(self, m: Module) -> tuple[Signal, Signal]:
        """Number and fields of the job under way, which were written before it began."""
        number, fields = Signal(FUNCTION_BITS), Signal(VALUE_BITS)
        started, written = Signal.like(number), Signal.like(fields)
        with m.If(self.bus.start):
            m.d.sync += started.eq(self.bus.value >> FUNCTION_SHIFT)
        with m.If(self.bus.valid & (self.bus.register == INDEX["function_fields"])):
            m.d.sync += written.eq(self.bus.value)
        with m.If(self.begin):
            m.d.sync += [number.eq(started), fields.eq(written)]
        return number, fields

    def _unit(
        self, m: Module, function: VectorFunction, valid: Value, words: tuple[Signal, Signal], fields: Signal
    ) -> tuple[Value, Value]:
        """The unit of ``function``; when its result is there, and the result."""
        lanes = self._config.lanes
        unit = checked_unit(function, lanes)
        m.submodules[f"function_{function.name}"] = unit
        m.d.comb += unit.valid.eq(valid)
        for port, word in list(zip("ab", words, strict=True))[: function.operands]:
            m.d.comb += getattr(unit, port).eq(word)
        place = 0
        for name, width in function.fields:
            m.d.comb += getattr(unit, name).eq(fields[place : place + width])
            place += width
        latency = function.latency(lanes)
        comes = Signal(latency, name=f"{function.name}_comes")
        m.d.sync += comes.eq(comes << 1 | valid)
        return comes[-1], unit.y


def checked_unit(function: VectorFunction, lanes: int) -> wiring.Component:
    """The unit of ``function``. Raises ValueError where its ports are not what they have to be."""
    unit = function.unit(lanes)
    found = {
        name: (member.flow == Flow.In, Value.cast(getattr(unit, name)).shape().width)
        for name, member in unit.signature.members.items()
        if member.is_port
    }
    if found != function.ports(lanes):
        wanted = _listed(function.ports(lanes))
        raise ValueError(f"ports of the unit of {function.name} must be {wanted}, not {_listed(found)}")
    return unit


def _listed(ports: dict[str, tuple[bool, int]]) -> str:
    return ", ".join(
        f"{name}: {'In' if is_input else 'Out'}({width})" for name, (is_input, width) in ports.items()
    )
