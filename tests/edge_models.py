"""Models as converters write them by default: a dynamic batch, and inputs and outputs that are not int8."""

from __future__ import annotations

from typing import Any

import numpy as np
import tflite

from tests.ops.agree import RandomModel

INT32 = tflite.TensorType.INT32


def converted_edges(
    seed: int, dtype: str, entry: dict[str, Any] | None = None, leave: dict[str, Any] | None = None
) -> RandomModel:
    """A QUANTIZE, a FULLY_CONNECTED of 16 to 6, a QUANTIZE or DEQUANTIZE."""
    model = RandomModel(seed)
    given = model.tensor((1, 16), dtype=dtype, **(entry or {}))
    model.inputs = [given]
    ifm = model.activation((1, 16))
    weights = model.weights((6, 16), None)
    ofm = model.activation((1, 6), scale=model.output_scale(ifm, weights, 16))
    answer = model.tensor((1, 6), dtype=dtype, **(leave or {}))
    model.operator("QUANTIZE", [given], [ifm])
    model.operator("FULLY_CONNECTED", [ifm, weights, model.bias(ifm, weights, 6)], [ofm])
    model.operator("QUANTIZE" if dtype == "uint8" else "DEQUANTIZE", [ofm], [answer])
    model.sink(answer)
    return model


def flatten(model: RandomModel, ifm: int, recorded: tuple[int, ...], signature: tuple[int, ...]) -> int:
    """Keras' Flatten with a dynamic batch: SHAPE, STRIDED_SLICE, PACK, RESHAPE."""
    shape, batch, new = (model.tensor(size, dtype="int32") for size in ((4,), (), (2,)))
    one = model.tensor((1,), data=np.array([1], np.int32))
    zero, rest = (
        model.tensor((1,), data=np.array([0], np.int32)),
        model.tensor((), data=np.array(-1, np.int32)),
    )
    source = model.tensors[ifm]
    ofm = model.activation(
        recorded, scale=source.scales[0], zero_point=source.zero_points[0], signature=signature
    )
    model.operator("SHAPE", [ifm], [shape], OutType=INT32)
    model.operator("STRIDED_SLICE", [shape, zero, one, one], [batch], ShrinkAxisMask=1)
    model.operator("PACK", [batch, rest], [new], ValuesCount=2)
    model.operator("RESHAPE", [ifm, new], [ofm], NewShape=())
    return ofm


def dynamic(seed: int) -> RandomModel:
    """A dynamic batch, flattened by computed shapes, and a FULLY_CONNECTED behind it."""
    model = RandomModel(seed)
    flat = flatten(model, model.input((1, 5, 3, 4), signature=(-1, 5, 3, 4)), (1, 1), (-1, -1))
    weights = model.weights((3, 60), None)
    ofm = model.activation((1, 3), scale=model.output_scale(flat, weights, 60), signature=(-1, 3))
    model.operator("FULLY_CONNECTED", [flat, weights, model.bias(flat, weights, 3)], [ofm])
    model.sink(ofm)
    return model
