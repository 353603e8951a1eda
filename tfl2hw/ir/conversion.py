"""What the host does at a network's edge: between the file's float32 or uint8 tensor and int8 bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from tfl2hw.ir.quantisation import Quantisation

Int8 = npt.NDArray[np.int8]


@dataclass(frozen=True, kw_only=True, eq=False)
class Conversion:
    """From a tensor of the file to the network's int8 tensor (an input), or back (an output).

    Parameters
    ----------
    tensor : the int8 tensor, by its index in the file.
    dtype : of the file's tensor: "float32" or "uint8".
    int8 : quantisation of the int8 tensor.
    table : for uint8: what each of the 256 bytes becomes, in the order of their values from the lowest.
        uint8 to int8 at an input, int8 to uint8 at an output.
    """

    tensor: int
    dtype: str
    int8: Quantisation
    table: npt.NDArray[Any] | None = None

    def to_device(self, values: npt.NDArray[Any]) -> Int8:
        """The int8 values of an input, as the QUANTIZE of the file makes them; any shape."""
        if self.table is not None:
            return cast(Int8, self.table[values.astype(np.int64)])
        return quantised(values, self.int8)

    def from_device(self, values: Int8) -> npt.NDArray[Any]:
        """What an output's int8 values are in the file's type; any shape."""
        if self.table is not None:
            return self.table[values.astype(np.int64) + 128]
        return dequantised(values, self.int8)


def quantised(values: npt.NDArray[Any], to: Quantisation) -> Int8:
    """``clamp(round_half_away(x / scale) + zero_point)``, the division in float32; NaN gives -128.

    TFLite's QUANTIZE from float32 (``AffineQuantize``).
    """
    with np.errstate(over="ignore", invalid="ignore"):
        scaled = values.astype(np.float32) / np.float32(to.scale)
    bounded = np.nan_to_num(np.clip(scaled, -1e6, 1e6), nan=-1e6).astype(np.float64)
    rounded = np.copysign(np.floor(np.abs(bounded) + 0.5), bounded)
    return cast(Int8, np.clip(rounded + to.zero_point, -128, 127).astype(np.int8))


def dequantised(values: npt.NDArray[Any], by: Quantisation) -> npt.NDArray[np.float32]:
    """``scale * (q - zero_point)``: TFLite's DEQUANTIZE, the product in double, rounded to float32."""
    steps = values.astype(np.float64) - by.zero_point
    return cast("npt.NDArray[np.float32]", (steps * by.scale).astype(np.float32))
