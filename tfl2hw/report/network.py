"""The network as a graph: what the hardware runs, in order, and which tensors go where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from tfl2hw.codegen import Compiled
from tfl2hw.ir.primitives import Convolution, Depthwise, Primitive, reads


@dataclass(frozen=True, kw_only=True)
class Node:
    """An input, a layer or an output.

    ``index`` is the operator's in the file, of an input or output its tensor's. ``detail`` has a layer's
    kernel in words. ``shape`` is that of the tensor that it makes; ``weights`` are counted in bytes.
    ``sources`` are the positions of the nodes whose tensors it reads.
    """

    kind: Literal["input", "layer", "output"]
    index: int
    op: str
    name: str
    detail: str
    shape: tuple[int, ...]
    macs: int
    weights: int
    sources: tuple[int, ...]


def network_of(compiled: Compiled) -> tuple[Node, ...]:
    """Inputs, then the layers as they run, then outputs."""
    network = compiled.network
    nodes = [_edge(compiled, "input", tensor, ()) for tensor in network.inputs]
    made = {tensor: position for position, tensor in enumerate(network.inputs)}
    for index, group in groupby(network.primitives, key=lambda each: each.op_index):
        primitives = list(group)
        read = [tensor for primitive in primitives for tensor in reads(primitive)]
        sources = dict.fromkeys(made[tensor] for tensor in read if tensor in made)
        output = primitives[-1].output
        nodes.append(
            Node(
                kind="layer",
                index=index,
                op=primitives[0].op,
                name=tensor_name(compiled, output),
                detail=_detail(primitives),
                shape=shape_of(compiled, output),
                macs=network.macs.get(index, 0),
                weights=sum(_weight_bytes(primitive) for primitive in primitives),
                sources=tuple(sources),
            )
        )
        made |= {primitive.output: len(nodes) - 1 for primitive in primitives}
    nodes += [_edge(compiled, "output", tensor, (made[tensor],)) for tensor in network.outputs]
    return tuple(nodes)


def tensor_name(compiled: Compiled, tensor: int) -> str:
    """A tensor's name in the file; those that the compiler added have none."""
    known = compiled.graph.tensors.get(tensor)
    return f"tensor {tensor}" if known is None else known.name


def shape_of(compiled: Compiled, tensor: int) -> tuple[int, ...]:
    """A tensor's shape in the file, else that of its map."""
    known = compiled.graph.tensors.get(tensor)
    shape = compiled.network.shapes[tensor] if known is None else known.shape
    return tuple(int(size) for size in shape)


def _edge(
    compiled: Compiled, kind: Literal["input", "output"], tensor: int, sources: tuple[int, ...]
) -> Node:
    return Node(
        kind=kind,
        index=tensor,
        op=kind.upper(),
        name=tensor_name(compiled, tensor),
        detail="",
        shape=shape_of(compiled, tensor),
        macs=0,
        weights=0,
        sources=sources,
    )


def _detail(primitives: Sequence[Primitive]) -> str:
    """The kernel of the first primitive that has one."""
    for primitive in primitives:
        if isinstance(primitive, Convolution | Depthwise):
            weights = primitive.weights.shape
            rows, columns = weights[1:3] if isinstance(primitive, Convolution) else weights[:2]
            stride = primitive.stride if max(primitive.stride) > 1 else None
            return f"{rows}×{columns}" + (f", stride {_pair(stride)}" if stride else "")
    return ""


def _pair(sizes: tuple[int, int]) -> str:
    return str(sizes[0]) if sizes[0] == sizes[1] else f"{sizes[0]}×{sizes[1]}"


def _weight_bytes(primitive: Primitive) -> int:
    return int(primitive.weights.size) if isinstance(primitive, Convolution | Depthwise) else 0
