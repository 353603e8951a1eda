"""TRANSPOSE_CONV: each input pixel adds its filter to the output, at a stride."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tfl2hw.ir.primitives import Convolution, Region
from tfl2hw.ops import constraints, conv_2d, options, weighted
from tfl2hw.ops.batches import each_map, map_by_map
from tfl2hw.ops.node import Constraint, Int8, Kind, Node, Numerics, constant, quantisation
from tfl2hw.ops.shapes import Window, window
from tfl2hw.ops.temporaries import Temporaries

OUTPUT_AXIS = 0
MAX_PHASES = 256
Int64 = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Phase:
    """The outputs ``first``, ``first + stride``, ... along one axis: a convolution of stride 1.

    ``taps`` are the kernel's indices that they meet, in the order of the input; ``before`` is how far in
    front of the input the window starts.
    """

    first: int
    length: int
    taps: tuple[int, ...]
    before: int


def parse(table: Any) -> Mapping[str, Any]:
    """Padding, stride (vertical, horizontal) and activation."""
    return {
        "padding": options.padding(table),
        "stride": (table.StrideH(), table.StrideW()),
        "dilation": (1, 1),
        "activation": options.activation(table),
    }


def as_convolution(node: Node) -> Node:
    """The node with its inputs in CONV_2D's order: IFM, weights, bias."""
    _, weights, ifm, *bias = node.operator.inputs
    return replace(node, operator=replace(node.operator, inputs=(ifm, weights, *bias)))


def _of_convolution(constraint: Constraint) -> Constraint:
    """``constraint`` of a convolution, on this operator's inputs."""

    @constraints.documented(constraint.__doc__ or "")
    def check(node: Node) -> str | None:
        return constraint(as_convolution(node))

    return check


def stated_shape(node: Node) -> str | None:
    """OFM has the shape that the first input, an int32 constant, states, with a channel a filter."""
    stated, weights = node.input(0), node.input(1)
    if stated.data is None or stated.dtype != "int32":
        return f"an output shape of {stated.dtype}, {'' if stated.is_constant else 'not '}constant"
    shape = tuple(int(size) for size in stated.data.reshape(-1))
    if shape[3:] != weights.shape[:1]:
        return f"an output shape {shape} with weights {weights.shape}"
    return constraints.shape_mismatch(node, shape)


def infer(node: Node) -> tuple[tuple[int, ...], ...]:
    """OFM's shape, which the first input states."""
    return (tuple(int(size) for size in constant(node.input(0)).reshape(-1)),)


def all_channels(node: Node) -> str | None:
    """The weights have as many input channels as the IFM."""
    ifm, weights = node.input(2), node.input(1)
    return None if ifm.shape[3] == weights.shape[3] else f"IFM {ifm.shape}, weights {weights.shape}"


def few_phases(node: Node) -> str | None:
    """Vertical times horizontal stride is at most 256, and what a map makes, uncut, up to 2**26 elements."""
    (down, across), (height, width) = node.option("stride"), conv_2d.kernel(node)
    _, rows, columns, _ = node.input(2).shape
    full = ((rows - 1) * down + height) * ((columns - 1) * across + width) * node.input(1).shape[0]
    if down * across <= MAX_PHASES and full <= conv_2d.MAX_PADDED:
        return None
    return f"stride {(down, across)} and a kernel {(height, width)} on an IFM {(rows, columns)}"


def matching_size(node: Node) -> str | None:
    """IFM has the size that a convolution with this kernel, stride and padding would make of OFM."""
    _, *size, _ = node.input(2).shape
    made = _forward(node).output
    return None if made == tuple(size) else f"an IFM {tuple(size)} where such a convolution makes {made}"


def padding(node: Node) -> tuple[int, int]:
    """Rows and columns of the full result above and left of OFM."""
    return _forward(node).before


def _forward(node: Node) -> Window:
    """The window of the convolution from OFM to IFM."""
    _, height, width, _ = node.output.shape
    kernel, stride = conv_2d.kernel(node), node.option("stride")
    return window((height, width), kernel, stride, (1, 1), node.option("padding"))


def phases(size: int, kernel: int, stride: int, pad: int) -> list[Phase]:
    """The phases of an output axis of ``size``."""
    found = []
    for first in range(min(stride, size)):
        row, tap = divmod(first + pad, stride)
        taps = tuple(range(tap, kernel, stride))[::-1]
        before = max(len(taps), 1) - 1 - row
        found.append(
            Phase(first=first, length=-(-(size - first) // stride), taps=taps, before=before if taps else 0)
        )
    return found


def reference(node: Node, inputs: Sequence[Int8], numerics: Numerics) -> Int8:
    """``clamp(requantize(bias + sum) + zp_out)``: pixel i times tap y adds at ``stride * i + y``.

    Double rounding in both numerics.
    """
    weights = constant(node.input(1)).astype(np.int64)
    (sy, sx), (top, left) = node.option("stride"), padding(node)
    _, rows, columns, filters = node.output.shape
    bias = weighted.bias_values(as_convolution(node), filters)
    _, kernel_height, kernel_width, _ = weights.shape
    rescale = weighted.rescale(as_convolution(node), "double")

    def single(values: Int64) -> Int64:
        height, width, _ = values.shape
        reach = ((height - 1) * sy + kernel_height, (width - 1) * sx + kernel_width)
        full = np.zeros((max(reach[0], top + rows), max(reach[1], left + columns), filters), np.int64)
        for y in range(kernel_height):
            for x in range(kernel_width):
                cells = full[y : y + (height - 1) * sy + 1 : sy, x : x + (width - 1) * sx + 1 : sx]
                cells += values @ weights[:, y, x].T
        total = full[top : top + rows, left : left + columns]
        return rescale(total + bias, np.arange(filters))

    return map_by_map(inputs[2].astype(np.int64) - quantisation(node.input(2)).zero_point, single)


def lower(node: Node, numerics: Numerics, temporaries: Temporaries) -> tuple[Convolution, ...]:
    """A Convolution of stride 1 for each phase of the stride, in every map of a batch."""
    (sy, sx), (top, left), (height, width) = node.option("stride"), padding(node), conv_2d.kernel(node)
    batch, rows, columns, _ = node.output.shape
    return tuple(
        part
        for down in phases(rows, height, sy, top)
        for across in phases(columns, width, sx, left)
        for part in each_map(_phase(node, down, across), batch, rows)
    )


def _phase(node: Node, down: Phase, across: Phase) -> Convolution:
    """The convolution that makes one phase; without a tap it has one weight of 0."""
    (sy, sx), (_, *ifm), all_weights = node.option("stride"), node.input(2).shape, constant(node.input(1))
    weights = all_weights[:, list(down.taps)][:, :, list(across.taps)]
    if not weights.size:
        weights = np.zeros((len(all_weights), 1, 1, ifm[2]), np.int8)
        down, across = replace(down, before=0), replace(across, before=0)
    zero = quantisation(node.input(2)).zero_point
    bias = weighted.bias_values(as_convolution(node), len(weights))
    return Convolution(
        op_index=node.operator.index,
        op=node.operator.op,
        input=node.input(2).index,
        output=node.output.index,
        input_shape=(ifm[0], ifm[1], ifm[2]),
        output_shape=(down.length, across.length, len(weights)),
        weights=weights,
        bias=bias - zero * weights.astype(np.int64).sum(axis=(1, 2, 3)),
        stride=(1, 1),
        dilation=(1, 1),
        padding=(down.before, across.before),
        pad_value=zero,
        rescale=weighted.rescale(as_convolution(node), "double"),
        region=Region(row=down.first, column=across.first, row_step=sy, column_step=sx),
    )


KIND = Kind(
    name="TRANSPOSE_CONV",
    options="TransposeConvOptions",
    parse=parse,
    constraints=(
        constraints.arity(3, 4, "inputs are output shape, weights, IFM and optionally a bias; one OFM"),
        *(
            _of_convolution(constraint)
            for constraint in (
                constraints.int8_maps(1),
                constraints.feature_maps,
                weighted.constant_weights(rank=4, axis=OUTPUT_AXIS),
                weighted.constant_bias(OUTPUT_AXIS),
            )
        ),
        constraints.known_activation,
        constraints.known_padding,
        constraints.steps,
        constraints.fitting_kernel(conv_2d.kernel),
        few_phases,
        all_channels,
        stated_shape,
        matching_size,
        _of_convolution(weighted.fitting_accumulators(OUTPUT_AXIS)),
    ),
    reference=reference,
    lower=lower,
    infer=infer,
)
