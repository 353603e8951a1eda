"""Input files and random inputs, as the bytes that a model takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tfl2hw.errors import UsageError
from tfl2hw.ir.graph import Graph, Tensor

Int8 = npt.NDArray[np.int8]
RAW_SUFFIXES = (".dat", ".bin")


@dataclass(frozen=True, kw_only=True, eq=False)
class Sample:
    """One inference's inputs: an int8 array of the tensor's own shape for each input of the model."""

    name: str
    inputs: tuple[Int8, ...]


def load_samples(graph: Graph, files: Sequence[Path]) -> list[Sample]:
    """The samples in ``files``, which come in groups of as many as the model has inputs.

    Raises
    ------
    UsageError : a number of files that makes no whole samples, or a file that is not a whole input.
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
            inputs=tuple(load_input(file, tensor) for file, tensor in zip(group, tensors, strict=True)),
        )
        for group in groups
    ]


def random_samples(graph: Graph, count: int, seed: int) -> Iterator[Sample]:
    """``count`` samples of bytes evenly spread over -128..127; the same seed gives the same samples."""
    generator = np.random.default_rng(seed)
    for number in range(count):
        shapes = [graph.tensors[index].shape for index in graph.inputs]
        inputs = tuple(generator.integers(-128, 128, shape, dtype=np.int8) for shape in shapes)
        yield Sample(name=f"random {number}, seed {seed}", inputs=inputs)


def load_input(file: Path, tensor: Tensor) -> Int8:
    """The int8 array in ``file``, in ``tensor``'s shape.

    A ``.npy`` file holds int8 in that shape, give or take axes of 1, or flat; a ``.dat`` or ``.bin``
    file holds nothing but the bytes.

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


def _read_npy(file: Path, tensor: Tensor) -> Int8:
    try:
        array = np.array(np.load(file, mmap_mode="r", allow_pickle=False))
    except (ValueError, EOFError, OverflowError) as error:
        raise UsageError(f"{file}: not a readable .npy file ({error})") from error
    flat = (prod(tensor.shape),)
    if array.dtype != np.int8 or _squeezed(array.shape) not in (_squeezed(tensor.shape), _squeezed(flat)):
        found = f"{array.dtype} of shape {array.shape}"
        raise UsageError(f"{file}: holds {found}; {_wanted(tensor)} takes int8 of shape {tensor.shape}")
    return array


def _read_raw(file: Path, tensor: Tensor) -> Int8:
    size, wanted = file.stat().st_size, prod(tensor.shape)
    if size != wanted:
        whole = (
            f" ({size // wanted} inputs in one file: cut it up)"
            if size > wanted and size % wanted == 0
            else ""
        )
        raise UsageError(
            f"{file}: {size:,} bytes{whole}; {_wanted(tensor)} takes {wanted:,}, int8 of shape {tensor.shape}"
        )
    return np.fromfile(file, dtype=np.int8)


def _wanted(tensor: Tensor) -> str:
    return f"input tensor {tensor.index} '{tensor.name}'"


def _squeezed(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(size for size in shape if size != 1)
