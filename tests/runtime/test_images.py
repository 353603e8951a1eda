"""Pictures: resized, and scaled to what the model was trained on."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tfl2hw.errors import ToolError, UsageError
from tfl2hw.ir.graph import Tensor
from tfl2hw.ir.quantisation import Quantisation
from tfl2hw.runtime.images import load_image

PIXELS = np.array([[0, 255, 100, 7], [1, 254, 128, 127]], np.uint8)


def quantisation(scale: float, zero_point: int) -> Quantisation:
    return Quantisation(scales=(scale,), zero_points=(zero_point,))


def image(channels: int = 1, dtype: str = "int8", size: tuple[int, int] = (2, 4)) -> Tensor:
    return Tensor(index=0, name="image", shape=(1, *size, channels), dtype=dtype)


@pytest.fixture
def grey(tmp_path: Path) -> Path:
    Image.fromarray(PIXELS).save(tmp_path / "x.png")
    return tmp_path / "x.png"


@pytest.mark.parametrize(
    "scheme", [quantisation(1 / 255, -128), quantisation(1.0, -128), quantisation(2 / 255, 0)]
)
def test_int8_covers_black_to_white(scheme: Quantisation, grey: Path) -> None:
    """Whatever the range, a pixel is its grey less 128, give or take a rounding."""
    tensor = Tensor(index=0, name="x", shape=(1, 2, 4, 1), dtype="int8", quantisation=scheme)
    loaded = load_image(grey, tensor, scheme)
    assert loaded.dtype == np.int8
    assert loaded.shape == tensor.shape
    assert np.abs(loaded[0, ..., 0].astype(int) - (PIXELS.astype(int) - 128)).max() <= 1
    assert loaded.min() <= -127
    assert loaded.max() == 127


def test_floats_and_bytes(grey: Path) -> None:
    loaded = load_image(grey, image(dtype="float32"), quantisation(2 / 255, 0))
    np.testing.assert_allclose(loaded[0, ..., 0], PIXELS / 127.5 - 1, atol=1e-6)
    loaded = load_image(grey, image(dtype="uint8"), None)
    np.testing.assert_array_equal(loaded[0, ..., 0], PIXELS)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp"])
def test_resized_and_converted(suffix: str, tmp_path: Path) -> None:
    """A red picture, larger than the input: red again, or its grey."""
    file = tmp_path / f"red{suffix}"
    Image.new("RGB", (90, 50), (255, 0, 0)).save(file)
    colour = load_image(file, image(3, "uint8", (5, 6)), None)
    assert colour.shape == (1, 5, 6, 3)
    assert np.abs(colour.astype(int) - [255, 0, 0]).max() <= 2
    shades = load_image(file, image(1, "uint8", (5, 6)), None)
    assert shades.shape == (1, 5, 6, 1)
    assert np.abs(shades.astype(int) - 76).max() <= 2


@pytest.mark.parametrize(
    ("tensor", "scheme", "sentence"),
    [
        (
            Tensor(index=0, name="x", shape=(1, 10), dtype="int8"),
            None,
            "a picture is of 1 or 3 channels; input",
        ),
        (image(2), None, "a picture is of 1 or 3 channels"),
        (image(), None, "a picture needs an input with a scale"),
        (
            image(),
            quantisation(0.02, 10),
            r"takes values of -2\.76\.\.2\.34, and pixels are known to become 0\.\.1",
        ),
    ],
)
def test_inputs_that_take_no_picture(
    tensor: Tensor, scheme: Quantisation | None, sentence: str, grey: Path
) -> None:
    with pytest.raises(UsageError, match=sentence):
        load_image(grey, tensor, scheme)


def test_what_is_no_picture(tmp_path: Path) -> None:
    for content in (b"", b"no picture", b"\x89PNG\r\n\x1a\n" + bytes(40)):
        (tmp_path / "x.png").write_bytes(content)
        with pytest.raises(UsageError, match=r"x\.png: not a readable picture"):
            load_image(tmp_path / "x.png", image(), quantisation(1.0, -128))


def test_without_pillow(grey: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(ToolError, match=r"pictures need the package Pillow: pip install 'tfl2hw\[images\]'"):
        load_image(grey, image(), quantisation(1.0, -128))
