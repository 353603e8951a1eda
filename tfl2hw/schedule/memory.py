"""Plans the scratchpad: which buffer lives where, and when."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tfl2hw.errors import DoesNotFit

from .shape import Target


@dataclass(frozen=True, kw_only=True)
class Buffer:
    """Bytes that must be kept from step ``first`` to step ``last`` (both included)."""

    name: str
    size: int
    first: int
    last: int


@dataclass(frozen=True, kw_only=True)
class MemoryPlan:
    """Where every buffer stands (byte address), and how many bytes are used at most, in each bank."""

    addresses: Mapping[str, int]
    buffers: tuple[Buffer, ...]
    used: tuple[int, ...]


def plan_memory(
    buffers: Sequence[Buffer], conflicts: Iterable[tuple[str, str]], target: Target, file: str
) -> MemoryPlan:
    """First fit, largest buffers first, in each bank.

    ``conflicts`` are pairs that one job reads and writes; with two banks they must be apart.
    Raises DoesNotFit, with needed and available bytes and the largest buffers, when they do not fit.
    """
    bank_of = _two_banks(buffers, conflicts, file) if target.banks == 2 else dict.fromkeys(_names(buffers), 0)
    bank_bytes = target.scratchpad_bytes // target.banks
    addresses: dict[str, int] = {}
    used = []
    for bank in range(target.banks):
        members = [buffer for buffer in buffers if bank_of[buffer.name] == bank]
        offsets = _first_fit(members, target.lanes)
        used.append(max((offsets[each.name] + each.size for each in members), default=0))
        if used[-1] > bank_bytes:
            raise DoesNotFit(_too_large(file, members, used[-1], bank_bytes, bank, target))
        addresses |= {name: offset + bank * bank_bytes for name, offset in offsets.items()}
    return MemoryPlan(addresses=addresses, buffers=tuple(buffers), used=tuple(used))


def _names(buffers: Sequence[Buffer]) -> list[str]:
    return [buffer.name for buffer in buffers]


def _first_fit(buffers: Sequence[Buffer], lanes: int) -> dict[str, int]:
    placed: list[tuple[int, Buffer]] = []
    for buffer in sorted(buffers, key=lambda each: (-each.size, each.first, each.name)):
        others = sorted(
            (start, start + other.size)
            for start, other in placed
            if other.first <= buffer.last and buffer.first <= other.last
        )
        start = 0
        for low, high in others:
            if start + buffer.size <= low:
                break
            start = max(start, -(-high // lanes) * lanes)
        placed.append((start, buffer))
    return {buffer.name: start for start, buffer in placed}


def _two_banks(buffers: Sequence[Buffer], conflicts: Iterable[tuple[str, str]], file: str) -> dict[str, int]:
    """Colour the conflict graph with two colours; the second bank takes what fits better there."""
    neighbours: dict[str, set[str]] = {name: set() for name in _names(buffers)}
    for one, other in conflicts:
        neighbours[one].add(other)
        neighbours[other].add(one)
    sizes = {buffer.name: buffer.size for buffer in buffers}
    bank: dict[str, int] = {}
    load = [0, 0]
    for start in sorted(neighbours, key=lambda name: -sizes[name]):
        if start in bank:
            continue
        colours = _two_colours(start, neighbours, file)
        weights = [sum(sizes[name] for name, colour in colours.items() if colour == c) for c in (0, 1)]
        straight = max(load[0] + weights[0], load[1] + weights[1])
        flip = int(max(load[0] + weights[1], load[1] + weights[0]) < straight)
        for name, colour in colours.items():
            bank[name] = colour ^ flip
            load[bank[name]] += sizes[name]
    return bank


def _two_colours(start: str, neighbours: Mapping[str, set[str]], file: str) -> dict[str, int]:
    """Colours of everything that ``start`` is connected with. Raises DoesNotFit on an odd circle."""
    colours = {start: 0}
    queue = [start]
    while queue:
        name = queue.pop()
        for other in sorted(neighbours[name]):
            if other not in colours:
                colours[other] = 1 - colours[name]
                queue.append(other)
            elif colours[other] == colours[name]:
                raise DoesNotFit(
                    f"{file}: {name} and {other} are read and written by the same layer, but the layers "
                    "between them leave no way to keep them in different single-port memories; choose a "
                    "board with dual-port block RAM (any ECP5 board)."
                )
    return colours


def _too_large(
    file: str, members: Sequence[Buffer], needed: int, available: int, bank: int, target: Target
) -> str:
    largest = sorted(members, key=lambda each: -each.size)[:3]
    names = ", ".join(f"{each.name} ({each.size} bytes)" for each in largest)
    where = f"bank {bank} of the scratchpad" if target.banks > 1 else "the scratchpad"
    return (
        f"{file}: {where} needs {needed} bytes, the board has {available}; the largest buffers are {names}. "
        "Choose a larger board or a smaller model."
    )
