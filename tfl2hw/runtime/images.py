"""A picture file to a model's input: resized, and scaled to the range that the model was trained on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tfl2hw.errors import ToolError, UsageError
from tfl2hw.ir.graph import Tensor
from tfl2hw.ir.quantisation import Quantisation
from tfl2hw.runtime.values import as_input, wanted

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp")

MODES = {1: "L", 3: "RGB"}
"""Pillow's name for so many channels."""

RANGES = ((0.0, 1.0), (-1.0, 1.0), (0.0, 255.0))
"""What pixels become, as models are trained."""

TOLERANCE = 0.1
"""Share of a range by which a model's own may differ from it."""


def load_image(file: Path, tensor: Tensor, quantisation: Quantisation | None) -> npt.NDArray[Any]:
    """The picture in ``file`` as ``tensor`` (1, height, width, 1 or 3 channels) takes it.

    Grey or RGB, resized without regard to its proportions (bilinear). Pixels are scaled to the one of
    ``RANGES`` that int8 values of ``quantisation`` (that of the network's input) cover; a uint8 tensor takes
    them as they are.

    Raises
    ------
    UsageError : not a picture; an input that takes none, or with a range of its own.
    ToolError : Pillow is not installed.
    """
    if len(tensor.shape) != 4 or tensor.shape[3] not in MODES:
        raise UsageError(f"{file}: a picture is of 1 or 3 channels; {wanted(tensor)}")
    _, height, width, channels = tensor.shape
    pixels = _pixels(file, (width, height), MODES[channels])
    if tensor.dtype == "uint8":
        return pixels.reshape(tensor.shape)
    low, high = _range(file, tensor, quantisation)
    return as_input(low + pixels.reshape(tensor.shape) / 255.0 * (high - low), tensor, str(file))


def _pixels(file: Path, size: tuple[int, int], mode: str) -> npt.NDArray[np.uint8]:
    try:
        from PIL import Image, UnidentifiedImageError
    except ModuleNotFoundError as error:
        raise ToolError(f"{file}: pictures need the package Pillow: pip install 'tfl2hw[images]'") from error
    try:
        with Image.open(file) as picture:
            resized = picture.convert(mode).resize(size, Image.Resampling.BILINEAR)
    except (UnidentifiedImageError, OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise UsageError(f"{file}: not a readable picture ({error})") from error
    return np.asarray(resized, dtype=np.uint8)


def _range(file: Path, tensor: Tensor, quantisation: Quantisation | None) -> tuple[float, float]:
    """What black and white are for the model."""
    if quantisation is None:
        raise UsageError(f"{file}: a picture needs an input with a scale; {wanted(tensor)}")
    least, most = (quantisation.scale * (value - quantisation.zero_point) for value in (-128, 127))
    for low, high in RANGES:
        if max(abs(least - low), abs(most - high)) <= TOLERANCE * (high - low):
            return low, high
    known = " or ".join(f"{low:g}..{high:g}" for low, high in RANGES)
    raise UsageError(
        f"{file}: the model takes values of {least:.4g}..{most:.4g}, and pixels are known to become {known} "
        f"alone: give the floats in a .npy file"
    )
