"""Contents of the memories: weight banks, parameters, tables, and their streamed form."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from tfl2hw.rtl_templates.config import CoreConfig
from tfl2hw.rtl_templates.image import Image
from tfl2hw.schedule.jobs import Schedule, matrices, stream_name
from tfl2hw.schedule.matrix import Matrix
from tfl2hw.schedule.rescale import Parameters
from tfl2hw.schedule.widths import ParameterWidths, parameter_words

from .program import Program


def make_image(schedule: Schedule, program: Program, config: CoreConfig) -> Image:
    """Everything that a core's memories have to hold for this model."""
    target = schedule.target
    widths = ParameterWidths(
        mantissa=config.mantissa_bits,
        offset=config.offset_bits,
        offset_zeros=config.offset_zeros,
        shift=config.shift_bits,
    )
    jobs = list(zip(matrices(schedule.layers), schedule.parameters, strict=True))
    weights: tuple[tuple[int, ...], ...] = ()
    parameters: tuple[tuple[int, ...], ...] = ()
    streams: tuple[tuple[int, bytes], ...] = ()
    if target.streamed:
        words = parameter_words(schedule.parameters, target)
        streams = tuple(
            (schedule.memory.addresses[stream_name(number)], _stream(schedule, job, each, widths, words))
            for number, (job, each) in enumerate(jobs)
        )
    else:
        weights = tuple(
            tuple(word for job, _ in jobs for word in _words(job.weights[:, column]))
            for column in range(target.columns)
        )
        parameters = tuple(
            tuple(
                entry
                for job, each in jobs
                for group in range(job.parameter_groups)
                for entry in _entries(schedule, each, widths, group, requantizer)
            )
            for requantizer in range(target.requantizers)
        )
    mask = (1 << config.table_bits) - 1
    tables = tuple(
        tuple(int(value) & mask for pair in schedule.tables for value in pair.tables[operand])
        for operand in range(2 if schedule.tables else 0)
    )
    return Image(
        program=program.words,
        weights=weights,
        parameters=parameters,
        tables=tables,
        exponentials=tuple(int(value) for table in schedule.exponentials for value in table),
        logarithms=tuple(int(value) for table in schedule.logarithms for value in table),
        scratchpad=(*streams, *_constants(schedule)),
    )


def _constants(schedule: Schedule) -> Iterator[tuple[int, bytes]]:
    """The constant maps, their pixels at the scratchpad's pitch."""
    for tensor, values in schedule.constants.items():
        if tensor not in schedule.placements:
            continue
        place = schedule.placements[tensor]
        height, width, channels = place.layout.shape
        padded = np.zeros((height * width, place.layout.pixel), np.int8)
        padded[:, :channels] = values.reshape(-1, channels)
        yield place.address, padded.tobytes()


def _words(weights: npt.NDArray[np.int8]) -> list[int]:
    """(..., lanes) int8 to unsigned words, lane 0 in the lowest byte."""
    lanes = weights.shape[-1]
    return [
        int.from_bytes(row.tobytes(), "little") for row in np.ascontiguousarray(weights).reshape(-1, lanes)
    ]


def _entries(
    schedule: Schedule, parameters: Parameters, widths: ParameterWidths, group: int, requantizer: int
) -> list[int]:
    """The entries of a requantizer for one group, in the order in which results leave its chain."""
    target = schedule.target
    first = group * target.columns + requantizer * target.chain
    entries = []
    for channel in reversed(range(first, first + target.chain)):
        if channel >= len(parameters.mantissa):
            entries.append(0)
            continue
        offset, lost = divmod(int(parameters.offset[channel]), 1 << widths.offset_zeros)
        assert not lost, "an offset has bits where all are said to end in zeros"
        offset &= (1 << widths.offset) - 1
        entry = int(parameters.mantissa[channel]) | offset << widths.mantissa
        entry |= int(parameters.shift[channel]) << (widths.mantissa + widths.offset)
        entries.append(entry | int(parameters.half_away[channel]) << (widths.total - 1))
    return entries


def _stream(
    schedule: Schedule, job: Matrix, parameters: Parameters, widths: ParameterWidths, words: int
) -> bytes:
    """For each group: every column's weight words, then every requantizer's entries."""
    target = schedule.target
    parts = []
    for group in range(job.groups):
        parts.append(np.ascontiguousarray(job.weights[group]).tobytes())
        for requantizer in range(target.requantizers):
            for entry in _entries(schedule, parameters, widths, group, requantizer):
                parts.append(entry.to_bytes(words * target.lanes, "little"))
    return b"".join(parts)
