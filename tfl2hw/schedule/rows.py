"""Operators on whole rows: passes over each row's bytes, by the units that take bytes."""

from __future__ import annotations

from dataclasses import dataclass

from tfl2hw.ir.row_primitives import ArgMax
from tfl2hw.rtl_templates.isa import FLAG_MINIMUM, FLAG_WIDE, Kind

from .matrix import Maps
from .nest import Loop, Nest, Output, byte_rows
from .shape import Target


@dataclass(frozen=True, kw_only=True)
class Pass:
    """One walk over the bytes: the kind of job, its flags, and idle cycles after each pixel of the nest."""

    kind: Kind
    flags: int = 0
    gap: int = 0


@dataclass(frozen=True, kw_only=True)
class Rows:
    """``passes`` over each of ``rows`` rows; ``nest`` and ``output`` are those of the first row.

    A row is read ``pitch`` bytes behind the one before; the writer goes on from where it stands.
    ``table`` is the entry where the operator's table begins, in the unit's memory; ``zero_point`` the
    IFM's, where the unit has to know it.
    """

    nest: Nest
    output: Output
    rows: int
    pitch: int
    passes: tuple[Pass, ...]
    table: int | None = None
    zero_point: int | None = None


def softmax_passes(target: Target) -> tuple[Pass, ...]:
    """Maximum, sum of exponentials, results."""
    scale = Pass(kind=Kind.SOFTMAX_SCALE, gap=target.softmax_interval - 1)
    return (Pass(kind=Kind.SOFTMAX_MAX), Pass(kind=Kind.SOFTMAX_SUM), scale)


def log_softmax_passes() -> tuple[Pass, ...]:
    """Maximum, sum of exponentials, results."""
    return (Pass(kind=Kind.SOFTMAX_MAX), Pass(kind=Kind.LOG_SUM), Pass(kind=Kind.LOG_SCALE))


def l2_normalize_passes(target: Target) -> tuple[Pass, ...]:
    """Sum of squares, results."""
    return (Pass(kind=Kind.L2_SUM), Pass(kind=Kind.L2_SCALE, gap=target.l2_interval - 1))


def row_by_row(
    shape: tuple[int, int],
    maps: Maps,
    passes: tuple[Pass, ...],
    *,
    table: int | None = None,
    zero_point: int | None = None,
) -> Rows:
    """A byte for each byte of a map of ``shape`` (rows, depth), a pixel a byte."""
    rows, depth = shape
    return Rows(
        nest=Nest(source=maps.source, loops=(Loop(), Loop(), Loop(), Loop(depth, 1), Loop(), Loop())),
        output=byte_rows(maps.target, depth, 1, maps.target_pixel),
        rows=rows,
        pitch=maps.source_pixel,
        passes=passes,
        table=table,
        zero_point=zero_point,
    )


def arg_max(primitive: ArgMax, maps: Maps) -> Rows:
    """All rows in one pass, a pixel a row; rows are as far apart as their results are long."""
    depth, size = primitive.depth, primitive.element_bytes
    flags = (FLAG_MINIMUM if primitive.minimum else 0) | (FLAG_WIDE if size > 4 else 0)
    rows = Loop(primitive.rows, maps.source_pixel)
    return Rows(
        nest=Nest(source=maps.source, loops=(Loop(depth, 1), Loop(), Loop(), rows, Loop(), Loop())),
        output=byte_rows(maps.target, size, primitive.rows, maps.target_pixel),
        rows=1,
        pitch=0,
        passes=(Pass(kind=Kind.ARGMAX, flags=flags, gap=max(0, size - depth)),),
    )
