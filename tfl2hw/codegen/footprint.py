"""Block RAMs that a core takes, counted before synthesis."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from tfl2hw.boards import Board
from tfl2hw.errors import DoesNotFit
from tfl2hw.ir.graph import Graph
from tfl2hw.ir.primitives import Convolution, Depthwise, Network
from tfl2hw.rtl_templates.config import CoreConfig
from tfl2hw.rtl_templates.entries import LUT_DEPTH, entry_widths, piece_bits, rest_words
from tfl2hw.rtl_templates.fixed_point import Program
from tfl2hw.rtl_templates.l2_normalize import SQUARES, L2Normalize
from tfl2hw.rtl_templates.log_softmax import TABLE, LogSoftmax
from tfl2hw.rtl_templates.softmax import HALF_BITS
from tfl2hw.rtl_templates.window import carried

MAX_CHANNELS = 1 << 14
_SHAPES = {
    "ecp5": ((512, 36), (1024, 18), (2048, 9), (4096, 4), (8192, 2), (16384, 1)),
    "ice40": ((256, 16), (512, 8), (1024, 4), (2048, 2)),
}
"""Depth and width in which one block RAM of the family can be used."""


_LUT_RAM = (16, 4)
"""Depth and width of a LUT memory of the ECP5."""

_MOST_LUT_RAMS = 31
"""Of so many Yosys makes a memory; a larger one gets block RAM, whose cost it takes to be that of 32."""


@dataclass(frozen=True)
class _Memory:
    """``number`` memories of one size; a ``rom`` is never written. One in ``pieces`` is made as
    ``entries.split_memory`` makes it: narrow enough for output registers, of LUTs where it is not deep.
    """

    number: int
    depth: int
    width: int
    rom: bool = False
    pieces: bool = False

    def lut_rams(self, family: str) -> int:
        """LUT memories that one of them takes."""
        if self._is_small(family):
            return self._lut_rams(self.depth)
        return self._lut_rams(rest_words(self.depth, family)) if self.pieces else 0

    def _lut_rams(self, depth: int) -> int:
        return -(-depth // _LUT_RAM[0]) * -(-self.width // _LUT_RAM[1])

    def _is_small(self, family: str) -> bool:
        """Whether all of it is made of LUTs."""
        if family != "ecp5" or self.rom:
            return False
        return self.depth <= LUT_DEPTH if self.pieces else self._lut_rams(self.depth) <= _MOST_LUT_RAMS

    def blocks(self, family: str) -> int:
        """Block RAMs of all of them, by the cheapest shape of the family's block."""
        if self._is_small(family):
            return 0
        depth = self.depth - (rest_words(self.depth, family) if self.pieces else 0)
        most = piece_bits(self.width, depth, family) if self.pieces else self.width
        widths = [min(most, self.width - start) for start in range(0, self.width, most)]
        shapes = [(deep, wide) for deep, wide in _SHAPES[family] if wide <= most or most == self.width]
        return self.number * sum(
            min(-(-depth // deep) * -(-width // wide) for deep, wide in shapes) for width in widths
        )


def block_rams(config: CoreConfig, family: str) -> dict[str, int]:
    """Block RAMs of each kind of memory."""
    return {
        what: sum(memory.blocks(family) for memory in memories)
        for what, memories in _memories(config, family).items()
    }


def lut_rams(config: CoreConfig, family: str) -> int:
    """LUT memories of the kinds that ``block_rams`` has, where so little of them would fill no block."""
    memories = [memory for several in _memories(config, family).values() for memory in several]
    return sum(memory.number * memory.lut_rams(family) for memory in memories)


def _memories(config: CoreConfig, family: str) -> dict[str, list[_Memory]]:
    """The memories that may stand in block RAM."""

    def machine(program: Program, table: int) -> list[_Memory]:
        # of the addresses in the code only those bits vary that tell the program's own words apart
        bits = program.flag_bits + (len(program.contents) - 1).bit_length()
        return [
            _Memory(1, table + len(program.contents), 32),
            _Memory(1, len(program.instructions), bits, rom=True),
        ]

    word = 8 * config.lanes

    def entries(number: int, depth: int, start: int, stop: int) -> list[_Memory]:
        return [_Memory(number, depth, width, pieces=True) for width in entry_widths((start, stop), word)]

    memories = {
        "weights": [_Memory(config.columns, config.bank_depth, word, pieces=True)],
        "parameters": [
            *entries(config.requantizers, config.parameter_depth, 0, config.mantissa_bits),
            *entries(
                config.requantizers, config.parameter_depth, config.mantissa_bits, config.parameter_bits
            ),
        ],
        "program": [_Memory(1, config.program_depth, 32, pieces=True)],
    }
    if config.scratchpad == "block":
        width = 8 if config.unaligned else 32
        memories["scratchpad"] = [_Memory(word // width, config.scratchpad_words, width)]
    if config.vector_lanes:
        memories["tables"] = entries(2 * config.vector_lanes, config.table_depth, 0, config.table_bits)
    if family == "ice40":
        memories["loop deltas"] = [
            _Memory(1, 8, config.byte_address_bits),
            _Memory(2, 8, config.coordinate_bits),
        ]
        kept = len(carried(config))
        memories["windows"] = [_Memory(config.columns, config.places, 8 * kept)] if config.places > 1 else []
    if config.softmax:
        memories["exponentials"] = [_Memory(2, 256 * config.softmax_tables, HALF_BITS)]
    if config.log_softmax:
        memories["logarithms"] = machine(LogSoftmax.PROGRAM, TABLE * config.log_tables)
    if config.l2_normalize:
        memories["L2 normalisation"] = machine(L2Normalize.PROGRAM, SQUARES)
    return memories


def check_maps(graph: Graph, scratchpad_bytes: int) -> None:
    """Raises DoesNotFit when one map alone is larger than the scratchpad: before anything is scheduled."""
    written = (index for operator in graph.operators for index in operator.outputs)
    for index in (*graph.inputs, *written):
        tensor, size = graph.tensors[index], prod(graph.tensors[index].shape)
        if size > scratchpad_bytes:
            raise DoesNotFit(
                f"{graph.file}: the scratchpad needs {size} bytes for tensor {index} '{tensor.name}' alone, "
                f"the board has {scratchpad_bytes}. Choose a larger board or a smaller model."
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
    """Raises DoesNotFit, with the numbers, when the board's chip has too few block RAMs."""
    chip = board.chip
    if chip is None:
        return
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
