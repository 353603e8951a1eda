"""From primitives to a schedule: jobs, their parameters, their memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby

from tfl2hw.errors import DoesNotFit
from tfl2hw.ir.primitives import Network, Primitive

from .fitting import Fits, fit_all_tables, fit_requantizer
from .jobs import Layer, Placement, Schedule, matrices
from .live_ranges import plan
from .lowering import Lowering
from .shape import Target

SPLIT_SHIFT = 16
"""A sum that has no tables with so many fractional bits is taken to have none."""


def schedule(network: Network, target: Target, fits: Fits | None = None) -> Schedule:
    """The schedule of ``network`` on ``target``; ``fits`` are what schedules of it found for other targets.

    Raises
    ------
    ModelError : something that the hardware cannot do.
    DoesNotFit : something that is too large.
    """
    known, whole = fits or Fits(), network
    network = known.split(whole, SPLIT_SHIFT if target.core is None else target.core.vector_shift)
    lowering = Lowering(network, target)
    layers = [
        _layer(lowering, network, tuple(primitives))
        for _, primitives in groupby(network.primitives, key=lambda each: each.op_index)
    ]
    _check_banks(network.file, layers, target)
    fraction, parameters, accumulator_bits = fit_requantizer(network.file, layers, target, known)
    vector_shift, tables = fit_all_tables(network.file, lowering.tables, target, known)
    try:
        memory = plan(network, target, lowering, layers, parameters)
    except DoesNotFit:
        if lowering.has_strips:
            return schedule(whole, replace(target, strips=False), known)
        if not target.pair:
            raise
        return schedule(whole, replace(target, pair=False), known)  # pairs of lines want room behind a map
    placements = {
        tensor: Placement(address=memory.addresses[lowering.buffer(tensor)], layout=lowering.layout(tensor))
        for tensor in network.shapes
        if lowering.buffer(tensor) in memory.addresses
    }
    return Schedule(
        file=network.file,
        target=target,
        layers=tuple(layers),
        parameters=parameters,
        mantissa_fraction=fraction,
        accumulator_bits=accumulator_bits,
        tables=tables,
        vector_shift=vector_shift,
        exponentials=tuple(lowering.exponentials),
        logarithms=tuple(lowering.logarithms),
        memory=memory,
        placements=placements,
        constants=network.constants,
        inputs=network.inputs,
        outputs=network.outputs,
    )


def _layer(lowering: Lowering, network: Network, primitives: Sequence[Primitive]) -> Layer:
    """The jobs of one operator's primitives."""
    jobs = [job for primitive in primitives for job in lowering.jobs(primitive)]
    return Layer(
        op_index=primitives[0].op_index,
        op=primitives[0].op,
        outputs=tuple(dict.fromkeys(primitive.output for primitive in primitives)),
        macs=network.macs.get(primitives[0].op_index, 0),
        jobs=tuple(jobs),
    )


def _check_banks(file: str, layers: Sequence[Layer], target: Target) -> None:
    """Raises DoesNotFit where a filter does not fit into a bank into which it is streamed."""
    deepest = max((job.weights.shape[2] for job in matrices(layers)), default=0)
    if target.streamed and deepest > target.bank_depth:
        raise DoesNotFit(
            f"{file}: a filter takes {deepest} words of a column's weight bank, the board has "
            f"{target.bank_depth}; choose a larger board."
        )
