"""What was compared with the interpreter, tensor by tensor and stage by stage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tfl2hw.codegen import Compiled

from .network import shape_of, tensor_name

if TYPE_CHECKING:
    from tfl2hw.sim.inference import Comparison
    from tfl2hw.sim.verify import StageResult


@dataclass(frozen=True, kw_only=True)
class TensorCheck:
    """A tensor in all samples: how many ``values`` were compared, and how many are ``different``.

    ``first`` is where and how the first of them differs.
    """

    index: int
    name: str
    shape: tuple[int, ...]
    values: int
    different: int
    first: str


@dataclass(frozen=True, kw_only=True)
class Simulated:
    """A simulation of ``samples`` inputs against ``numerics``; ``cycles`` is the most that one took."""

    numerics: str
    samples: int
    cycles: int
    tensors_checked: int
    tensors: tuple[TensorCheck, ...]

    @property
    def exact(self) -> bool:
        """Whether all values are the interpreter's."""
        return all(tensor.different == 0 for tensor in self.tensors)


@dataclass(frozen=True, kw_only=True)
class Verified:
    """The same vectors on one ``stage`` of a build, from pin to pin."""

    stage: str
    samples: int
    tensors_checked: int
    cycles: int | None
    exact: bool
    error: str | None


def simulated(compiled: Compiled, comparison: Comparison, numerics: str) -> Simulated:
    """What a simulation of ``compiled`` has shown."""
    outputs = compiled.graph.outputs
    checks: dict[int, TensorCheck] = {}
    found = [{**run.tensors, **dict(zip(outputs, run.outputs, strict=True))} for run in comparison.runs]
    for tensor in sorted({tensor for run in found for tensor in run}):
        different = [each for each in comparison.mismatches if each.tensor == tensor]
        checks[tensor] = TensorCheck(
            index=tensor,
            name=tensor_name(compiled, tensor),
            shape=shape_of(compiled, tensor),
            values=sum(int(run[tensor].size) for run in found if tensor in run),
            different=sum(each.values for each in different),
            first=f"sample {different[0].sample} {different[0].first}" if different else "",
        )
    return Simulated(
        numerics=numerics,
        samples=len(comparison.runs),
        cycles=max(run.cycles for run in comparison.runs),
        tensors_checked=comparison.tensors_checked,
        tensors=tuple(checks.values()),
    )


def verified(results: Sequence[StageResult]) -> tuple[Verified, ...]:
    """What `tfl2hw verify` has shown of a build."""
    return tuple(
        Verified(
            stage=result.stage,
            samples=result.samples,
            tensors_checked=result.tensors_checked,
            cycles=result.cycles,
            exact=result.exact,
            error=result.error,
        )
        for result in results
    )
