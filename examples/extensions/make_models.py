"""Writes the small models with which the extensions here are tested.

From the top of the repository: ``.venv/bin/python examples/extensions/make_models.py``.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1]))  # the repository's tests have a writer of .tflite files

from tests.small_models import SmallModel  # noqa: E402

SCALE = 0.0625


def floor_mod() -> bytes:
    """FLOOR_MOD of an input by 7, and by -5 of a convolution of it, whose remainders are convolved again."""
    model = SmallModel(1)
    ifm = model.input((1, 8, 8, 4), scale=SCALE, zero_point=0)
    first = _floor_mod(model, ifm, 7)
    features = model.conv(first, 8, (1, 1))
    model.tensors[features] = replace(model.tensors[features], zero_points=(0,))
    second = _floor_mod(model, features, -5)
    model.sink(first, model.conv(second, 4, (3, 3)))
    return model.finish(model.inputs, model.outputs)


def _floor_mod(model: SmallModel, ifm: int, divisor: int) -> int:
    shape, scale = model.tensors[ifm].shape, model.tensors[ifm].scales[0]
    constant = model.tensor((1,), scale=scale, data=np.array([divisor], np.int8))
    ofm = model.activation(shape, scale=scale, zero_point=0)
    model.operator("FLOOR_MOD", [ifm, constant], [ofm])
    return ofm


def threefold() -> bytes:
    """Products of every sort: a convolution, a depthwise one, and a layer of a vector."""
    model = SmallModel(2)
    ifm = model.input((1, 6, 6, 4))
    features = model.depthwise(model.conv(ifm, 8, (3, 3)), (3, 3), (2, 2))
    flat = model.reshape(features, (1, 72))
    model.sink(model.dense(flat, 5))
    return model.finish(model.inputs, model.outputs)


def right_shift() -> bytes:
    """RIGHT_SHIFT of a convolution by an input, then by a vector of bytes, spread over all pixels."""
    model = SmallModel(3)
    ifm, by = (model.input((1, 5, 6, channels), scale=SCALE, zero_point=0) for channels in (4, 10))
    features = model.conv(ifm, 10, (1, 1))
    model.tensors[features] = replace(model.tensors[features], zero_points=(0,))
    first = _right_shift(model, features, by)
    places = model.tensor((10,), scale=SCALE, data=np.array([-3, 0, 1, 2, 3, 4, 5, 7, 8, 127], np.int8))
    model.sink(model.conv(_right_shift(model, first, places), 3, (1, 1)))
    return model.finish(model.inputs, model.outputs)


def _right_shift(model: SmallModel, ifm: int, by: int) -> int:
    ofm = model.activation(model.tensors[ifm].shape, scale=model.tensors[ifm].scales[0], zero_point=0)
    model.operator("RIGHT_SHIFT", [ifm, by], [ofm])
    return ofm


MODELS = {"floor_mod": floor_mod, "threefold": threefold, "right_shift": right_shift}
"""The model of each extension, by its folder."""


def path(name: str) -> Path:
    """Where the model of the extension ``name`` stands."""
    return HERE / name / "tests" / f"{name}.tflite"


if __name__ == "__main__":
    for each, make in MODELS.items():
        path(each).write_bytes(make())
