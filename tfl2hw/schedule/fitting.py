"""The parameters of all jobs: the shortest numbers with which every one of them is proven exact."""

from __future__ import annotations

from collections.abc import Sequence

from tfl2hw.errors import ModelError
from tfl2hw.ir.primitives import TableSum

from .jobs import Layer, matrices, matrix_of
from .rescale import FRACTIONS, Parameters, find_steps, fit
from .shape import Target
from .table_fit import SHIFTS, TablePair, fit_tables


def fit_requantizer(
    file: str, layers: Sequence[Layer], target: Target
) -> tuple[int, tuple[Parameters, ...], int]:
    """The mantissas' fraction, the parameters of each matrix job, and the accumulators' width.

    Raises
    ------
    ModelError : some layer's scales cannot be met.
    """
    jobs = matrices(layers)
    steps = [find_steps(job.rescale, job.bias, *job.accumulator) for job in jobs]
    extreme = max(
        (max(-int(job.accumulator[0].min()), int(job.accumulator[1].max())) for job in jobs), default=1
    )
    fractions = FRACTIONS if target.core is None else (target.core.mantissa_fraction,)
    for fraction in fractions:
        fitted = [fit(each, fraction) for each in steps]
        good = [each for each in fitted if each is not None]
        if len(good) == len(fitted):
            return fraction, tuple(good), max(16, extreme.bit_length() + 1)
    failing = next(n for n, each in enumerate(fitted) if each is None)
    owner = next(layer for layer in layers for job in layer.jobs if matrix_of(job) is jobs[failing])
    raise ModelError(
        f"{file}: the output scale of operator {owner.op_index} ({owner.op}) cannot be met exactly by the "
        "requantizer; the ratio of its scales is out of range."
    )


def fit_all_tables(
    file: str, tables: Sequence[TableSum], target: Target
) -> tuple[int, tuple[TablePair, ...]]:
    """How far the table-sum unit shifts, and the tables of each sum.

    Raises
    ------
    ModelError : some operator has no exact tables.
    """
    if not tables:
        return 0, ()
    for shift in SHIFTS if target.core is None else (target.core.vector_shift,):
        fitted = [fit_tables(each, shift) for each in tables]
        good = [each for each in fitted if each is not None]
        if len(good) == len(fitted):
            return shift, tuple(good)
    failing = tables[next(n for n, each in enumerate(fitted) if each is None)]
    raise ModelError(
        f"{file}: the scales of operator {failing.op_index} ({failing.op}) cannot be met exactly by the "
        "table-sum unit."
    )
