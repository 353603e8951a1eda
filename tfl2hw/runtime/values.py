"""Values of a model's input: as they are, or real numbers quantised by the model's scale."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from tfl2hw.errors import UsageError
from tfl2hw.ir.conversion import quantised
from tfl2hw.ir.graph import Tensor

Array = npt.NDArray[Any]


def as_input(values: npt.ArrayLike, tensor: Tensor, name: str) -> Array:
    """``values`` as ``tensor`` takes them, of its type and in its shape.

    They have its type, or are floats where it is int8: ``round(x / scale) + zero_point``, halves away from
    zero, clamped, as TFLite quantises. Their shape is the tensor's, give or take axes of 1, or flat.

    Parameters
    ----------
    name : what an error calls them.

    Raises
    ------
    UsageError : another type or shape, with what was found and what is taken.
    """
    array = np.asarray(values)
    fitting = (_squeezed(tensor.shape), _squeezed((prod(tensor.shape),)))
    real = array.dtype.kind == "f" and tensor.dtype == "int8" and tensor.quantisation is not None
    wider = array.dtype.kind == "f" and tensor.dtype == "float32"
    if not (real or wider or array.dtype.name == tensor.dtype) or _squeezed(array.shape) not in fitting:
        raise UsageError(f"{name}: holds {array.dtype} of shape {array.shape}; {wanted(tensor)}")
    if real and tensor.quantisation is not None:
        array = quantised(array, tensor.quantisation)
    return array.astype(tensor.dtype, copy=False).reshape(tensor.shape)


def wanted(tensor: Tensor) -> str:
    """What an input tensor takes, for an error message."""
    floats = ", or floats" if tensor.dtype == "int8" and tensor.quantisation is not None else ""
    return f"input tensor {tensor.index} '{tensor.name}' takes {tensor.dtype}{floats} of shape {tensor.shape}"


def _squeezed(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(size for size in shape if size != 1)
