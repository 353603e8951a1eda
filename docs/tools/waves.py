"""A tiny core, simulated by Amaranth while it runs a tiny network, and what its signals were in each cycle.

The waves are written as a VCD file and read back by name, so the diagrams of docs/how_it_works.md show
what the hardware did. The network is two 1x1 convolutions, the core has 4 lanes, 4 columns, 2 requantizers.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path

import numpy as np
from amaranth.sim import Simulator
from vcd.reader import TokenKind, tokenize

from tests.small_models import SmallModel
from tfl2hw.codegen import Compiled, compile_model
from tfl2hw.rtl_templates.core import Core
from tfl2hw.rtl_templates.frames import Command
from tfl2hw.runtime.network import location, to_device
from tfl2hw.runtime.protocol import request, write_request

BOARD, LANES, COLUMNS, REQUANTIZERS = "ulx3s-12f", 4, 4, 2
SEED = 8
HEIGHT, WIDTH, CHANNELS, FILTERS = 2, 3, 8, 4
PERIOD = 1e-6
TAIL = 60
"""Cycles that go on behind the end of the program."""

NAMELESS = re.compile(rb"(\$var \w+ \d+ \S+ )\$")
"""Amaranth calls a signal without a name ``$signal``, which is no name to the reader."""


@dataclass(frozen=True, kw_only=True)
class Wave:
    """A signal's width in bits, and its value at the end of each clock cycle, as if it were unsigned."""

    width: int
    values: Sequence[int]


Waves = Mapping[str, Wave]
"""Signals by hierarchical name."""


def compiled_network(folder: Path) -> Compiled:
    """Two convolutions, the second one reading what the first one wrote."""
    model = SmallModel(SEED)
    source = model.input((1, HEIGHT, WIDTH, CHANNELS))
    first = model.conv(source, FILTERS, (1, 1))
    model.sink(model.conv(first, FILTERS, (1, 1)))
    path = folder / "tiny.tflite"
    path.write_bytes(model.finish(model.inputs, model.outputs))
    return compile_model(path, BOARD, lanes=LANES, columns=COLUMNS, requantizers=REQUANTIZERS)


def record() -> Waves:
    """The signals of the core over one inference, from the first instruction on."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        compiled = compiled_network(folder)
        vcd = folder / "waves.vcd"
        run(compiled, vcd)
        return read(vcd)


def run(compiled: Compiled, vcd: Path) -> None:
    """Write the input and start the program, over the core's byte stream."""
    core = Core(replace(compiled.config, multiplier="generic"), compiled.core_image)
    image = np.arange(HEIGHT * WIDTH * CHANNELS, dtype=np.int8).reshape(1, HEIGHT, WIDTH, CHANNELS)
    (tensor,) = compiled.network.inputs
    (packed,) = to_device(compiled, [image])
    sent = request(Command.MARK, 1, 1)
    for number, (address, data) in enumerate(location(compiled, tensor).writes(packed)):
        sent += write_request(2 + number, address, data)
    sent += request(Command.RUN, 100)

    async def host(ctx: object) -> None:
        ctx.set(core.o.ready, 1)  # type: ignore[attr-defined]
        ctx.set(core.i.valid, 1)  # type: ignore[attr-defined]
        for byte in sent:
            ctx.set(core.i.payload, byte)  # type: ignore[attr-defined]
            await ctx.tick().until(core.i.ready)  # type: ignore[attr-defined]
        ctx.set(core.i.valid, 0)  # type: ignore[attr-defined]
        await ctx.tick().repeat(compiled.predicted_cycles + TAIL)  # type: ignore[attr-defined]

    simulator = Simulator(core)
    simulator.add_clock(PERIOD)
    simulator.add_testbench(host)
    with simulator.write_vcd(str(vcd)):
        simulator.run()


def read(vcd: Path) -> Waves:
    """Every signal's value before each rising edge of the clock, from the run's first cycle on.

    Signals are named without the top's name: ``array.column0.accumulator``.
    """
    scope: list[str] = []
    names: dict[str, list[str]] = {}
    widths: dict[str, int] = {}
    values: dict[str, int] = {}
    cycles: list[dict[str, int]] = []
    for token in tokenize(BytesIO(NAMELESS.sub(rb"\1_", vcd.read_bytes()))):
        if token.kind is TokenKind.SCOPE:
            scope.append(token.scope.ident.partition("$")[0])  # Amaranth numbers names that are taken
        elif token.kind is TokenKind.UPSCOPE:
            scope.pop()
        elif token.kind is TokenKind.VAR:
            names.setdefault(token.var.id_code, []).append(".".join([*scope[2:], token.var.reference]))
            widths[token.var.id_code] = token.var.size
        elif token.kind in (TokenKind.CHANGE_SCALAR, TokenKind.CHANGE_VECTOR):
            scalar = token.kind is TokenKind.CHANGE_SCALAR
            change = token.scalar_change if scalar else token.vector_change
            code, value = change.id_code, int(change.value)
            if "clk" in names[code] and value and not values.get(code, 0):
                cycles.append(dict(values))
            values[code] = value
    run = next(code for code, all_ in names.items() if "sequencer.run" in all_)
    start = next(n for n, at in enumerate(cycles) if at[run])
    return {
        name: Wave(width=widths[code], values=[at.get(code, 0) for at in cycles[start:]])
        for code, all_ in names.items()
        for name in all_
    }
