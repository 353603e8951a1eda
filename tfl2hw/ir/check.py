"""The invariants of a Graph and of a Network, checked after the frontend and after every pass."""

from __future__ import annotations

from collections.abc import Mapping

from tfl2hw.errors import ModelError
from tfl2hw.ir.graph import Graph, Operator
from tfl2hw.ir.primitives import (
    Apply,
    Convolution,
    Depthwise,
    Extremum,
    MapShape,
    Network,
    Primitive,
    Product,
    TableSum,
    reads,
)


def check_graph(graph: Graph) -> None:
    """Every index names a tensor, and every tensor is written once, before it is read.

    Raises
    ------
    ModelError : the first invariant that does not hold.
    """
    if not graph.operators:
        raise ModelError(f"{graph.file}: the model has no operators")
    if not graph.inputs or not graph.outputs:
        raise ModelError(
            f"{graph.file}: the model has {len(graph.inputs)} inputs and {len(graph.outputs)} outputs; "
            "accepted: one or more of each"
        )
    known = _initial(graph)
    for operator in graph.operators:
        _check_operator(graph, operator, known)
        known.update(operator.outputs)
    written = known - _initial(graph)
    for index in graph.outputs:
        if index not in written:
            raise ModelError(f"{graph.file}: output tensor {index} is written by no operator")


def _initial(graph: Graph) -> set[int]:
    """Tensors known before the first operator: inputs, constants and variables."""
    for what, indices in (("input", graph.inputs), ("output", graph.outputs)):
        for index in indices:
            if index not in graph.tensors:
                raise ModelError(
                    f"{graph.file}: model {what} {index} is no tensor (0..{len(graph.tensors) - 1})"
                )
    if len(set(graph.inputs)) != len(graph.inputs):
        raise ModelError(f"{graph.file}: the model lists an input twice: {list(graph.inputs)}")
    for index in graph.inputs:
        if graph.tensors[index].is_constant:
            raise ModelError(f"{graph.file}: input tensor {index} is a constant; accepted: an activation")
    held = {index for index, tensor in graph.tensors.items() if tensor.is_constant or tensor.is_variable}
    return held | set(graph.inputs)


def _check_operator(graph: Graph, operator: Operator, known: set[int]) -> None:
    where = f"{graph.file}: operator {operator.index} ({operator.op})"
    for index in operator.inputs:
        if index != -1 and index not in graph.tensors:
            raise ModelError(
                f"{where} reads tensor {index}, which is no tensor (0..{len(graph.tensors) - 1})"
            )
        if index != -1 and index not in known:
            raise ModelError(
                f"{where} reads tensor {index} '{graph.tensors[index].name}', which no earlier operator "
                "writes; accepted: operators in execution order, without cycles"
            )
    for position, index in enumerate(operator.outputs):
        if index not in graph.tensors:
            raise ModelError(
                f"{where} writes tensor {index}, which is no tensor (0..{len(graph.tensors) - 1})"
            )
        if index in known or index in operator.outputs[:position]:
            raise ModelError(
                f"{where} writes tensor {index} '{graph.tensors[index].name}', which is an input, a constant "
                "or written before; accepted: every tensor written once"
            )


def check_network(network: Network) -> None:
    """Every map is written before it is read, by one operator, in shapes that fit the maps.

    Raises
    ------
    AssertionError : an invariant that the lowering must keep does not hold.
    """
    shapes = network.shapes
    writer: dict[int, int | None] = dict.fromkeys((*network.inputs, *network.constants))
    for primitive in network.primitives:
        where = f"{network.file}: {type(primitive).__name__} of operator {primitive.op_index}"
        for index in reads(primitive):
            assert index in writer, f"{where} reads tensor {index} before it is written"
        owner = writer.setdefault(primitive.output, primitive.op_index)
        assert owner == primitive.op_index, f"{where} writes tensor {primitive.output} again"
        assert primitive.output in shapes, f"{where} writes tensor {primitive.output}, which has no shape"
        _check_shapes(primitive, shapes, where)
        _check_weights(primitive, where)
    assert set(writer) >= set(network.outputs), f"{network.file}: an output is never written"


def _check_shapes(primitive: Primitive, shapes: Mapping[int, MapShape], where: str) -> None:
    """Primitives over whole maps state the maps' sizes; those over parts stay inside them."""
    if isinstance(primitive, TableSum | Product | Extremum | Apply):
        for index in (*primitive.inputs, primitive.output):
            assert shapes[index] == primitive.shape, f"{where}: {primitive.shape}, tensor {shapes[index]}"
    elif isinstance(primitive, Convolution | Depthwise):
        height, width, channels = primitive.input_shape
        rows, columns, depth = shapes[primitive.input]
        assert channels == depth, f"{where} reads {primitive.input_shape} of {shapes[primitive.input]}"
        end = (primitive.input_row + height) * width
        assert end <= rows * columns, f"{where} reads {primitive.input_shape} of {shapes[primitive.input]}"
        assert primitive.output_shape[2] == shapes[primitive.output][2], f"{where}: OFM channels"


def _check_weights(primitive: Primitive, where: str) -> None:
    if isinstance(primitive, Convolution):
        outputs, inputs = primitive.weights.shape[0], primitive.weights.shape[3] * primitive.groups
        assert outputs % primitive.groups == 0, f"{where}: {primitive.groups} groups"
    elif isinstance(primitive, Depthwise):
        outputs = inputs = primitive.weights.shape[2]
    else:
        return
    assert (inputs, outputs) == (primitive.input_shape[2], primitive.output_shape[2]), f"{where}: weights"
    assert primitive.bias.shape == (outputs,), f"{where}: bias {primitive.bias.shape}"
    assert primitive.rescale.channels in (1, outputs), f"{where}: rescale"
