"""Latency and throughput of every unit, a token's life and the block RAMs of one compiled model.

``python bench/units.py MODEL --board B [--lanes C --columns K] [--json]``

Every figure comes from the units' own constants and functions, for the configuration that the
compiler chooses for this model on this board. Nothing is simulated.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import typer

from tfl2hw.cli.options import Board, Columns, Json, Lanes, Model
from tfl2hw.cli.terminal import print_json, print_table, say
from tfl2hw.codegen import Compiled, compile_model
from tfl2hw.codegen.bitstream import pll_for, uart_divisor
from tfl2hw.codegen.cycles import FIRST
from tfl2hw.codegen.footprint import block_rams
from tfl2hw.codegen.hazards import BUS, SOONEST
from tfl2hw.codegen.write import board_config
from tfl2hw.errors import Tfl2hwError
from tfl2hw.rtl_templates.address import AddressGenerator
from tfl2hw.rtl_templates.arg_max import ArgMax
from tfl2hw.rtl_templates.array import Array
from tfl2hw.rtl_templates.column import Column
from tfl2hw.rtl_templates.config import CoreConfig
from tfl2hw.rtl_templates.index import IndexRegister
from tfl2hw.rtl_templates.isa import Kind
from tfl2hw.rtl_templates.l2_normalize import L2Normalize
from tfl2hw.rtl_templates.latencies import drain, fetch_latency
from tfl2hw.rtl_templates.log_softmax import LogSoftmax
from tfl2hw.rtl_templates.multiplier import LaneMultiplier
from tfl2hw.rtl_templates.requantizer import Requantizer
from tfl2hw.rtl_templates.scratchpad import Scratchpad
from tfl2hw.rtl_templates.sequencer import Sequencer
from tfl2hw.rtl_templates.softmax import Softmax
from tfl2hw.rtl_templates.table_sum import TableSum
from tfl2hw.rtl_templates.wide_multiplier import WideMultiplier
from tfl2hw.rtl_templates.writer import Writer


@dataclass(frozen=True, kw_only=True)
class Unit:
    """``latency`` in cycles, between the two events that ``span`` names."""

    unit: str
    latency: int
    span: str
    throughput: str


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Where a pixel is in cycles ``start`` to ``stop`` after its last token's issue."""

    stage: str
    start: int
    stop: int


def units(config: CoreConfig) -> list[Unit]:
    """Every unit that a core of ``config`` has, in the order of the data."""
    lanes = LaneMultiplier(config.lanes, config.multiplier, config.multiplier_latency)
    wide = WideMultiplier(
        config.accumulator_bits, config.mantissa_bits, config.multiplier, config.product_latency
    )
    chain = f"a pixel every {_cycles(config.chain)}"
    found = [
        _unit("Sequencer", Sequencer.latency, "run to first register write", "an instruction a cycle"),
        _unit("AddressGenerator", AddressGenerator.latency, "issue to read address", "a token a cycle"),
        _unit("Scratchpad", Scratchpad.read_latency(config), "address to word", "a read and a write a cycle"),
        _unit("LaneMultiplier", lanes.latency, "factors to products", f"{config.lanes} products a cycle"),
        _unit("Column", Column.latency(config), "token to sum", "a token a cycle"),
        _unit("WideMultiplier", wide.latency, "factors to product", "a product a cycle"),
        _unit("Requantizer", Requantizer.latency(config), "sum to byte", "a result a cycle"),
        _unit("Array", Array.latency(config), "last token at column 0 to first byte", chain),
        _unit("Writer", Writer.latency, "last byte to write", f"{chain}, or a word or a byte a cycle"),
    ]
    if config.mover:
        found.append(_unit("Mover", drain(config)[Kind.MOVE], "issue to write", "a byte a cycle"))
    if config.copier:
        found.append(_unit("Copier", drain(config)[Kind.COPY], "issue to write", "a word a cycle"))
    if config.index:
        found.append(_unit("IndexRegister", IndexRegister.latency, "byte to index", "a byte a cycle"))
    if config.vector_lanes:
        every = max(2, config.lanes // config.vector_lanes)
        found.append(
            _unit(
                "TableSum", TableSum.latency(config), "second word to result",
                f"a pair of words every {_cycles(every)}",
            )
        )  # fmt: skip
    for function in config.functions:
        every = max(function.operands, function.interval(config.lanes))
        latency = 1 + function.latency(config.lanes)
        throughput = f"a word of each operand every {_cycles(every)}"
        found.append(_unit(function.name, latency, "last word to result", throughput))
    return [*found, *_row_units(config)]


def _row_units(config: CoreConfig) -> list[Unit]:
    """The units that work on whole rows."""
    found, once = [], "once a row"
    if config.softmax:
        digit = config.softmax_digit
        interval = f"a byte every {_cycles(Softmax.scale_interval(digit))}"
        reciprocal, scaling = Softmax.reciprocal_latency(digit), Softmax.scale_latency(digit)
        found += [
            _unit("Softmax, maximum", fetch_latency(config) + 4, "issue to maximum", "a byte a cycle"),
            _unit("Softmax, reciprocal", reciprocal, "last byte to first scaled", once),
            _unit("Softmax, scaling", scaling, "byte to result", interval),
        ]
    if config.log_softmax:
        latency = LogSoftmax.LOGARITHM_LATENCY
        found += [
            _unit("LogSoftmax, logarithm", latency, "last byte to first result's byte", once),
            _unit("LogSoftmax, results", LogSoftmax.SCALE_LATENCY, "byte to result", "a byte a cycle"),
        ]
    if config.l2_normalize:
        interval = f"a byte every {_cycles(L2Normalize.SCALE_INTERVAL)}"
        latency = L2Normalize.INVERSE_LATENCY
        found += [
            _unit("L2Normalize, inverse root", latency, "last byte to first scaled", once),
            _unit("L2Normalize, scaling", L2Normalize.SCALE_LATENCY, "byte to result", interval),
        ]
    if config.arg_max:
        found.append(_unit("ArgMax", ArgMax.LATENCY, "row's last byte to index's first", "a byte a cycle"))
    return found


def life(config: CoreConfig) -> list[Stage]:
    """A pixel's way to memory; cycle 0 issues its last token."""
    fetch, column = fetch_latency(config), Column.latency(config)
    skew, chain = config.columns - 1, config.chain
    way_out = 1 if chain == 1 else 2
    sums = fetch + column
    first = sums + skew + way_out
    byte = fetch + Array.latency(config)
    gone = byte + Array.leaves(config) - 1
    return [
        Stage(stage="loop nest, address", start=0, stop=AddressGenerator.latency - 1),
        Stage(stage="scratchpad", start=AddressGenerator.latency, stop=fetch - 1),
        Stage(stage="column 0", start=fetch, stop=sums - 1),
        Stage(stage=f"column {skew}", start=fetch + skew, stop=sums + skew - 1),
        Stage(stage="out of the columns", start=sums + skew, stop=first - 1),
        Stage(stage="requantizer", start=first, stop=byte - 1),
        Stage(stage="bytes leave", start=byte, stop=gone),
        Stage(stage="OFM write", start=gone + Writer.latency, stop=gone + Writer.latency),
    ]


def facts(compiled: Compiled) -> dict[str, object]:
    """What is printed, as one object."""
    config, board = board_config(compiled), compiled.board
    found: dict[str, object] = {
        "model": compiled.file.name,
        "board": board.name,
        "lanes": config.lanes,
        "columns": config.columns,
        "requantizers": config.requantizers,
        "units": [asdict(unit) for unit in units(config)],
        "life_of_a_pixel": [asdict(stage) for stage in life(config)],
        "drain": {kind.name: cycles for kind, cycles in drain(config).items()},
        "start": {"first_instruction": FIRST, "from_job_to_job": SOONEST + BUS},
        "widths": {
            "accumulator_bits": config.accumulator_bits,
            "mantissa_bits": config.mantissa_bits,
            "offset_bits": config.offset_bits,
            "shift_bits": config.shift_bits,
            "table_bits": config.table_bits,
        },
    }
    if board.chip is not None:
        found["block_rams"] = block_rams(config, board.family)
        found["block_rams_available"] = board.chip.block_rams
        found["uart_byte_cycles"] = 10 * uart_divisor(pll_for(board).mhz, board.baud)
    return found


def main(
    model: Model, board: Board, lanes: Lanes = None, columns: Columns = None, json: Json = False
) -> None:
    """Latency and throughput of every unit of MODEL's core."""
    try:
        compiled = compile_model(Path(model), board, "litert-ref", lanes, columns)
    except Tfl2hwError as refused:
        typer.echo(f"error: {refused}", err=True)
        raise typer.Exit(refused.exit_code) from None
    found = facts(compiled)
    if json:
        print_json(found)
    else:
        _print(compiled, found)


def _print(compiled: Compiled, found: dict[str, object]) -> None:
    config = board_config(compiled)
    title = (
        f"{compiled.file.name} on {compiled.board.name}: {config.lanes} lanes x {config.columns} columns, "
        f"Q = {config.requantizers}"
    )
    rows = [(unit.unit, unit.latency, unit.span, unit.throughput) for unit in units(config)]
    print_table(title, ("unit", "latency", "from ... to", "throughput"), rows, " r  ")
    print_table(
        "A pixel, from its last token's issue to the OFM write",
        ("stage", "cycles", ""),
        [(each.stage, _span(each), _bar(each)) for each in life(config)],
        " r ",
    )  # fmt: skip
    rows = [(kind.name, cycles) for kind, cycles in drain(config).items()]
    print_table("Last token's issue to last effect, by kind of job", ("kind", "cycles"), rows, " r")
    widths = found["widths"]
    assert isinstance(widths, dict)
    print_table("Widths that this model asks for", ("width", "bits"), list(widths.items()), " r")
    chip = compiled.board.chip
    if chip is not None:
        needed = block_rams(config, compiled.board.family)
        rows = [*needed.items(), ("all", sum(needed.values())), ("on the chip", chip.block_rams)]
        print_table("Block RAMs", ("memory", "blocks"), rows, " r")
        say(f"a byte over the UART takes {found['uart_byte_cycles']} cycles")
    say(f"first instruction in cycle {FIRST} of a run; {SOONEST + BUS} cycles from job to job")


def _unit(unit: str, latency: int, span: str, throughput: str) -> Unit:
    return Unit(unit=unit, latency=latency, span=span, throughput=throughput)


def _cycles(count: int) -> str:
    return "cycle" if count == 1 else f"{count} cycles"


def _bar(stage: Stage) -> str:
    return "." * stage.start + "#" * (stage.stop - stage.start + 1)


def _span(stage: Stage) -> str:
    return str(stage.start) if stage.start == stage.stop else f"{stage.start} - {stage.stop}"


if __name__ == "__main__":
    typer.run(main)
