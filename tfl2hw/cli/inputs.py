"""Input files and random inputs, of the types that a model takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tfl2hw.errors import UsageError
from tfl2hw.ir.graph import Graph, Tensor
from tfl2hw.passes.legalise import INDEX_TYPES
from tfl2hw.passes.uses import index_bound

Array = npt.NDArray[Any]
RAW_SUFFIXES = (".dat", ".bin")


@dataclass(frozen=True, kw_only=True, eq=False)
class Sample:
    """One inference's inputs: an array of the tensor's own type and shape for each input of the model."""

    name: str
    inputs: tuple[Array, ...]


def load_samples(graph: Graph, files: Sequence[Path]) -> list[Sample]:
    """The samples in ``files``, which come in groups of as many as the model has inputs.

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
    groups = [files[start : start + len(tensors)] for start in range(0, len(files), len(tensors))]
    return [
        Sample(
            name=" + ".join(file.name for file in group),
            inputs=tuple(
                _valid(graph, file, tensor, load_input(file, tensor))
                for file, tensor in zip(group, tensors, strict=True)
            ),
        )
        for group in groups
    ]


def random_samples(graph: Graph, count: int, seed: int) -> Iterator[Sample]:
    """``count`` samples, evenly spread over int8 or over the valid indices; the same for the same seed."""
    generator = np.random.default_rng(seed)
    for number in range(count):
        inputs = tuple(_random(generator, graph, index) for index in graph.inputs)
        yield Sample(name=f"random {number}, seed {seed}", inputs=inputs)


def _random(generator: np.random.Generator, graph: Graph, index: int) -> Array:
    tensor = graph.tensors[index]
    if tensor.dtype in INDEX_TYPES:
        return generator.integers(0, index_bound(graph, index), tensor.shape).astype(tensor.dtype)
    return generator.integers(-128, 128, tensor.shape, dtype=np.int8)


def load_input(file: Path, tensor: Tensor) -> Array:
    """The array in ``file``, of ``tensor``'s type and in its shape.

    A ``.npy`` file holds that type in that shape, give or take axes of 1, or flat; a ``.dat`` or ``.bin``
    file holds nothing but the values' bytes, little-endian.

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
    else:
        raise UsageError(
            f"{file}: an input is a .npy file, or raw bytes in a {' or '.join(RAW_SUFFIXES)} file"
        )
    return array.reshape(tensor.shape)


def _valid(graph: Graph, file: Path, tensor: Tensor, array: Array) -> Array:
    """``array``, if it names rows that there are, where it names rows."""
    if tensor.dtype in INDEX_TYPES:
        bound = index_bound(graph, tensor.index)
        outside = array[(array < 0) | (array >= bound)]
        if outside.size:
            raise UsageError(
                f"{file}: holds index {outside[0]}; {_wanted(tensor)} takes indices of a table's rows, "
                f"0..{bound - 1}"
            )
    return array


def _read_npy(file: Path, tensor: Tensor) -> Array:
    try:
        array = np.array(np.load(file, mmap_mode="r", allow_pickle=False))
    except (ValueError, EOFError, OverflowError) as error:
        raise UsageError(f"{file}: not a readable .npy file ({error})") from error
    flat = (prod(tensor.shape),)
    fits = _squeezed(array.shape) in (_squeezed(tensor.shape), _squeezed(flat))
    if array.dtype != tensor.dtype or not fits:
        found, wanted = f"{array.dtype} of shape {array.shape}", f"{tensor.dtype} of shape {tensor.shape}"
        raise UsageError(f"{file}: holds {found}; {_wanted(tensor)} takes {wanted}")
    return array


def _read_raw(file: Path, tensor: Tensor) -> Array:
    size, wanted = file.stat().st_size, prod(tensor.shape) * np.dtype(tensor.dtype).itemsize
    if size != wanted:
        whole = (
            f" ({size // wanted} inputs in one file: cut it up)"
            if size > wanted and size % wanted == 0
            else ""
        )
        raise UsageError(
            f"{file}: {size:,} bytes{whole}; {_wanted(tensor)} takes {wanted:,}, {tensor.dtype} of shape "
            f"{tensor.shape}"
        )
    return np.fromfile(file, dtype=np.dtype(tensor.dtype).newbyteorder("<"))


def _wanted(tensor: Tensor) -> str:
    return f"input tensor {tensor.index} '{tensor.name}'"


def _squeezed(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(size for size in shape if size != 1)
