"""What a batch of 1 makes known: folded constants as the interpreter computes them, inferred shapes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tflite

from tests.build_model import ModelBuilder
from tests.edge_models import flatten
from tests.ops.agree import RandomModel, assert_exact
from tfl2hw.errors import ModelError
from tfl2hw.frontend import load
from tfl2hw.ir.graph import Graph
from tfl2hw.ops import NUMERICS
from tfl2hw.passes import legal, lower, review, settled
from tfl2hw.sim.oracle import interpret

INT32 = tflite.TensorType.INT32
Built = Callable[["Shapes"], int]


class Shapes(RandomModel):
    """A SOFTMAX, and beside it arithmetic on integers."""

    def __init__(self) -> None:
        super().__init__(1)
        self.given = self.input((1, 5, 3, 4), signature=(-1, 5, 3, 4))
        self.answer = self.tensor((1, 5, 3, 4), scale=1 / 256, zero_point=-128)
        self.operator("SOFTMAX", [self.given], [self.answer])

    def values(self, *values: Any, dtype: str = "int32") -> int:
        array = np.array(values[0] if len(values) == 1 else values, dtype)
        return self.tensor(array.shape, data=array)

    def op(
        self, name: str, inputs: list[int], shape: tuple[int, ...], dtype: str = "int32", **fields: Any
    ) -> int:
        made = self.tensor(shape, dtype=dtype)
        self.operator(name, inputs, [made], **fields)
        return made

    def shape(self) -> int:
        return self.op("SHAPE", [self.given], (4,), OutType=INT32)


def strided(
    begin: list[int], end: list[int], stride: list[int], shape: tuple[int, ...], **masks: int
) -> Built:
    def build(m: Shapes) -> int:
        values = m.values([[1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12]])
        return m.op("STRIDED_SLICE", [values, *map(m.values, (begin, end, stride))], shape, **masks)

    return build


def binary(name: str, dtype: str = "int32", **fields: Any) -> Built:
    return lambda m: m.op(
        name, [m.values([[7, -7, 9], [1, 2, -3]]), m.values([2, 2, -2])], (2, 3), dtype, **fields
    )


def reduction(name: str, keep: bool, shape: tuple[int, ...]) -> Built:
    return lambda m: m.op(name, [m.values([[2, 3], [5, 7]]), m.values([-1])], shape, KeepDims=keep)


FOLDED: dict[str, Built] = {
    "shape": lambda m: m.shape(),
    "rank": lambda m: m.op("RANK", [m.given], ()),
    "item of a shape": lambda m: m.op(
        "STRIDED_SLICE", [m.shape(), *map(m.values, ([1], [2], [1]))], (), ShrinkAxisMask=1
    ),
    "plain slice": strided([0, 1], [2, 3], [1, 1], (2, 2)),
    "steps": strided([2, 0], [0, 4], [-1, 2], (2, 2)),
    "open ends": strided([1, 1], [2, 2], [1, 1], (3, 3), BeginMask=1, EndMask=3),
    "backwards": strided([-1, -1], [-4, -3], [-2, -1], (2, 2)),
    "shrunk": strided([-1, 1], [0, 3], [1, 1], (2,), ShrinkAxisMask=1),
    "new axis": strided([0, 1], [0, 2], [1, 1], (1, 1, 4), NewAxisMask=1),
    "ellipsis": strided([0, 1], [0, 2], [1, 1], (3, 1), EllipsisMask=1),
    "slice": lambda m: m.op("SLICE", [m.values([1, 2, 3, 4]), m.values([1]), m.values([2])], (2,)),
    "slice to the end": lambda m: m.op(
        "SLICE", [m.values([1, 2, 3, 4]), m.values([1]), m.values([-1])], (3,)
    ),
    "pack": lambda m: m.op("PACK", [m.values(4), m.values(5)], (2,), ValuesCount=2),
    "pack axis": lambda m: m.op("PACK", [m.values(4, 6), m.values(5, 8)], (2, 2), ValuesCount=2, Axis=-1),
    "gather": lambda m: m.op("GATHER", [m.values([[1, 2], [3, 4]]), m.values(1, 0, 1)], (2, 3), Axis=-1),
    "concatenation": lambda m: m.op("CONCATENATION", [m.values(1, 2), m.values([3])], (3,)),
    "product": reduction("REDUCE_PROD", False, (2,)),
    "sum kept": reduction("SUM", True, (2, 1)),
    "maximum of all": reduction("REDUCE_MAX", False, (2,)),
    "add": binary("ADD"),
    "sub": binary("SUB"),
    "mul": binary("MUL"),
    "floor_div": binary("FLOOR_DIV"),
    "floor_mod": binary("FLOOR_MOD"),
    "div": binary("DIV"),
    "maximum": binary("MAXIMUM"),
    "minimum": binary("MINIMUM"),
    "cast": lambda m: m.op("CAST", [m.values(3, 4)], (2,), "int64"),
    "reshape": lambda m: m.op("RESHAPE", [m.values(1, 2, 3, 4), m.values(2, -1)], (2, 2)),
    "reshape to a scalar": lambda m: m.op("RESHAPE", [m.values([3]), m.values([])], ()),
    "expand_dims": lambda m: m.op("EXPAND_DIMS", [m.values(1, 2), m.values(0)], (1, 2)),
    "squeeze": lambda m: m.op("SQUEEZE", [m.values([[[1, 2]]])], (1, 2), SqueezeDims=(0,)),
    "squeeze all": lambda m: m.op("SQUEEZE", [m.values([[[1, 2]]])], (2,)),
    "range": lambda m: m.op("RANGE", [m.values(1), m.values(9), m.values(3)], (3,)),
    "fill": lambda m: m.op("FILL", [m.values(2, 3), m.values(7)], (2, 3)),
    "broadcast_args": lambda m: m.op("BROADCAST_ARGS", [m.values(1, 3), m.values(4, 1, 1)], (3,)),
    "tile": lambda m: m.op("TILE", [m.values(1, 3), m.values([2])], (4,)),
    "transpose": lambda m: m.op("TRANSPOSE", [m.values([[1, 2, 3], [4, 5, 6]]), m.values(1, 0)], (3, 2)),
}


@pytest.mark.parametrize("name", FOLDED)
def test_folded_as_the_interpreter_computes(name: str, tmp_path: Path) -> None:
    """As an output of the model the tensor is not folded, and the interpreter tells its values."""
    model = Shapes()
    tensor = FOLDED[name](model)
    expected = interpret(
        written(model, tmp_path, [model.answer, tensor]), [[np.zeros((1, 5, 3, 4), np.int8)]], "litert-ref"
    )[0][tensor]
    graph = settled(load(written(model, tmp_path, [model.answer])))
    found = graph.tensors[tensor].data
    assert [operator.op for operator in graph.operators] == ["SOFTMAX"]
    assert found.dtype.name == graph.tensors[tensor].dtype
    np.testing.assert_array_equal(found, expected, strict=True)


def test_broadcast_to(tmp_path: Path) -> None:
    """The interpreter wants a newer version of the operator than the builder writes."""
    model = Shapes()
    tensor = model.op("BROADCAST_TO", [model.values(1, 3), model.values(3, 2)], (3, 2))
    graph = settled(load(written(model, tmp_path, [model.answer])))
    assert graph.tensors[tensor].data.tolist() == [[1, 3]] * 3


UNFOLDED: dict[str, Built] = {
    "division by zero": lambda m: m.op("FLOOR_DIV", [m.values(1, 2), m.values(0, 1)], (2,)),
    "huge range": lambda m: m.op("RANGE", [m.values(0), m.values(2**31 - 1), m.values(1)], (3,)),
    "endless range": lambda m: m.op("RANGE", [m.values(0), m.values(9), m.values(0)], (3,)),
    "huge fill": lambda m: m.op("FILL", [m.values(2**20, 2**20), m.values(1)], (1,)),
    "negative fill": lambda m: m.op("FILL", [m.values(-2, 3), m.values(1)], (1,)),
    "huge outer product": lambda m: m.op(
        "ADD", [m.values(np.ones((4096, 1))), m.values(np.ones((1, 4096)))], (1,)
    ),
    "huge tile": lambda m: m.op("TILE", [m.values(1, 2), m.values([2**30])], (1,)),
    "gather outside": lambda m: m.op("GATHER", [m.values(1, 2), m.values([5])], (1,)),
    "shapes that do not go together": lambda m: m.op("ADD", [m.values(1, 2, 3), m.values(1, 2)], (3,)),
    "an activation after it": lambda m: m.op(
        "ADD", [m.values(1, 2), m.values(1, 2)], (2,), FusedActivationFunction=1
    ),
    "float": lambda m: m.op("FILL", [m.values(2.0, dtype="float32"), m.values(1)], (1,)),
    "two ranks": lambda m: m.op("TRANSPOSE", [m.values(1, 2), m.values(1, 0)], (2,)),
}


@pytest.mark.parametrize("name", UNFOLDED)
def test_not_folded(name: str, tmp_path: Path) -> None:
    model = Shapes()
    UNFOLDED[name](model)
    graph = settled(load(written(model, tmp_path, [model.answer])))
    assert len(graph.operators) == 2


def test_folding_does_not_unfold_into_gigabytes(tmp_path: Path) -> None:
    """Of a hundred constants of a million elements, sixteen are made."""
    model = Shapes()
    size, value = model.values(1 << 10, 1 << 10), model.values(7)
    for _ in range(100):
        model.op("FILL", [size, value], (1, 1))
    graph = settled(load(written(model, tmp_path, [model.answer])))
    assert len(graph.operators) == 1 + 100 - 16


def written(model: ModelBuilder, folder: Path, outputs: list[int]) -> Path:
    path = folder / "model.tflite"
    path.write_bytes(model.finish(model.inputs, outputs))
    return path


@pytest.mark.parametrize("recorded", [(1, 60), (1, 1), (1, 0)])
def test_flatten_of_a_dynamic_batch(recorded: tuple[int, ...], tmp_path: Path) -> None:
    """Whatever the file records of the RESHAPE's output, it has 60 elements."""
    model = RandomModel(1)
    ifm = model.input((1, 5, 3, 4), signature=(-1, 5, 3, 4))
    flat = flatten(model, ifm, recorded, (-1, -1))
    weights = model.weights((3, 60), None)
    ofm = model.activation((1, 3), scale=model.output_scale(ifm, weights, 60), signature=(-1, 3))
    model.operator("FULLY_CONNECTED", [flat, weights, model.bias(ifm, weights, 3)], [ofm])
    model.sink(ofm)
    graph = load(written(model, tmp_path, model.outputs))
    assert all(verdict.accepted for verdict in review(graph))
    assert [operator.op for operator in legal(graph).operators] == ["RESHAPE", "FULLY_CONNECTED"]
    assert legal(graph).tensors[flat].shape == (1, 60)
    if 0 not in recorded:  # with 0, and in TFLite Micro with another size, the interpreters fail
        assert_exact(model, tmp_path, NUMERICS if recorded == (1, 60) else ("litert-ref",))


def conv(folder: Path, recorded: tuple[int, ...], signature: tuple[int, ...] | None) -> Graph:
    model = RandomModel(1)
    ifm = model.input((1, 6, 6, 2))
    weights = model.weights((4, 3, 3, 2), 0)
    ofm = model.activation(recorded, signature=signature)
    model.operator("CONV_2D", [ifm, weights, model.bias(ifm, weights, 4)], [ofm])
    return load(written(model, folder, [ofm]))


@pytest.mark.parametrize(
    ("recorded", "signature"),
    [((1, 1, 1, 4), (-1, -1, -1, 4)), ((1, 0, 0, 4), None), ((7, 6, 6, 4), (-1, 6, 6, 4))],
)
def test_open_record_is_replaced(
    recorded: tuple[int, ...], signature: tuple[int, ...] | None, tmp_path: Path
) -> None:
    graph = conv(tmp_path, recorded, signature)
    assert settled(graph).tensors[graph.outputs[0]].shape == (1, 6, 6, 4)
    lower(graph, "tflm")


def test_static_contradiction_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        ModelError, match=r"recorded as \(1, 5, 6, 4\) where the operator makes \(1, 6, 6, 4\)"
    ):
        lower(conv(tmp_path, (1, 5, 6, 4), None), "tflm")


def test_unsettled_shape_is_refused(tmp_path: Path) -> None:
    """An operator that is not supported leaves a shape open: those behind it say so."""
    model = RandomModel(1)
    first, second = model.input((1, 4)), model.activation((1, 1), signature=(-1, -1))
    third = model.tensor((1, 1), scale=1 / 256, zero_point=-128)
    model.operator("CUSTOM:mine", [first], [second])
    model.operator("SOFTMAX", [second], [third])
    verdicts = review(load(written(model, tmp_path, [third])))
    assert "dynamic shape, (-1, -1); accepted: fixed shapes" in verdicts[1].reasons[0]
