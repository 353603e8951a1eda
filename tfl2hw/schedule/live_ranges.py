"""Which buffers there are, how large, and from which job to which they have to be kept."""

from __future__ import annotations

from collections.abc import Sequence

from tfl2hw.ir.primitives import Network

from .jobs import Layer, matrix_of, output, sources, stream_name
from .lowering import Lowering
from .memory import Buffer, MemoryPlan, plan_memory
from .rescale import Parameters
from .shape import Target
from .widths import parameter_words


class _Ranges:
    """The first and the last job that use each buffer; -1 is before the run."""

    def __init__(self) -> None:
        self.first: dict[str, int] = {}
        self.last: dict[str, int] = {}

    def use(self, name: str, job: int) -> None:
        self.first[name] = min(self.first.get(name, job), job)
        self.last[name] = max(self.last.get(name, job), job)


def plan(
    network: Network,
    target: Target,
    lowering: Lowering,
    layers: Sequence[Layer],
    parameters: Sequence[Parameters],
) -> MemoryPlan:
    """The memory plan of a network's layers. Raises DoesNotFit."""
    sizes = dict(lowering.extra)
    for tensor in network.shapes:
        name = lowering.buffer(tensor)
        sizes[name] = max(sizes.get(name, 0), lowering.layout(tensor).size)
    ranges, conflicts = _Ranges(), set()
    end = sum(len(layer.jobs) for layer in layers) + 1
    for tensor in network.inputs:
        ranges.use(lowering.buffer(tensor), 0)
    for tensor in network.constants:
        ranges.use(lowering.buffer(tensor), -1)
        ranges.use(lowering.buffer(tensor), end)
    number, step = 0, 0
    for layer in layers:
        for job in layer.jobs:
            written = output(job)
            for name in sources(job):
                ranges.use(name, step)
                if written is not None:
                    conflicts.add((name, written.target))
            if written is not None:
                ranges.use(written.target, step)
                sizes[written.target] = max(sizes[written.target], written.room)
            matrix = matrix_of(job)
            if matrix is not None:
                if target.streamed:
                    name = stream_name(number)
                    words = matrix.weights.shape[2] + parameter_words(parameters, target)
                    sizes[name] = matrix.groups * target.columns * words * target.lanes
                    ranges.use(name, -1)
                    ranges.use(name, end)
                    conflicts.add((name, matrix.output.target))
                number += 1
            step += 1
        for tensor in layer.outputs:
            ranges.use(lowering.buffer(tensor), max(step - 1, 0))
    for tensor in network.outputs:
        ranges.use(lowering.buffer(tensor), end)
    buffers = [
        Buffer(name=name, size=size, first=ranges.first[name], last=ranges.last[name])
        for name, size in sizes.items()
        if name in ranges.first
    ]
    return plan_memory(buffers, conflicts, target, network.file)
