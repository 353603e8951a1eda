"""The linear systolic array: K columns side by side and Q requantizers behind them."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .column import Column, first_control, result_layout
from .config import CoreConfig
from .delay import delayed
from .image import EMPTY, Image
from .isa import INDEX, ConfigBus, token_layout
from .requantizer import Requantizer, settings_layout


class Array(wiring.Component):
    """IFM words and tokens enter column 0 and pass through all columns, one a cycle.

    Each requantizer serves ``config.chain`` neighbouring columns; ``y`` brings one byte from each
    requantizer in the same cycle, the chain's last column first.

    Latency: ``latency(config)`` cycles from a pixel's last token at column 0 to the first ``valid``.
    Throughput: a token a cycle; a pixel every ``config.chain`` cycles at most, or as many times that as it
    has parts (see ``Column``), whose results follow each other.

    Members
    -------
    bus : In(ConfigBus), for zero_point, low, high, parameter_base.
    begin : In(1), strobe with a job's first token, ``leaves`` cycles behind the last one of the job before at
        least. The registers stand still from then until ``begin_out``.
    begin_out : Out(1), strobe ``begin_latency(config)`` cycles later, in the cycle before the last byte of
        the job's first pixel at the earliest, and behind all bytes of the job before.
    token : In, to column 0; x : In, its word, one cycle later. ``tail_token``, ``tail_x`` : Out, what left
        the last column.
    load_enable : In(Q), load_address, load_data : In, parts of parameter entries for the requantizers.
    valid : Out(1), y : Out(8 * Q).
    """

    def __init__(self, config: CoreConfig, image: Image = EMPTY) -> None:
        self._config = config
        self._image = image
        token = token_layout(config)
        super().__init__({
            "bus": In(ConfigBus()), "begin": In(1), "begin_out": Out(1),
            "token": In(token), "x": In(8 * config.lanes),
            "tail_token": Out(token), "tail_x": Out(8 * config.lanes),
            "load_enable": In(config.requantizers),
            "load_address": In(config.token_address_bits), "load_data": In(8 * config.lanes),
            "valid": Out(1), "y": Out(8 * config.requantizers),
        })  # fmt: skip

    @staticmethod
    def latency(config: CoreConfig) -> int:
        """The last column's skew, the column, its way out of the chain, the requantizer."""
        out = 1 if config.chain == 1 else 2
        return config.columns - 1 + Column.latency(config) + out + Requantizer.latency(config)

    @staticmethod
    def leaves(config: CoreConfig, parts: int = 1) -> int:
        """Cycles in which the results of a pixel leave, of a job that divides the lanes into ``parts``."""
        return parts * config.chain

    @staticmethod
    def begin_latency(config: CoreConfig) -> int:
        """From ``begin`` to ``begin_out``: a cycle less than to the last byte of a pixel of one token."""
        return Array.latency(config) + config.chain - 1

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config, image = self._config, self._image
        token, x = self.token, self.x
        bytes_out = []
        settings = self._settings(m)
        begins: list[Value] = [self.begin]
        for number in range(self.begin_latency(config)):
            begins.append(delayed(m, begins[-1], 1, f"begins{number}"))
        m.d.comb += self.begin_out.eq(begins[-1])
        control = first_control(m, config, token)
        for group in range(config.requantizers):
            result = Signal(result_layout(config), name=f"no_result_{group}")
            for place in range(config.chain):
                index = group * config.chain + place
                weights = image.weights[index] if image.weights else ()
                m.submodules[f"column{index}"] = column = Column(config, index, weights)
                m.d.comb += [column.token.eq(token), column.x.eq(x), column.control.eq(control)]
                m.d.comb += column.result.eq(result)
                token, x, control, result = (
                    column.token_out,
                    column.x_out,
                    column.control_out,
                    column.result_out,
                )
            parameters = image.parameters[group] if image.parameters else ()
            m.submodules[f"requantizer{group}"] = requantizer = Requantizer(config, parameters)
            wait = (config.requantizers - 1 - group) * config.chain
            first = self.latency(config) - Requantizer.latency(config) - wait
            m.d.comb += [
                requantizer.settings.eq(settings),
                requantizer.begin.eq(begins[first - 1]),
                requantizer.result.eq(result),
                # what never comes need not come from afar
                requantizer.load_enable.eq(self.load_enable[group] if config.loads else token.write),
                requantizer.load_address.eq(self.load_address),
                requantizer.load_data.eq(self.load_data),
            ]
            bytes_out.append(delayed(m, requantizer.y, wait, f"aligned{group}"))
        m.d.comb += [
            self.y.eq(Cat(bytes_out)),
            self.valid.eq(requantizer.valid),
            self.tail_token.eq(token),
            self.tail_x.eq(x),
        ]
        return m

    def _settings(self, m: Module) -> Value:
        """What was written last, for the job that begins next."""
        settings = Signal(settings_layout(self._config), name="settings")
        for name in ("zero_point", "low", "high", "parameter_base"):
            if self._config.constant(name) is not None:
                continue
            with m.If(self.bus.valid & (self.bus.register == INDEX[name])):
                m.d.sync += settings[name].eq(self.bus.value)
        with m.If(self.bus.valid & (self.bus.register == INDEX["parameter_base"])):
            m.d.sync += settings.based.eq(1)
        with m.Elif(self.begin_out):
            m.d.sync += settings.based.eq(0)
        return settings
