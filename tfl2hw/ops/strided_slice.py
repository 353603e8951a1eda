"""STRIDED_SLICE: a box of a map with steps, perhaps backwards; axes dropped or new."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tfl2hw.ir.primitives import Copy
from tfl2hw.ops import movement_constraints as accepts
from tfl2hw.ops.movement import Step, at, axis_steps, box
from tfl2hw.ops.node import Int8, Kind, Node, Numerics, called
from tfl2hw.ops.temporaries import Temporaries

MASKS = ("begin_mask", "end_mask", "shrink_mask", "ellipsis_mask", "new_axis_mask")


@dataclass(frozen=True, kw_only=True)
class Cut:
    """What is taken of one axis of the IFM; ``kept`` says whether it is an axis of the OFM.

    A new axis of the OFM has no ``axis`` of the IFM.
    """

    axis: int | None
    start: int = 0
    step: int = 1
    count: int = 1
    kept: bool = True


def parse(table: Any) -> Mapping[str, Any]:
    """The masks, a bit an entry of begin, and whether the end counts from begin."""
    return {
        "begin_mask": table.BeginMask(),
        "end_mask": table.EndMask(),
        "shrink_mask": table.ShrinkAxisMask(),
        "ellipsis_mask": table.EllipsisMask(),
        "new_axis_mask": table.NewAxisMask(),
        "offset": bool(table.Offset()),
    }


def vectors(node: Node) -> str | None:
    """Begin, end and strides are vectors of one length."""
    shapes = {node.input(position).shape for position in (1, 2, 3)}
    if len(shapes) == 1 and len(next(iter(shapes))) == 1:
        return None
    tensors = [node.input(position) for position in (1, 2, 3)]
    return " and ".join(f"{called(tensor)} of shape {tensor.shape}" for tensor in tensors)


def plain_offset(node: Node) -> str | None:
    """Ends that count from begin come without masks, with begin 0 or more and strides of 1 or more.

    The interpreters read beyond the IFM otherwise.
    """
    if not node.option("offset"):
        return None
    begin, strides = accepts.integers(node, 1), accepts.integers(node, 3)
    masked = [name for name in MASKS if node.option(name)]
    plain = len(begin) == len(node.input(0).shape) and min(begin) >= 0 and min(strides) >= 1
    return None if plain and not masked else f"begin {begin}, strides {strides}, masks {masked}"


def cuts(node: Node) -> list[Cut]:
    """What is taken, in the order of the entries.

    Raises
    ------
    ValueError : the entries do not fit the IFM, or mean nothing.
    """
    shape, begin = node.input(0).shape, accepts.integers(node, 1)
    new, ellipsis = node.option("new_axis_mask"), node.option("ellipsis_mask")
    entries = range(len(begin))
    ellipses = [entry for entry in entries if ellipsis >> entry & 1]
    used = sum(1 for entry in entries if entry not in ellipses and not new >> entry & 1)
    if len(ellipses) > 1 or used > len(shape):
        raise ValueError(f"begin {begin} with {len(ellipses)} ellipses, of an IFM {shape}")
    _check_ellipsis(node, ellipses, len(shape) - used)
    found: list[Cut] = []
    axis = 0
    for entry in entries:
        if entry in ellipses:
            whole = range(axis, axis + len(shape) - used)
            found += [Cut(axis=number, count=shape[number]) for number in whole]
            axis += len(whole)
        elif new >> entry & 1:
            found.append(Cut(axis=None))
        else:
            found.append(_cut(node, entry, axis, shape[axis]))
            axis += 1
    return found + [Cut(axis=number, count=shape[number]) for number in range(axis, len(shape))]


def _check_ellipsis(node: Node, ellipses: list[int], axes: int) -> None:
    """Refuse what LiteRT does not do: it loses count of the entries behind an ellipsis."""
    if not ellipses or axes == 1:
        return
    masks = [node.option(name) for name in ("begin_mask", "end_mask", "shrink_mask", "new_axis_mask")]
    if axes == 0 or any(mask >> ellipses[0] + 1 for mask in masks):
        raise ValueError(f"an ellipsis of {axes} axes{' before other masks' if axes else ''}")


def _cut(node: Node, entry: int, axis: int, size: int) -> Cut:
    """What entry ``entry`` takes of an axis of ``size``."""
    begin, end, step = (accepts.integers(node, position)[entry] for position in (1, 2, 3))
    words = f"begin {begin}, end {end} and stride {step} of an axis of {size}"
    open_end = bool(node.option("end_mask") >> entry & 1)
    if step == 0:
        raise ValueError(words)
    start = begin + size if begin < 0 else begin
    if node.option("begin_mask") >> entry & 1:
        start = 0 if step > 0 else size - 1
    start = max(start, 0) if step > 0 else min(start, size - 1)
    if not 0 <= start < size:
        raise ValueError(f"{words}, which starts outside")
    if node.option("shrink_mask") >> entry & 1:
        if step != 1 or open_end:
            raise ValueError(f"{words}, an axis to be dropped{' with an open end' if open_end else ''}")
        return Cut(axis=axis, start=start, kept=False)
    stop = start + end if node.option("offset") else end
    stop = stop + size if stop < 0 and not node.option("offset") else stop
    if open_end:
        stop = size if step > 0 else -1
    stop = min(max(stop, 0), size) if step > 0 else min(max(stop, -1), size - 1)
    count = -((start - stop) // step) if step > 0 else -((stop - start) // -step)
    if count < 1:
        raise ValueError(f"{words}, which is empty")
    return Cut(axis=axis, start=start, step=step, count=count)


def infer(node: Node) -> tuple[tuple[int, ...], ...]:
    """The OFM's shape."""
    return (tuple(cut.count for cut in cuts(node) if cut.kept),)


def reference(node: Node, inputs: Sequence[Int8], numerics: Numerics) -> Int8:
    """The box."""
    index: list[Any] = []
    for cut in cuts(node):
        end = cut.start + cut.count * cut.step
        if cut.axis is None:
            index.append(None)
        elif cut.kept:
            index.append(slice(cut.start, None if end < 0 else end, cut.step))
        else:
            index.append(cut.start)
    result: Int8 = inputs[0][tuple(index)]
    return result


def lower(node: Node, numerics: Numerics, temporaries: Temporaries) -> tuple[Copy, ...]:
    """A Copy."""
    ifm, ofm = node.input(0), node.output
    steps, taken = axis_steps(ifm.shape), cuts(node)
    start = at(steps, [cut.start for cut in taken if cut.axis is not None])
    reads: list[Step] = []
    for cut in taken:
        if cut.kept:
            pixel, channel = (0, 0) if cut.axis is None else steps[cut.axis]
            reads.append((pixel * cut.step, channel * cut.step))
    return box(
        node, ifm.index, ofm.index, ofm.shape, moves=(reads, axis_steps(ofm.shape)), starts=(start, (0, 0))
    )


KIND = Kind(
    name="STRIDED_SLICE",
    options="StridedSliceOptions",
    parse=parse,
    constraints=(
        accepts.operands(4, 4, "inputs are IFM, begin, end and strides; one OFM"),
        accepts.int8_data(slice(1)),
        accepts.one_quantisation(slice(1)),
        accepts.rank(1, 5),
        accepts.integer_constant(1, "begin"),
        accepts.integer_constant(2, "end"),
        accepts.integer_constant(3, "strides"),
        vectors,
        plain_offset,
        accepts.makes(
            infer,
            "every axis starts inside, takes one element or more with a stride other than 0 (1 where the "
            "axis is dropped), an ellipsis takes one axis, or several with no masks behind it, and OFM has "
            "what is taken",
        ),
    ),
    reference=reference,
    lower=lower,
    infer=infer,
)
