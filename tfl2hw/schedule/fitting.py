"""The parameters of all jobs: the shortest numbers with which every one of them is proven exact."""

from __future__ import annotations

from collections.abc import Sequence

from tfl2hw.errors import ModelError
from tfl2hw.ir.primitives import Network, Rescale, TableSum

from .jobs import Layer, matrices, matrix_of
from .matrix import Matrix
from .rescale import FRACTIONS, Parameters, Steps, find_steps, fit
from .shape import Target
from .split_sums import split_sums
from .table_fit import SHIFTS, TablePair, fit_tables


class Fits:
    """What was found of rescale functions and tables: other schedules of the same network need it again."""

    def __init__(self) -> None:
        self._steps: dict[object, tuple[Rescale, Steps]] = {}
        self._parameters: dict[tuple[int, int], tuple[Steps, Parameters | None]] = {}
        self._tables: dict[tuple[int, int], tuple[TableSum, TablePair | None]] = {}
        self._split: dict[tuple[int, int], tuple[Network, Network]] = {}

    def split(self, network: Network, shift: int) -> Network:
        """As ``split_sums``."""
        key = (id(network), shift)
        if key not in self._split:
            self._split[key] = network, split_sums(network, shift)
        return self._split[key][1]

    def steps(self, job: Matrix) -> Steps:
        """Where the rescale functions of ``job`` step."""
        key = (id(job.rescale), job.bias.tobytes(), *(bound.tobytes() for bound in job.accumulator))
        if key not in self._steps:
            self._steps[key] = job.rescale, find_steps(job.rescale, job.bias, *job.accumulator)
        return self._steps[key][1]

    def parameters(self, steps: Steps, fraction: int) -> Parameters | None:
        """As ``fit``."""
        key = (id(steps), fraction)
        if key not in self._parameters:
            self._parameters[key] = steps, fit(steps, fraction)
        return self._parameters[key][1]

    def tables(self, primitive: TableSum, shift: int) -> TablePair | None:
        """As ``fit_tables``."""
        key = (id(primitive), shift)
        if key not in self._tables:
            self._tables[key] = primitive, fit_tables(primitive, shift)
        return self._tables[key][1]


def fit_requantizer(
    file: str, layers: Sequence[Layer], target: Target, fits: Fits | None = None
) -> tuple[int, tuple[Parameters, ...], int]:
    """The mantissas' fraction, the parameters of each matrix job, and the accumulators' width.

    Raises
    ------
    ModelError : some layer's scales cannot be met.
    """
    known = fits or Fits()
    jobs = matrices(layers)
    steps = [known.steps(job) for job in jobs]
    extreme = max(
        (max(-int(job.accumulator[0].min()), int(job.accumulator[1].max())) for job in jobs), default=1
    )
    hardest = 0  # what a fraction was too short for is tried first with the next one
    for fraction in FRACTIONS if target.core is None else (target.core.mantissa_fraction,):
        order = sorted(range(len(steps)), key=lambda number: number != hardest)
        failing = next((n for n in order if known.parameters(steps[n], fraction) is None), None)
        if failing is None:
            found = (known.parameters(each, fraction) for each in steps)
            good = tuple(each for each in found if each is not None)
            bits = max(16, extreme.bit_length() + 1)
            if not target.headroom:
                return fraction, good, bits
            # scales that need a longer fraction come with the next training
            longer = [known.parameters(each, fraction + 1) for each in steps]
            better = tuple(each for each in longer if each is not None)
            if len(better) == len(good):
                fraction, good = fraction + 1, better
            return fraction, good, bits + 1
        hardest = failing
    owner = next(layer for layer in layers for job in layer.jobs if matrix_of(job) is jobs[hardest])
    prebuilt = "" if target.core is None else f" of the {fraction} fractional bits of the board's one core"
    raise ModelError(
        f"{file}: the output scale of operator {owner.op_index} ({owner.op}) cannot be met exactly by the "
        f"requantizer; the ratio of its scales is out of range{prebuilt}."
    )


def fit_all_tables(
    file: str, tables: Sequence[TableSum], target: Target, fits: Fits | None = None
) -> tuple[int, tuple[TablePair, ...]]:
    """How far the table-sum unit shifts, and the tables of each sum.

    Raises
    ------
    ModelError : some operator has no exact tables.
    """
    if not tables:
        return 0, ()
    known = fits or Fits()
    for shift in SHIFTS if target.core is None else (target.core.vector_shift,):
        fitted = [known.tables(each, shift) for each in tables]
        good = [each for each in fitted if each is not None]
        if len(good) == len(fitted):
            return shift, tuple(good)
    failing = tables[next(n for n, each in enumerate(fitted) if each is None)]
    raise ModelError(
        f"{file}: the scales of operator {failing.op_index} ({failing.op}) cannot be met exactly by the "
        "table-sum unit."
    )
