"""Smaller models with the same fault: operators are left out, and what they made becomes an input."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tests.build_model import ModelBuilder
from tests.fuzz.chain import Chain, Fault, Target, Verdict
from tests.fuzz.plan import Case

Values = Sequence[Mapping[int, npt.NDArray[Any]]]


def shrink(chain: Chain, case: Case, verdict: Verdict, target: Target) -> tuple[Case, Fault]:
    """The smallest case found that has the fault of ``verdict``, and that fault as it shows there."""
    fault = verdict.fault
    assert fault is not None
    numerics = (fault.numerics,) if fault.numerics else case.numerics
    best, found = case, fault
    for fewer in (
        with_parts(case, list(range(len(case.model.operators))), verdict.expected, numerics),
        with_parts(best, list(range(len(case.model.operators))), verdict.expected, numerics, fault.sample),
    ):
        again = chain.check(fewer, target) if fewer is not None else None
        if fewer is not None and again is not None and _alike(again, fault):
            best, verdict = fewer, again
    size = max(1, len(best.model.operators) // 2)
    while True:
        smaller = _one_step(chain, best, verdict, fault, target, size)
        if smaller is not None:
            best, verdict = smaller
            size = min(size, max(1, len(best.model.operators) - 1))
        elif size == 1:
            break
        else:
            size //= 2
    found = verdict.fault if verdict.fault is not None else fault
    return best, found


def _one_step(
    chain: Chain, case: Case, verdict: Verdict, fault: Fault, target: Target, size: int
) -> tuple[Case, Verdict] | None:
    """The first case with ``size`` operators fewer that has the fault, from the end on."""
    count = len(case.model.operators)
    for end in range(count, 0, -size):
        kept = [n for n in range(count) if not max(0, end - size) <= n < end]
        smaller = with_parts(case, kept, verdict.expected, case.numerics)
        if smaller is None:
            continue
        again = chain.check(smaller, target)
        if _alike(again, fault):
            return smaller, again
    return None


def _alike(verdict: Verdict, fault: Fault) -> bool:
    return verdict.fault is not None and verdict.fault.kind == fault.kind


def with_parts(
    case: Case, kept: Sequence[int], values: Values, numerics: tuple[str, ...], sample: int | None = None
) -> Case | None:
    """``case`` with the ``kept`` operators alone, and one of its samples or all.

    An input that an operator left out would have made has the values that it had in ``values``, where there
    are any. None where nothing is left, or where an input would have more images than one.
    """
    operators = [case.model.operators[n] for n in kept]
    made = {tensor for operator in operators for tensor in operator.outputs}
    read = {tensor for operator in operators for tensor in operator.inputs if tensor >= 0}
    inputs = [t for t in sorted(read - made) if case.model.tensors[t].data is None]
    if not operators or any(case.model.tensors[t].shape[:1] != (1,) for t in inputs):
        return None
    outputs = sorted({t for t in made if t not in read} | (made & set(case.outputs)))
    order = sorted(read | made)
    model, index = ModelBuilder(), {tensor: n for n, tensor in enumerate(order)}
    model.tensors += [case.model.tensors[tensor] for tensor in order]
    for operator in operators:
        model.operators.append(
            type(operator)(
                name=operator.name,
                inputs=tuple(index.get(tensor, -1) for tensor in operator.inputs),
                outputs=tuple(index[tensor] for tensor in operator.outputs),
                options=operator.options,
            )
        )
    chosen = range(len(case.samples)) if sample is None else [sample]
    return Case(
        model=model,
        inputs=tuple(index[t] for t in inputs),
        outputs=tuple(index[t] for t in outputs),
        samples=[[_given(case, values, number, t) for t in inputs] for number in chosen],
        numerics=numerics,
    )


def _given(case: Case, values: Values, sample: int, tensor: int) -> npt.NDArray[Any]:
    """Values of a tensor in a sample: as given, as computed, or random where nothing was computed."""
    if tensor in case.inputs:
        return case.samples[sample][case.inputs.index(tensor)]
    if sample < len(values) and tensor in values[sample]:
        return np.asarray(values[sample][tensor]).astype(np.int8)
    shape = case.model.tensors[tensor].shape
    return np.random.default_rng(tensor).integers(-128, 128, shape).astype(np.int8)
