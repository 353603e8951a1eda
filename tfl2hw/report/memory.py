"""The scratchpad over time: which buffer stands where, from which layer to which."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from tfl2hw.codegen import Compiled
from tfl2hw.schedule.jobs import matrix_of, stream_name
from tfl2hw.schedule.memory import Buffer

from .network import tensor_name

BufferKind = Literal["input", "output", "constant", "map", "weights", "workspace"]
_TENSOR = re.compile(r"tensor (\d+)$")


@dataclass(frozen=True, kw_only=True)
class Span:
    """A buffer: ``bytes`` from ``address`` on, kept from time ``first`` to ``last``.

    Time is counted in layers: layer n runs from n to n + 1, and its jobs share that equally.
    """

    label: str
    kind: BufferKind
    address: int
    bytes: int
    first: float
    last: float


@dataclass(frozen=True, kw_only=True)
class MemoryMap:
    """All buffers of the scratchpad.

    ``available`` bytes are on the board, in banks of ``bank_bytes``, each filled from its beginning up to
    ``used``. ``layers`` are the indices of the operators that are the columns of time: those with jobs.
    """

    available: int
    bank_bytes: int
    used: tuple[int, ...]
    layers: tuple[int, ...]
    spans: tuple[Span, ...]


def memory_of(compiled: Compiled) -> MemoryMap:
    """The memory plan of ``compiled``, in its users' terms."""
    schedule = compiled.schedule
    working = [layer for layer in schedule.layers if layer.jobs]
    times = [0.0]
    for number, layer in enumerate(working):
        times += [number + (job + 1) / len(layer.jobs) for job in range(len(layer.jobs))]
    target = schedule.target
    streams = [layer.op_index for layer in working for job in layer.jobs if matrix_of(job) is not None]
    weights = {stream_name(number): index for number, index in enumerate(streams)}
    return MemoryMap(
        available=target.scratchpad_bytes,
        bank_bytes=target.scratchpad_bytes // target.banks,
        used=schedule.memory.used,
        layers=tuple(layer.op_index for layer in working),
        spans=tuple(
            _span(compiled, weights, buffer, times)
            for buffer in sorted(schedule.memory.buffers, key=lambda each: (each.first, each.last, each.name))
        ),
    )


def _span(compiled: Compiled, weights: Mapping[str, int], buffer: Buffer, times: list[float]) -> Span:
    end = len(times) - 1
    label, kind = _described(compiled, weights, buffer.name)
    return Span(
        label=label,
        kind=kind,
        address=compiled.schedule.memory.addresses[buffer.name],
        bytes=buffer.size,
        first=times[min(max(buffer.first, 0), end)],
        last=times[min(buffer.last + 1, end)],
    )


def _described(compiled: Compiled, weights: Mapping[str, int], name: str) -> tuple[str, BufferKind]:
    """What a buffer holds, and of which kind that is."""
    if name in weights:
        return f"weights of layer {weights[name]}", "weights"
    found = _TENSOR.match(name)
    if found is None:
        return name.replace("of operator", "of layer"), "workspace"
    tensor, network = int(found.group(1)), compiled.network
    kind: BufferKind = "map"
    if tensor in network.inputs:
        kind = "input"
    elif tensor in network.outputs:
        kind = "output"
    elif tensor in network.constants:
        kind = "constant"
    return tensor_name(compiled, tensor), kind
