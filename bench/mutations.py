"""Broken and hostile models, made from sound ones: what `fuzz_frontend.py` feeds to the compiler."""

from __future__ import annotations

import copy
import struct
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import tflite

from tests.build_model import OPTIONS, ModelBuilder, Tensor

EXTREMES = (0, 1, 2, 3, 127, 128, 255, 1 << 16, (1 << 26) - 1, 1 << 26, (1 << 31) - 1, 1 << 31, (1 << 32) - 1)
SIZES = (0, -1, 1, 2, 3, 5, 63, 64, 65, 1000, 1 << 12, 1 << 16, 1 << 20, 1 << 22, 1 << 26, (1 << 31) - 1)
SCALES = (0.0, -1.0, 1e-38, 1e-30, 1e-6, 0.1, 1.0, 1e6, 3e38, float("inf"), float("nan"))
DTYPES = (
    "int8",
    "uint8",
    "int16",
    "int32",
    "int64",
    "float32",
    "float16",
    "bool",
    "string",
    "int4",
    "resource",
)
Random = np.random.Generator


@dataclass(frozen=True, kw_only=True, eq=False)
class Seed:
    """A sound model. ``structure``: the offsets of its bytes that are not weights."""

    name: str
    content: bytes
    structure: npt.NDArray[np.int64]
    builder: ModelBuilder | None = None
    inputs: tuple[int, ...] = ()
    outputs: tuple[int, ...] = ()


def seed(name: str, content: bytes) -> Seed:
    """A model of which there are the bytes alone."""
    return Seed(name=name, content=content, structure=_structure(content))


def built_seed(name: str, builder: ModelBuilder, inputs: list[int], outputs: list[int]) -> Seed:
    """A model that can be changed before it is written, too."""
    content = builder.finish(inputs, outputs)
    return Seed(
        name=name,
        content=content,
        structure=_structure(content),
        builder=builder,
        inputs=tuple(inputs),
        outputs=tuple(outputs),
    )


def _structure(content: bytes) -> npt.NDArray[np.int64]:
    model = tflite.Model.GetRootAs(content, 0)
    is_weight = np.zeros(len(content), bool)
    for number in range(model.BuffersLength()):
        data = model.Buffers(number).DataAsNumpy()
        if not isinstance(data, int) and data.size > 64:
            start = data.__array_interface__["data"][0] - np.frombuffer(content, np.uint8).ctypes.data
            is_weight[start : start + data.size] = True
    return np.flatnonzero(~is_weight)


def mutated(seeds: list[Seed], random: Random) -> bytes:
    """A random seed, broken in one to three random ways."""
    chosen = seeds[random.integers(len(seeds))]
    if chosen.builder is not None and random.random() < 0.5:
        content = _rebuilt(chosen, random)
        if content is None or random.random() < 0.8:
            return chosen.content if content is None else content
        chosen = replace(chosen, content=content, structure=np.arange(len(content)))
    content = bytearray(chosen.content)
    for _ in range(random.integers(1, 4)):
        way = BYTE_WAYS[random.integers(len(BYTE_WAYS))]
        way(content, chosen, seeds, random)
    if len(content) >= 8 and random.random() < 0.98:
        content[4:8] = b"TFL3"
    return bytes(content)


# ---- on the bytes


def _place(content: bytearray, chosen: Seed, random: Random, align: int = 1) -> int:
    """A byte's offset, mostly not of a weight."""
    place = int(chosen.structure[random.integers(len(chosen.structure))])
    return min(place, max(len(content) - align, 0)) // align * align


def _flip(content: bytearray, chosen: Seed, seeds: list[Seed], random: Random) -> None:
    for _ in range(random.integers(1, 5)):
        if content:
            content[_place(content, chosen, random)] ^= 1 << int(random.integers(8))


def _word(content: bytearray, chosen: Seed, seeds: list[Seed], random: Random) -> None:
    """An offset, a length, a size or an index becomes extreme."""
    if len(content) < 8:
        return
    value = EXTREMES[random.integers(len(EXTREMES))] if random.random() < 0.7 else len(content)
    struct.pack_into("<I", content, _place(content, chosen, random, 4), value)


def _nudge(content: bytearray, chosen: Seed, seeds: list[Seed], random: Random) -> None:
    """A word becomes a little larger or smaller."""
    if len(content) < 8:
        return
    place = _place(content, chosen, random, 4)
    value = struct.unpack_from("<I", content, place)[0] + int(random.integers(-8, 9))
    struct.pack_into("<I", content, place, value & 0xFFFFFFFF)


def _retarget(content: bytearray, chosen: Seed, seeds: list[Seed], random: Random) -> None:
    """An offset leads to where another one leads: a table, a vector or a string in place of it."""
    if len(content) < 16:
        return
    here, there = (_place(content, chosen, random, 4) for _ in range(2))
    target = there + struct.unpack_from("<I", content, there)[0]
    struct.pack_into("<I", content, here, (target - here) & 0xFFFFFFFF)


def _splice(content: bytearray, chosen: Seed, seeds: list[Seed], random: Random) -> None:
    """Bytes of another model, in place of this one's or between them."""
    donor = seeds[random.integers(len(seeds))]
    size = int(random.integers(1, 200))
    source = int(donor.structure[random.integers(len(donor.structure))])
    place, piece = _place(content, chosen, random, 4), donor.content[source : source + size]
    content[place : place + (len(piece) if random.random() < 0.7 else 0)] = piece


def _cut(content: bytearray, chosen: Seed, seeds: list[Seed], random: Random) -> None:
    """The end is missing, or a piece in the middle."""
    place = int(random.integers(len(content) + 1))
    del content[place : len(content) if random.random() < 0.7 else place + int(random.integers(1, 64))]


BYTE_WAYS: tuple[Callable[[bytearray, Seed, list[Seed], Random], None], ...] = (
    _flip,
    _flip,
    _word,
    _word,
    _nudge,
    _retarget,
    _retarget,
    _splice,
    _cut,
)


# ---- on the model, before it is written


def _rebuilt(chosen: Seed, random: Random) -> bytes | None:
    """The model with other tensors and operators; None where the builder cannot write it."""
    assert chosen.builder is not None
    model = copy.copy(chosen.builder)
    model.tensors, model.operators = list(model.tensors), list(model.operators)
    for _ in range(random.integers(1, 4)):
        MODEL_WAYS[random.integers(len(MODEL_WAYS))](model, random)
    inputs, outputs = list(chosen.inputs), list(chosen.outputs)
    if random.random() < 0.05:
        outputs += [int(random.integers(len(model.tensors)))]
    if random.random() < 0.05:
        inputs += [int(random.integers(len(model.tensors)))]
    try:
        return model.finish(inputs, outputs, subgraphs=2 if random.random() < 0.02 else 1)
    except (OverflowError, TypeError, struct.error, ValueError, AttributeError, MemoryError):
        return None


def _change(model: ModelBuilder, random: Random, **fields: Any) -> None:
    position = int(random.integers(len(model.tensors)))
    model.tensors[position] = replace(model.tensors[position], **fields)


def _shape(model: ModelBuilder, random: Random) -> None:
    """A size of one tensor, or of all activations that have it."""
    position = int(random.integers(len(model.tensors)))
    shape = list(model.tensors[position].shape)
    if not shape:
        return
    axis, size = int(random.integers(len(shape))), int(SIZES[random.integers(len(SIZES))])
    old = shape[axis]
    everywhere = random.random() < 0.5
    for index, tensor in enumerate(model.tensors):
        if index == position or (everywhere and tensor.data is None and len(tensor.shape) == len(shape)):
            model.tensors[index] = _resized(tensor, axis, old, size)


def _resized(tensor: Tensor, axis: int, old: int, size: int) -> Tensor:
    if axis >= len(tensor.shape) or tensor.shape[axis] != old:
        return tensor
    shape = (*tensor.shape[:axis], size, *tensor.shape[axis + 1 :])
    data = tensor.data
    if data is not None and 0 < np.prod(shape, dtype=float) < 1 << 16:
        data = (data * (int(np.prod(shape)) // max(1, int(np.prod(tensor.shape))) + 1))[: int(np.prod(shape))]
    return replace(tensor, shape=shape, data=data)


def _rank(model: ModelBuilder, random: Random) -> None:
    position = int(random.integers(len(model.tensors)))
    shape = model.tensors[position].shape
    other = ((1, *shape), shape[1:], shape[:-1], shape[::-1], ())[random.integers(5)]
    model.tensors[position] = replace(model.tensors[position], shape=other)


def _signature(model: ModelBuilder, random: Random) -> None:
    position = int(random.integers(len(model.tensors)))
    shape = model.tensors[position].shape
    signature = tuple(-1 if random.random() < 0.5 else size for size in shape)
    model.tensors[position] = replace(model.tensors[position], signature=signature)


def _quantisation(model: ModelBuilder, random: Random) -> None:
    scale = SCALES[random.integers(len(SCALES))]
    position = int(random.integers(len(model.tensors)))
    count = max(1, len(model.tensors[position].scales))
    zero = int(random.integers(-130, 130)) if random.random() < 0.5 else 0
    model.tensors[position] = replace(
        model.tensors[position], scales=(scale,) * count, zero_points=(zero,) * count
    )


def _type(model: ModelBuilder, random: Random) -> None:
    _change(model, random, dtype=DTYPES[random.integers(len(DTYPES))])


def _constness(model: ModelBuilder, random: Random) -> None:
    position = int(random.integers(len(model.tensors)))
    tensor = model.tensors[position]
    size = int(np.prod(tensor.shape, dtype=float).clip(0, 1 << 14))
    data = random.bytes(size * (4 if tensor.dtype == "int32" else 1)) if tensor.data is None else None
    model.tensors[position] = replace(tensor, data=data, variable=random.random() < 0.1)


def _constant(model: ModelBuilder, random: Random) -> None:
    """Other values in a constant."""
    for position in random.permutation(len(model.tensors)):
        tensor = model.tensors[position]
        if tensor.data is not None:
            if tensor.dtype == "int32":
                values = random.choice(np.array(SIZES), len(tensor.data) // 4).astype(np.int32).tobytes()
            else:
                values = random.bytes(len(tensor.data))
            model.tensors[position] = replace(tensor, data=values)
            return


def _operator(model: ModelBuilder, random: Random) -> None:
    """Another operator, with the same tensors and none, or some, of the options."""
    position = int(random.integers(len(model.operators)))
    names = [*OPTIONS, "QUANTIZE", "DEQUANTIZE", "LSTM", "WHILE", "CUSTOM:x", "RELU", "TILE", "FILL"]
    name = names[random.integers(len(names))]
    model.operators[position] = replace(model.operators[position], name=name, options={})


def _option(model: ModelBuilder, random: Random) -> None:
    position = int(random.integers(len(model.operators)))
    options = dict(model.operators[position].options or {})
    numbers = [name for name, value in options.items() if isinstance(value, int)]
    if numbers:
        options[numbers[random.integers(len(numbers))]] = int(SIZES[random.integers(len(SIZES))])
        model.operators[position] = replace(model.operators[position], options=options)


def _wires(model: ModelBuilder, random: Random) -> None:
    """Other inputs or outputs: swapped, missing, repeated, or of another tensor."""
    position = int(random.integers(len(model.operators)))
    operator = model.operators[position]
    inputs, outputs = list(operator.inputs), list(operator.outputs)
    which = inputs if random.random() < 0.7 else outputs
    way = random.integers(4)
    if way == 0 and which:
        which[random.integers(len(which))] = int(random.integers(-2, len(model.tensors) + 2))
    elif way == 1:
        which.append(int(random.integers(-1, len(model.tensors))))
    elif way == 2 and which:
        which.pop()
    else:
        which.reverse()
    model.operators[position] = replace(operator, inputs=tuple(inputs), outputs=tuple(outputs))


def _duplicate(model: ModelBuilder, random: Random) -> None:
    """Many copies of an operator, each with outputs of its own."""
    position = int(random.integers(len(model.operators)))
    operator = model.operators[position]
    copies = int(random.choice([1, 3, 200]))
    for _ in range(copies if random.random() < 0.3 else 1):
        fresh = []
        for output in operator.outputs:
            if 0 <= output < len(model.tensors):
                model.tensors.append(model.tensors[output])
                fresh.append(len(model.tensors) - 1)
        model.operators.insert(position, replace(operator, outputs=tuple(fresh)))


MODEL_WAYS: tuple[Callable[[ModelBuilder, Random], None], ...] = (
    _shape,
    _shape,
    _shape,
    _rank,
    _signature,
    _quantisation,
    _type,
    _constness,
    _constant,
    _operator,
    _option,
    _option,
    _wires,
    _duplicate,
)
