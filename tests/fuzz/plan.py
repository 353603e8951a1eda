"""A random model as a plan: a list of steps, each an operator and a seed. Steps can be left out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import strategies

from tests.build_model import ModelBuilder
from tests.fuzz.maker import LARGEST, CannotPlaceError, Maker
from tests.fuzz.table import BOTH, LITERT, ROWS, TFLM, rows_for
from tests.ops.agree import full_range

Samples = list[list[npt.NDArray[Any]]]
MOST_STEPS = 12
TARGETS = (BOTH, BOTH, LITERT, TFLM)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """``size`` is the largest side of an input; ``numerics`` the interpreters that have to run the model."""

    size: int
    numerics: tuple[str, ...]
    steps: tuple[tuple[str, int], ...]


@dataclass(frozen=True, kw_only=True)
class Case:
    """A model with inputs for it: for each sample an array an input."""

    model: ModelBuilder
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    samples: Samples
    numerics: tuple[str, ...]

    def write(self, path: Path) -> Path:
        path.write_bytes(self.model.finish(self.inputs, self.outputs))
        return path


def random_plan(seed: int, size: int | None = None) -> Plan:
    """The plan of number ``seed``."""
    random = np.random.default_rng(seed)
    numerics = TARGETS[random.integers(len(TARGETS))]
    rows = rows_for(numerics)
    weights = np.array([row.weight for row in rows.values()], float)
    count = int(random.integers(1, MOST_STEPS + 1))
    names = random.choice(list(rows), count, p=weights / weights.sum())
    side = int(random.choice([4, 8, 8, 12, LARGEST]))
    return Plan(
        size=side if size is None else size,
        numerics=numerics,
        steps=tuple((str(name), int(random.integers(1 << 31))) for name in names),
    )


@strategies.composite
def plans(draw: strategies.DrawFn) -> Plan:
    """Plans that shrink: to fewer steps, smaller inputs, seed 0."""
    numerics = draw(strategies.sampled_from((BOTH, LITERT, TFLM)))
    names = strategies.sampled_from(list(rows_for(numerics)))
    step = strategies.tuples(names, strategies.integers(0, (1 << 31) - 1))
    steps = draw(strategies.lists(step, min_size=1, max_size=MOST_STEPS))
    size = draw(strategies.integers(1, LARGEST))
    return Plan(size=size, numerics=numerics, steps=tuple(steps))


def build(plan: Plan, samples: int = 2) -> Case | None:
    """The model of ``plan``, its outputs and random inputs; None where no step makes anything.

    What no operator reads is an output, and so is some of the rest.
    """
    model = Maker(0, plan.size, plan.numerics)
    for name, seed in plan.steps:
        model.restart(seed)
        before = (len(model.tensors), len(model.operators), list(model.available), list(model.inputs))
        try:
            ROWS[name].place(model)
        except CannotPlaceError:
            del model.tensors[before[0] :]
            del model.operators[before[1] :]
            model.available, model.inputs = before[2], before[3]
    if not model.operators:
        return None
    read = {tensor for operator in model.operators for tensor in operator.inputs}
    made = [tensor for operator in model.operators for tensor in operator.outputs]
    outputs = tuple(tensor for tensor in made if tensor not in read or model.chance(0.1))
    given = [[_values(model, tensor, number) for tensor in model.inputs] for number in range(samples)]
    return Case(
        model=model,
        inputs=tuple(model.inputs),
        outputs=outputs,
        samples=given,
        numerics=plan.numerics,
    )


def _values(model: Maker, tensor: int, sample: int) -> npt.NDArray[Any]:
    """Values of an input: over the whole range in the first sample, then also special ones."""
    shape = model.shape(tensor)
    if tensor in model.indices:
        return model.random.integers(0, model.indices[tensor], shape).astype(np.int32)
    style = 0 if sample == 0 else model.whole(0, 5)
    if style in (1, 2, 3):
        value = (-128, 127, model.same(tensor)["zero_point"])[style - 1]
        return np.full(shape, value, np.int8)
    if style == 4:
        walk = np.cumsum(model.random.integers(-9, 10, int(np.prod(shape))))
        return np.clip(walk, -128, 127).astype(np.int8).reshape(shape)
    return full_range(model.random, shape)
