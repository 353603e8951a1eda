"""The linear systolic array: K columns side by side and Q requantizers behind them."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from .column import Column, first_control, result_layout
from .config import CoreConfig
from .delay import delayed
from .image import EMPTY, Image
from .isa import ConfigBus, token_layout
from .requantizer import Requantizer


class Array(wiring.Component):
    """IFM words and tokens enter column 0 and pass through all columns, one a cycle.

    Each requantizer serves ``config.chain`` neighbouring columns; ``y`` brings one byte from each
    requantizer in the same cycle, the chain's last column first.

    Latency: ``latency(config)`` cycles from a pixel's last token at column 0 to the first ``valid``.
    Throughput: a token a cycle; a pixel every ``config.chain`` cycles at most, or as many times that as it
    has parts (see ``Column``), whose results follow each other.

    Members
    -------
    bus : In(ConfigBus).
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
            "bus": In(ConfigBus()),
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
    def leaves(config: CoreConfig) -> int:
        """Cycles in which the results of a pixel leave, at most."""
        return config.parts * config.chain

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config, image = self._config, self._image
        token, x = self.token, self.x
        bytes_out = []
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
            connect(m, flipped(self.bus), requantizer.bus)
            m.d.comb += [
                requantizer.result.eq(result),
                requantizer.load_enable.eq(self.load_enable[group]),
                requantizer.load_address.eq(self.load_address),
                requantizer.load_data.eq(self.load_data),
            ]
            wait = (config.requantizers - 1 - group) * config.chain
            bytes_out.append(delayed(m, requantizer.y, wait, f"aligned{group}"))
        m.d.comb += [
            self.y.eq(Cat(bytes_out)),
            self.valid.eq(requantizer.valid),
            self.tail_token.eq(token),
            self.tail_x.eq(x),
        ]
        return m
