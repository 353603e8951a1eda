"""How a model is loaded into a core that was built without it: through the scratchpad, by LOAD jobs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tfl2hw.rtl_templates.config import CoreConfig
from tfl2hw.rtl_templates.hostbus import PROGRAM_SPACE
from tfl2hw.rtl_templates.image import Image
from tfl2hw.rtl_templates.isa import Kind, Opcode, instruction, write
from tfl2hw.rtl_templates.latencies import drain
from tfl2hw.rtl_templates.tail import destinations


@dataclass(frozen=True, kw_only=True)
class Load:
    """Bytes for the device's addresses; with ``runs`` the program at word 0 is run when they are there."""

    writes: tuple[tuple[int, bytes], ...]
    runs: bool = False


@dataclass(frozen=True, kw_only=True)
class _Memory:
    """Neighbouring destinations of loads, each with its words of ``lanes`` bytes, equally many."""

    first: int
    contents: tuple[bytes, ...]


def loads(image: Image, config: CoreConfig) -> tuple[Load, ...]:
    """Everything that ``image`` holds: memories beside the array, then scratchpad and program."""
    filling = [load for memory in _memories(image, config) for load in _filling(memory, config)]
    last = Load(writes=(*image.scratchpad, (PROGRAM_SPACE, _program(image.program))))
    return (*filling, last)


def _memories(image: Image, config: CoreConfig) -> Iterator[_Memory]:
    numbers, lanes = destinations(config), config.lanes
    yield _Memory(first=0, contents=tuple(_packed(words, lanes) for words in image.weights))
    entry = config.parameter_parts * lanes
    parameters = tuple(_packed(entries, entry) for entries in image.parameters)
    yield _Memory(first=numbers["parameters"], contents=parameters)
    entry = config.table_parts * lanes
    yield _Memory(first=numbers["table0"], contents=tuple(_packed(table, entry) for table in image.tables))
    entry = config.exponential_parts * lanes
    for name, table in (("exponentials", image.exponentials), ("logarithms", image.logarithms)):
        if table:
            yield _Memory(first=numbers[name], contents=(_packed(table, entry),))


def _packed(values: Sequence[int], size: int) -> bytes:
    return b"".join(value.to_bytes(size, "little") for value in values)


def _filling(memory: _Memory, config: CoreConfig) -> Iterator[Load]:
    """As many words of every destination at a time as the scratchpad takes."""
    if not memory.contents or not memory.contents[0]:
        return
    lanes, count = config.lanes, len(memory.contents)
    words = len(memory.contents[0]) // lanes
    chunk = min(config.scratchpad_words // count, (1 << (config.count_bits - 1)) - 1)
    for start in range(0, words, chunk):
        end = min(start + chunk, words)
        data = b"".join(each[start * lanes : end * lanes] for each in memory.contents)
        registers = {
            "load_base": 0,
            "load_words": end - start - 2,
            "load_first": memory.first,
            "load_count": count - 2,
            "load_address": start,
        }
        program = (
            *(write(name, value) for name, value in registers.items()),
            instruction(Opcode.START, Kind.LOAD),
            instruction(Opcode.END, drain(config)[Kind.LOAD]),
        )
        yield Load(writes=((0, data), (PROGRAM_SPACE, _program(program))), runs=True)


def _program(words: Sequence[int]) -> bytes:
    return _packed(words, 4)
