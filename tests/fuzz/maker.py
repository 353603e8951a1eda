"""A model that grows operator by operator out of random choices."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any, TypeVar

import numpy as np

from tests.ops.agree import NONE, RELU, RELU6, RELU_N1_TO_1, RandomModel

Shape = tuple[int, ...]
Fits = Callable[[Shape], bool]
Choice = TypeVar("Choice")

LARGEST = 24
MOST_CHANNELS = 40
LEAST_SCALE, GREATEST_SCALE = 1e-6, 1e4
SMALL_MAP, LARGE_MAP = 1_500, 12_000
"""Elements of a tensor: of most, and of one in sixteen."""


class CannotPlaceError(Exception):
    """No operator of this kind goes here: the step makes nothing."""


class Maker(RandomModel):
    """Tensors that operators may read, and random choices of everything.

    Parameters
    ----------
    seed : of the choices until `restart`.
    size : the largest side of a new input.
    numerics : the interpreters that have to run the model.

    ``available`` are the int8 tensors that operators may read; ``indices`` the inputs that are int32 indices,
    with how many things each tells apart.
    """

    def __init__(self, seed: int, size: int, numerics: tuple[str, ...]) -> None:
        super().__init__(seed)
        self.size = size
        self.numerics = numerics
        self.available: list[int] = []
        self.indices: dict[int, int] = {}

    def restart(self, seed: int) -> None:
        """Choices from ``seed`` on: what a step makes depends on no other step's choices."""
        self.random = np.random.default_rng(seed)

    def chance(self, probability: float) -> bool:
        return bool(self.random.random() < probability)

    def pick(self, choices: Sequence[Choice]) -> Choice:
        return choices[int(self.random.integers(len(choices)))]

    def whole(self, low: int, high: int) -> int:
        """A number from ``low`` to ``high``, both included."""
        return int(self.random.integers(low, high + 1))

    # quantisation

    def scale(self, low: float = 0.002, high: float = 0.2) -> float:
        """Most often in between; sometimes a power of two, or far away."""
        if self.chance(0.1):
            return float(2.0 ** self.whole(-9, -1))
        if self.chance(0.04):
            return super().scale(low / 20, high * 20)
        return super().scale(low, high)

    def zero(self) -> int:
        return self.pick([-128, 127, 0, 0, super().zero(), super().zero(), super().zero()])

    def near(self, scale: float) -> float:
        """A scale near ``scale``: equal, a power of two apart, some percent, or far."""
        factor = self.pick([
            1.0, 1.0, 0.5, 2.0,
            *(float(self.random.uniform(0.6, 1.7)) for _ in range(5)),
            float(np.exp(self.random.uniform(-4, 4))),
        ])  # fmt: skip
        return float(np.float32(np.clip(scale * factor, LEAST_SCALE, GREATEST_SCALE)))

    def same(self, tensor: int) -> dict[str, Any]:
        """The quantisation of a tensor, as keywords."""
        known = self.tensors[tensor]
        return {"scale": known.scales[0], "zero_point": known.zero_points[0]}

    # shapes

    def shape(self, tensor: int) -> Shape:
        return self.tensors[tensor].shape

    def side(self) -> int:
        """A side of a map."""
        return self.pick([1, self.whole(1, min(4, self.size)), self.whole(1, self.size), self.size])

    def channels(self) -> int:
        most = MOST_CHANNELS if self.size > 8 else 20
        return self.pick([1, self.whole(1, 4), self.whole(1, 9), self.whole(1, most), 8, 16])

    def new_shape(self, rank: int) -> Shape:
        """A shape whose batch is 1."""
        if rank == 1:
            return (1,)
        most = LARGE_MAP if self.chance(1 / 16) else SMALL_MAP
        shape = [1, *(self.side() for _ in range(rank - 2)), self.channels()]
        while prod(shape) > most:
            widest = shape.index(max(shape))
            shape[widest] = max(1, shape[widest] // 2)
        return tuple(shape)

    def limit(self, *shapes: Shape) -> None:
        """Refuse outputs beyond the largest map."""
        if any(prod(shape) > LARGE_MAP or min(shape, default=1) < 1 for shape in shapes):
            raise CannotPlaceError

    # tensors

    def source(self, ranks: Sequence[int] = (1, 2, 3, 4, 5), fits: Fits = lambda shape: True) -> int:
        """A tensor of one of the ranks: one that is there, the last ones more often, or a new input."""
        there = [t for t in self.available if len(self.shape(t)) in ranks and fits(self.shape(t))]
        if there and self.chance(0.9):
            last = min(int(self.random.geometric(0.4)), len(there))
            return there[-last]
        common = [rank for rank in ranks if rank > 1] or list(ranks)
        for _ in range(8):
            shape = self.new_shape(4 if 4 in ranks and self.chance(0.5) else self.pick(common))
            if self.chance(0.15):
                shape = (self.whole(2, 6), *shape[1:])
            if fits(shape):
                return self.entry(shape)
        raise CannotPlaceError

    def entry(self, shape: Shape, **quantisation: Any) -> int:
        """A new input of ``shape``, reshaped where that has more images than one: inputs may not."""
        if shape[:1] == (1,):
            return self.added(self.input(shape, **quantisation))
        flat = self.input((1, *shape), **quantisation)
        made = self.tensor(shape, **self.same(flat))
        self.operator("RESHAPE", [flat, self.numbers(shape)], [made], NewShape=shape)
        return self.added(made)

    def partner(self, shape: Shape, **quantisation: Any) -> int:
        """Another tensor of ``shape``, of this quantisation where one is given."""
        there = [
            t
            for t in self.available
            if self.shape(t) == shape and (not quantisation or self.same(t) == quantisation)
        ]
        if there and self.chance(0.8):
            return self.pick(there)
        return self.entry(shape, **quantisation)

    def added(self, tensor: int) -> int:
        self.available.append(tensor)
        return tensor

    def numbers(self, values: Any, dtype: str = "int32") -> int:
        """A constant of integers."""
        array = np.array(values, dtype)
        return self.tensor(array.shape, data=array)

    def constant(self, shape: Shape, **quantisation: Any) -> int:
        """An int8 constant."""
        return self.activation(shape, data=self.values(shape), **quantisation)

    def values(self, shape: Shape) -> Any:
        """Weights: random, few of them not 0, or all alike."""
        anything = self.random.integers(-128, 128, shape)
        small = np.clip(np.round(self.random.normal(0, 30, shape)), -127, 127)
        return np.asarray(
            self.pick([
                anything,
                anything,
                small,
                small,
                np.where(self.random.random(shape) < 0.1, anything, 0),
                np.full(shape, self.pick([-128, -127, 127, 1, 0, -1])),
            ])
        ).astype(np.int8)

    def apply(
        self, name: str, inputs: Sequence[int], *shapes: Shape, like: int | None = None, **options: Any
    ) -> None:
        """An operator that moves bytes: outputs with the quantisation of ``like`` (the first input)."""
        self.limit(*shapes)
        known = self.same(inputs[0] if like is None else like)
        made = [self.tensor(shape, **known) for shape in shapes]
        self.operator(name, inputs, made, **options)
        self.available += made

    def compute(self, name: str, inputs: Sequence[int], shape: Shape, **options: Any) -> None:
        """An operator with one output, whose quantisation stands in ``options`` as for `tensor`."""
        self.limit(shape)
        known = {key: options.pop(key) for key in ("scale", "zero_point") if key in options}
        ofm = self.activation(shape, **known)
        self.operator(name, inputs, [ofm], **options)
        self.added(ofm)

    def fused(self) -> dict[str, int]:
        """A fused activation."""
        return {"FusedActivationFunction": self.pick([NONE, NONE, RELU, RELU6, RELU_N1_TO_1])}
