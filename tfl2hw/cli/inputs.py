"""Input files and random inputs, of the types that a model takes: int8, or what the host converts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tfl2hw.errors import UsageError
from tfl2hw.ir.graph import Conversion, Graph, Tensor
from tfl2hw.passes import conversions
from tfl2hw.passes.legalise import INDEX_TYPES
from tfl2hw.passes.uses import index_bound
from tfl2hw.runtime.images import IMAGE_SUFFIXES, load_image
from tfl2hw.runtime.sound import Features, load_features, load_sound
from tfl2hw.runtime.values import as_input, wanted

Array = npt.NDArray[Any]
RAW_SUFFIXES = (".dat", ".bin")


@dataclass(frozen=True, kw_only=True, eq=False)
class Sample:
    """One inference's inputs: an array of the tensor's own type and shape for each input of the model."""

    name: str
    inputs: tuple[Array, ...]


def load_samples(graph: Graph, files: Sequence[Path], features: str | None = None) -> list[Sample]:
    """The samples in ``files``, which come in groups of as many as the model has inputs.

    ``features`` names the function that a .wav file goes through (see ``load_features``).

    Raises
    ------
    UsageError : a number of files that makes no whole samples, or a file that is not a whole input, or an
        index of no row.
    """
    tensors = [graph.tensors[index] for index in graph.inputs]
    if len(files) % len(tensors):
        raise UsageError(
            f"{graph.file} has {len(tensors)} inputs, so --input comes in groups of {len(tensors)}; "
            f"{len(files)} given"
        )
    function = None if features is None else load_features(features)
    converted = conversions(graph)
    groups = [files[start : start + len(tensors)] for start in range(0, len(files), len(tensors))]
    return [
        Sample(
            name=" + ".join(file.name for file in group),
            inputs=tuple(
                _valid(graph, file, tensor, load_input(file, tensor, converted.get(tensor.index), function))
                for file, tensor in zip(group, tensors, strict=True)
            ),
        )
        for group in groups
    ]


def random_samples(graph: Graph, count: int, seed: int) -> Iterator[Sample]:
    """``count`` samples, evenly spread over int8 or over the valid indices, the same for a seed."""
    generator, converted = np.random.default_rng(seed), conversions(graph)
    for number in range(count):
        inputs = tuple(_random(generator, graph, index, converted.get(index)) for index in graph.inputs)
        yield Sample(name=f"random {number}, seed {seed}", inputs=inputs)


def _random(generator: np.random.Generator, graph: Graph, index: int, conversion: Conversion | None) -> Array:
    """Bytes over the whole range, float32 over the range that its int8 covers, or indices."""
    tensor = graph.tensors[index]
    shape = tensor.shape
    if tensor.dtype in INDEX_TYPES:
        return generator.integers(0, index_bound(graph, index), shape).astype(tensor.dtype)
    if conversion is None:
        return generator.integers(-128, 128, shape, dtype=np.int8)
    if conversion.dtype == "uint8":
        return generator.integers(0, 256, shape, dtype=np.uint8)
    low, high = conversion.int8.scale * (np.array([-128.5, 127.5]) - conversion.int8.zero_point)
    return generator.uniform(low, high, shape).astype(np.float32)


def load_input(
    file: Path, tensor: Tensor, conversion: Conversion | None = None, features: Features | None = None
) -> Array:
    """The array in ``file``, of ``tensor``'s type and in its shape.

    A ``.npy`` file holds that type, or floats (see ``as_input``), in that shape, give or take axes of 1, or
    flat; a ``.dat`` or ``.bin`` file holds nothing but the values' bytes, little-endian. A picture is resized
    and scaled, a ``.wav`` file goes through ``features``.

    Parameters
    ----------
    conversion : what the host makes of the tensor, if anything.

    Raises
    ------
    UsageError : one sentence, with what the file holds and what the tensor wants.
    """
    if not file.is_file():
        raise UsageError(f"{file}: {'not a file' if file.exists() else 'no such input file'}")
    suffix = file.suffix.lower()
    if suffix == ".npy":
        array = _read_npy(file, tensor)
    elif suffix in RAW_SUFFIXES:
        array = _read_raw(file, tensor)
    elif suffix in IMAGE_SUFFIXES:
        array = load_image(file, tensor, tensor.quantisation if conversion is None else conversion.int8)
    elif suffix == ".wav":
        array = load_sound(file, tensor, features)
    else:
        raise UsageError(
            f"{file}: an input is a .npy file, raw bytes in a {' or '.join(RAW_SUFFIXES)} file, a picture "
            f"({' '.join(IMAGE_SUFFIXES)}), or a .wav file with --features"
        )
    return array.reshape(tensor.shape)


def _valid(graph: Graph, file: Path, tensor: Tensor, array: Array) -> Array:
    """``array``, if it names rows that there are, where it names rows."""
    if tensor.dtype in INDEX_TYPES:
        bound = index_bound(graph, tensor.index)
        outside = array[(array < 0) | (array >= bound)]
        if outside.size:
            raise UsageError(
                f"{file}: holds index {outside[0]}; {wanted(tensor)} takes indices of a table's rows, "
                f"0..{bound - 1}"
            )
    return array


def _read_npy(file: Path, tensor: Tensor) -> Array:
    try:
        array = np.array(np.load(file, mmap_mode="r", allow_pickle=False))
    except (ValueError, EOFError, OverflowError) as error:
        raise UsageError(f"{file}: not a readable .npy file ({error})") from error
    return as_input(array, tensor, str(file))


def _read_raw(file: Path, tensor: Tensor) -> Array:
    dtype = np.dtype(tensor.dtype).newbyteorder("<")
    size, wanted_bytes = file.stat().st_size, prod(tensor.shape) * dtype.itemsize
    if size != wanted_bytes:
        whole = (
            f" ({size // wanted_bytes} inputs in one file: cut it up)"
            if size > wanted_bytes and size % wanted_bytes == 0
            else ""
        )
        raise UsageError(f"{file}: {size:,} bytes{whole}; {wanted(tensor)}, {wanted_bytes:,} bytes")
    return np.fromfile(file, dtype=dtype).astype(tensor.dtype, copy=False)
