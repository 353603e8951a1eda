"""How to convert a model so that a refused operator is accepted, in the converter's own words."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType

from tfl2hw.ir.graph import Graph, Operator, Tensor
from tfl2hw.ops.float_table import FUNCTIONS, WITH_CONSTANT

FULL_INT8 = (
    "converter.optimizations = [tf.lite.Optimize.DEFAULT], converter.representative_dataset = a generator of "
    "real inputs, converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8], "
    "converter.inference_input_type = converter.inference_output_type = tf.int8"
)
FIXED_SHAPE = (
    "convert with a fixed input shape and a batch of 1: keras.Input(shape, batch_size=1), or "
    "TFLiteConverter.from_concrete_functions with tf.TensorSpec([1, ...])"
)
INT8_ALONE = "converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]"

CONTROL_FLOW = ("CALL", "IF", "STABLEHLO_CASE", "STABLEHLO_WHILE", "WHILE")
VARIABLES = ("ASSIGN_VARIABLE", "CALL_ONCE", "READ_VARIABLE", "VAR_HANDLE")
RECURRENT = (
    "BIDIRECTIONAL_SEQUENCE_LSTM",
    "BIDIRECTIONAL_SEQUENCE_RNN",
    "LSTM",
    "RNN",
    "SVDF",
    "UNIDIRECTIONAL_SEQUENCE_LSTM",
    "UNIDIRECTIONAL_SEQUENCE_RNN",
)
CHOICES = (
    *("EQUAL", "GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL", "NOT_EQUAL"),
    *("LOGICAL_AND", "LOGICAL_NOT", "LOGICAL_OR", "SELECT", "SELECT_V2", "WHERE"),
)
FLOATS = ("float16", "float32", "float64", "bfloat16")

Advice = Callable[[Graph, Operator], "str | None"]


def advise(graph: Graph, operator: Operator) -> str | None:
    """One sentence on how to convert the model that has ``operator``, refused; None where none is known."""
    for rule in _RULES:
        found = rule(graph, operator)
        if found is not None:
            return found
    return None


def _by_name(graph: Graph, operator: Operator) -> str | None:
    name = operator.op
    if name.startswith("CUSTOM Flex"):
        return (
            f"{name[7:]} is TensorFlow's own (SELECT_TF_OPS): write the layer with operators that TFLite "
            f"has, and convert with {INT8_ALONE}"
        )
    if name.startswith("CUSTOM"):
        return (
            "a custom operator's arithmetic is not in the file: convert with converter.allow_custom_ops = "
            "False, and cut the model before the operator, which then runs on the host"
        )
    return _NAMED.get(name)


_NAMED = MappingProxyType({
    **dict.fromkeys(
        CHOICES,
        "comparisons and choices between values are not accepted: write tf.where(x > 0, x, a * x) as a "
        "LeakyReLU, PReLU or ReLU layer, other choices with tf.maximum and tf.minimum, an ELU as "
        "tf.maximum(x, tf.exp(tf.minimum(x, 0.0)) - 1.0)",
    ),
    **dict.fromkeys(
        CONTROL_FLOW,
        "control flow is not accepted: build recurrent layers with unroll=True, and write loops over a fixed "
        "number of steps as Python loops, so that the converter writes one subgraph",
    ),
    **dict.fromkeys(
        VARIABLES,
        "state between runs is not accepted: make each state an input and an output of the model "
        "(stateful=False), and let the host hand it on",
    ),
    **dict.fromkeys(
        RECURRENT,
        "build the recurrent layer with unroll=True and a fixed number of steps, so that the converter "
        "writes it as FULLY_CONNECTED, MUL, ADD and activations in int8",
    ),
})


def _by_shape(graph: Graph, operator: Operator) -> str | None:
    tensors = _tensors(graph, operator)
    return None if all(t.is_constant or t.is_settled for t in tensors) else FIXED_SHAPE


def _by_edge(graph: Graph, operator: Operator) -> str | None:
    """A conversion at an edge that the host cannot do, since something else needs the tensor too."""
    types = {tensor.dtype for tensor in _tensors(graph, operator)}
    at_edge = set(operator.inputs) & set(graph.inputs) or set(operator.outputs) & set(graph.outputs)
    if operator.op not in ("DEQUANTIZE", "QUANTIZE") or not at_edge or "int8" not in types:
        return None
    return (
        "the host converts an input that one QUANTIZE alone reads and an output that nothing else reads: "
        "convert with converter.inference_input_type = converter.inference_output_type = tf.int8"
    )


def _by_type(graph: Graph, operator: Operator) -> str | None:
    tensors = _tensors(graph, operator)
    activations = {tensor.dtype for tensor in tensors if not tensor.is_constant}
    constants = {tensor.dtype for tensor in tensors if tensor.is_constant}
    if any(dtype.startswith("sparse") for dtype in constants):
        return "convert without tf.lite.Optimize.EXPERIMENTAL_SPARSITY"
    if {"int4", "uint4", "int2"} & (activations | constants):
        return f"weights of 4 bits are not accepted, convert with 8: {FULL_INT8}"
    if "float16" in activations | constants:
        return f"the model is converted to float16; in place of supported_types = [tf.float16]: {FULL_INT8}"
    if "int16" in activations:
        return (
            "activations are int16 (16x8): in place of EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_"
            f"WEIGHTS_INT8, {INT8_ALONE}"
        )
    if "uint8" in activations | constants:
        return (
            "uint8 is accepted at the model's inputs and outputs alone; the model is quantised by an old "
            f"converter or partly: convert it again with TensorFlow 2, {FULL_INT8}"
        )
    return _of_floats(graph, activations, constants) if activations & set(FLOATS) else None


def _by_island(graph: Graph, operator: Operator) -> str | None:
    """Float operators between int8 tensors: which, in which layer, and what is accepted in their place."""
    if not _quantised(graph) or not _floats(graph, operator):
        return None
    island = _island(graph, operator)
    guilty = [each for each in island if each.op not in ("DEQUANTIZE", "QUANTIZE")]
    if not guilty:
        return None
    names = " and ".join(dict.fromkeys(each.op for each in guilty))
    layer = graph.tensors[guilty[0].outputs[0]].name.split(";")[0]
    accepted = ", ".join((*FUNCTIONS, *WITH_CONSTANT))
    return (
        f"the converter left {names} in float32, at '{layer}': TFLite has no int8 form of it, or an operand "
        "is float32 already, and makes the others so (before tf.concat write x * -1.0 for -x); accepted are "
        f"functions of one tensor between DEQUANTIZE and QUANTIZE ({accepted}): "
        "write the layer with these and with operators of `tfl2hw ops`, or run this part on the host"
    )


def _island(graph: Graph, operator: Operator) -> list[Operator]:
    """The float operators that hang together with ``operator``, in order."""
    reached, grown = {operator.index}, True
    while grown:
        floats = set().union(*(_floats(graph, each) for each in graph.operators if each.index in reached))
        more = {each.index for each in graph.operators if floats & _floats(graph, each)}
        reached, grown = reached | more, not more <= reached
    return [each for each in graph.operators if each.index in reached]


def _floats(graph: Graph, operator: Operator) -> set[int]:
    """The float activations of ``operator``."""
    tensors = _tensors(graph, operator)
    return {each.index for each in tensors if not each.is_constant and each.dtype in FLOATS}


def _of_floats(graph: Graph, activations: set[str], constants: set[str]) -> str:
    if constants & {"int8"}:
        return (
            "weights are int8 but activations float (dynamic range quantisation): give the converter the "
            f"activations' ranges too, {FULL_INT8}"
        )
    return f"the model is not quantised: {FULL_INT8}"


def _quantised(graph: Graph) -> bool:
    """Whether something in ``graph`` computes in int8."""
    written = (index for operator in graph.operators for index in operator.outputs)
    return any(graph.tensors[index].dtype == "int8" for index in written)


def _tensors(graph: Graph, operator: Operator) -> list[Tensor]:
    return [graph.tensors[index] for index in (*operator.inputs, *operator.outputs) if index >= 0]


_RULES: tuple[Advice, ...] = (_by_name, _by_shape, _by_island, _by_edge, _by_type)
