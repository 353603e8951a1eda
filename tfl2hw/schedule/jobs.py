"""The jobs of the hardware, the layers that they make up, and the finished schedule."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tfl2hw.ir.primitives import Int8
from tfl2hw.rtl_templates.parts import VectorFunction

from .elementwise import Table
from .functions import Function
from .layout import Layout
from .lookup import Index
from .matmul import LoadedMatrix
from .matrix import Matrix, Move, WordCopy
from .memory import MemoryPlan
from .nest import Output
from .rescale import Parameters
from .rows import Rows
from .shape import Target
from .table_fit import TablePair

Job = Matrix | LoadedMatrix | Move | WordCopy | Table | Function | Index | Rows


@dataclass(frozen=True, kw_only=True, eq=False)
class Layer:
    """The jobs of one operator. ``macs`` counts multiply-accumulates as TFLite's users do."""

    op_index: int
    op: str
    outputs: tuple[int, ...]
    macs: int
    jobs: tuple[Job, ...]


@dataclass(frozen=True, kw_only=True)
class Placement:
    """Where a tensor stands: its rows from byte ``address`` on.

    The layout's shape may be another one than the tensor's, with as many elements.
    """

    address: int
    layout: Layout


@dataclass(frozen=True, kw_only=True, eq=False)
class Schedule:
    """Everything that codegen turns into words.

    ``parameters`` has one entry a matrix job, in order; ``tables`` are the table-sum unit's, ``exponentials``
    the softmaxes' and ``logarithms`` their logarithms' different tables, ``functions`` those of other
    packages. ``mantissa_fraction`` and
    ``vector_shift`` are the shortest with which all of them are exact, or the target's own. ``constants``
    are the maps that the model carries, by tensor.
    """

    file: str
    target: Target
    layers: tuple[Layer, ...]
    parameters: tuple[Parameters, ...]
    mantissa_fraction: int
    accumulator_bits: int
    tables: tuple[TablePair, ...]
    vector_shift: int
    exponentials: tuple[npt.NDArray[np.int32], ...]
    logarithms: tuple[npt.NDArray[np.int32], ...]
    memory: MemoryPlan
    placements: dict[int, Placement]
    constants: Mapping[int, Int8]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    functions: tuple[VectorFunction, ...] = ()


def matrices(layers: Sequence[Layer]) -> list[Matrix]:
    """What all matrix jobs multiply with, in order."""
    return [matrix for layer in layers for job in layer.jobs if (matrix := matrix_of(job)) is not None]


def matrix_of(job: Job) -> Matrix | None:
    """The matrix of a job that has one."""
    if isinstance(job, LoadedMatrix):
        return job.matrix
    return job if isinstance(job, Matrix) else None


def sources(job: Job) -> Iterator[str]:
    """The buffers that a job reads."""
    nest = job.matrix.nest if isinstance(job, LoadedMatrix) else job.nest
    yield nest.source
    if nest.second:
        yield nest.second
    if isinstance(job, LoadedMatrix):
        yield job.source


def output(job: Job) -> Output | None:
    """Where a job writes; an Index writes nowhere."""
    if isinstance(job, Index):
        return None
    return job.matrix.output if isinstance(job, LoadedMatrix) else job.output


def stream_name(number: int) -> str:
    """Buffer of matrix job ``number``'s streamed weights and parameters."""
    return f"weights of matrix job {number}"
