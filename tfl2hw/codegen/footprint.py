"""Block RAMs that a core takes, counted before synthesis."""

from __future__ import annotations

from math import prod

from tfl2hw.boards import Board
from tfl2hw.errors import DoesNotFit
from tfl2hw.ir.graph import Graph
from tfl2hw.ir.primitives import Convolution, Depthwise, Network
from tfl2hw.rtl_templates.config import CoreConfig
from tfl2hw.rtl_templates.fixed_point import Program
from tfl2hw.rtl_templates.l2_normalize import SQUARES, L2Normalize
from tfl2hw.rtl_templates.log_softmax import TABLE, LogSoftmax
from tfl2hw.rtl_templates.window import carried
from tfl2hw.schedule.shape import Target

MAX_CHANNELS = 1 << 14
_SHAPES = {
    "ecp5": ((512, 36), (1024, 18), (2048, 9), (4096, 4), (8192, 2), (16384, 1)),
    "ice40": ((256, 16), (512, 8), (1024, 4), (2048, 2)),
}
"""Depth and width in which one block RAM of the family can be used."""


def block_rams(config: CoreConfig, family: str) -> dict[str, int]:
    """Block RAMs of each kind of memory, by the cheapest shape of the family's block."""

    def count(depth: int, width: int) -> int:
        return min(-(-depth // deep) * -(-width // wide) for deep, wide in _SHAPES[family])

    def machine(program: Program, table: int) -> int:
        # of the addresses in the code only those bits vary that tell the program's own words apart
        bits = program.flag_bits + (len(program.contents) - 1).bit_length()
        return count(table + len(program.contents), 32) + count(len(program.instructions), bits)

    word = 8 * config.lanes
    rest = config.offset_bits + config.shift_bits
    parameters = count(config.parameter_depth, config.mantissa_bits) + count(config.parameter_depth, rest)
    memories = {
        "weights": config.columns * count(config.bank_depth, word),
        "parameters": config.requantizers * parameters,
        "program": count(config.program_depth, 32),
    }
    if config.scratchpad == "block":
        width = 8 if config.unaligned else 32
        memories["scratchpad"] = 8 * config.lanes // width * count(config.scratchpad_words, width)
    if config.vector_lanes:
        memories["tables"] = 2 * config.vector_lanes * count(config.table_depth, config.table_bits)
    if family == "ice40":
        kept = len(carried(config))
        memories["loop deltas"] = count(8, config.byte_address_bits) + 2 * count(8, config.coordinate_bits)
        memories["windows"] = config.columns * count(config.places, 8 * kept) if config.places > 1 else 0
    if config.softmax:
        memories["exponentials"] = count(256 * config.softmax_tables, 32)
    if config.log_softmax:
        memories["logarithms"] = machine(LogSoftmax.PROGRAM, TABLE * config.log_tables)
    if config.l2_normalize:
        memories["L2 normalisation"] = machine(L2Normalize.PROGRAM, SQUARES)
    return memories


def check_maps(graph: Graph, target: Target) -> None:
    """Raises DoesNotFit when one map alone is larger than the scratchpad: before anything is scheduled."""
    written = (index for operator in graph.operators for index in operator.outputs)
    for index in (*graph.inputs, *written):
        tensor, size = graph.tensors[index], prod(graph.tensors[index].shape)
        if size > target.scratchpad_bytes:
            raise DoesNotFit(
                f"{graph.file}: the scratchpad needs {size} bytes for tensor {index} '{tensor.name}' alone, "
                f"the board has {target.scratchpad_bytes}. Choose a larger board or a smaller model."
            )


def check_channels(network: Network) -> None:
    """Raises DoesNotFit when more channels have requantizer parameters than any board holds.

    Fitting the parameters takes time for each of them, so this comes before it.
    """
    weighted = [p for p in network.primitives if isinstance(p, Convolution | Depthwise)]
    channels = sum(len(primitive.bias) for primitive in weighted)
    if channels > MAX_CHANNELS:
        raise DoesNotFit(
            f"{network.file}: the layers have {channels} output channels in all, at most {MAX_CHANNELS} are "
            "accepted. Choose a smaller model."
        )


def check_fit(config: CoreConfig, board: Board, file: str) -> None:
    """Raises DoesNotFit, with the numbers, when the board's chip has too few multipliers or block RAMs."""
    chip = board.chip
    if chip is None:
        return
    products = config.lanes * config.columns
    if products > chip.multipliers:
        raise DoesNotFit(
            f"{file}: an array of {config.lanes} lanes and {config.columns} columns makes {products} "
            f"products a cycle, {board.name} ({chip.name}) has multipliers for {chip.multipliers}; "
            "choose fewer with --lanes and --columns."
        )
    needed = block_rams(config, board.family)
    total = sum(needed.values())
    if total > chip.block_rams:
        parts = ", ".join(
            f"{name} {number}" for name, number in sorted(needed.items(), key=lambda item: -item[1])
        )
        raise DoesNotFit(
            f"{file}: the core needs {total} block RAMs ({parts}), {board.name} ({chip.name}) has "
            f"{chip.block_rams}; choose a larger board or a smaller model."
        )
