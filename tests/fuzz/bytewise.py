"""Rows of the table: operators of one or two operands element by element, and of rows."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import numpy as np
import tflite

from tests.fuzz.maker import CannotPlaceError, Maker, Shape

FIXED = {
    "LOGISTIC": (1 / 256, -128),
    "TANH": (1 / 128, 0),
    "SOFTMAX": (1 / 256, -128),
    "LOG_SOFTMAX": (1 / 16, 127),
    "L2_NORMALIZATION": (1 / 128, 0),
}
"""The quantisation that TFLite wants of these outputs."""


def unary(name: str) -> Callable[[Maker], None]:
    """An operator that maps each byte, with an output scale near the input's or one of its own."""

    def place(model: Maker) -> None:
        ifm = model.source()
        scale = model.same(ifm)["scale"]
        made = model.near(scale) if model.chance(0.7) else model.scale()
        fields = {}
        if name == "LEAKY_RELU":
            fields = {"Alpha": float(np.float32(model.pick([0.0, 0.01, 0.3, 1.0, 1.7])))}
        if name == "GELU":
            fields = {"Approximate": model.chance(0.5)}
        zero = model.zero()
        if name in FIXED:
            made, zero = FIXED[name]
        model.compute(name, [ifm], model.shape(ifm), scale=made, zero_point=zero, **fields)

    return place


def root(name: str) -> Callable[[Maker], None]:
    """An operator of operands from 0 on: zero point -128."""

    def place(model: Maker) -> None:
        fitting = [t for t in model.available if model.same(t)["zero_point"] == -128]
        if fitting and model.chance(0.8):
            ifm = model.pick(fitting)
        else:
            ifm = model.added(model.input(model.new_shape(4), zero_point=-128))
        model.compute(name, [ifm], model.shape(ifm))

    return place


def rows(name: str, ranks: tuple[int, ...] = (2, 3, 4), deepest: int = 400) -> Callable[[Maker], None]:
    """An operator of the last axis with the shape of its operand and a quantisation of its own."""

    def place(model: Maker) -> None:
        ifm = model.source(ranks, lambda shape: shape[-1] <= deepest)
        scale, zero = FIXED[name]
        fields = {"Beta": model.pick([1.0, 1.0, 0.5, 2.0])} if name == "SOFTMAX" else {}
        model.compute(name, [ifm], model.shape(ifm), scale=scale, zero_point=zero, **fields)

    return place


def arg(name: str) -> Callable[[Maker], None]:
    """The index of the greatest or least of the last axis; nothing reads it."""

    def place(model: Maker) -> None:
        ifm = model.source((2, 3, 4))
        shape = model.shape(ifm)
        axis = model.numbers([model.pick([-1, len(shape) - 1])])
        ofm = model.tensor(shape[:-1], dtype="int32")
        model.operator(name, [ifm, axis], [ofm], OutputType=tflite.TensorType.INT32)

    return place


def broadcast_partner(model: Maker, shape: Shape, *, constant: bool) -> Shape:
    """A shape that broadcasts with ``shape``: equal, with axes of 1, or (of a constant) shorter."""
    if model.chance(0.45):
        return shape
    thin = tuple(size if model.chance(0.5) else 1 for size in shape)
    if not constant:
        return (1, *thin[1:])
    return model.pick([thin, shape[-1:], (1,), (), shape[1:]])


def operands(model: Maker) -> tuple[list[int], Shape]:
    """Two operands that broadcast, one perhaps a constant, and the shape of both together."""
    first = model.source()
    shape = model.shape(first)
    constant = model.chance(0.3)
    other = broadcast_partner(model, shape, constant=constant)
    known = model.same(first) if model.chance(0.2) else {}
    if constant:
        second = model.constant(other, scale=model.near(model.same(first)["scale"]))
    else:
        second = first if model.chance(0.05) else model.partner(other, **known)
    inputs = [first, second]
    return (inputs[::-1] if model.chance(0.5) else inputs), np.broadcast_shapes(shape, model.shape(second))


def binary(name: str) -> Callable[[Maker], None]:
    """An operator of two operands whose output scale follows from theirs."""

    def place(model: Maker) -> None:
        inputs, shape = operands(model)
        scales = [model.same(tensor)["scale"] for tensor in inputs]
        full = scales[0] * scales[1] * 60 if name == "MUL" else max(scales)
        fields = model.fused() if name in ("ADD", "SUB", "MUL") else {}
        model.compute(name, inputs, shape, scale=model.near(full), **fields)

    return place


def squared_difference(model: Maker) -> None:
    """Operands with one scale, or one of them a single constant."""
    first = model.source()
    known = model.same(first)
    if model.chance(0.3):
        second = model.constant(model.pick([(), (1,)]), scale=model.near(known["scale"]))
    else:
        second = model.partner(broadcast_partner(model, model.shape(first), constant=False), **known)
    shape = np.broadcast_shapes(model.shape(first), model.shape(second))
    wide = known["scale"] ** 2 * 1000
    model.compute("SQUARED_DIFFERENCE", [first, second], shape, scale=model.near(wide))


def divided(model: Maker) -> None:
    """A division by one constant that is not 0."""
    ifm = model.source()
    value = int(model.random.integers(-127, 128))
    divisor = model.activation(
        model.pick([(), (1,)]),
        data=np.array(value, np.int8),
        scale=model.scale(0.005, 0.05),
        zero_point=-128,
    )
    quotient = model.same(ifm)["scale"] / (model.tensors[divisor].scales[0] * (value + 128))
    model.compute("DIV", [ifm, divisor], model.shape(ifm), scale=model.near(quotient), **model.fused())


def prelu(model: Maker) -> None:
    """Factors that are constants, one a channel or of a shape that broadcasts."""
    ifm = model.source((2, 3, 4, 5))
    shape = model.shape(ifm)
    factors = model.pick([shape[-1:], (1,) * (len(shape) - 2) + shape[-1:], shape[1:], (1,)])
    if prod(factors) > 2000:
        raise CannotPlaceError
    alpha = model.constant(factors, scale=model.scale(0.002, 0.02))
    model.compute("PRELU", [ifm, alpha], shape, scale=model.near(model.same(ifm)["scale"]))
