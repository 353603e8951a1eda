"""The objects that `--json` prints, and the tables and sentences of the rest take their figures from."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tfl2hw.api import Benchmark, Inference
from tfl2hw.codegen import Compiled
from tfl2hw.codegen.bitstream import BuildResult
from tfl2hw.sim.inference import Comparison

Object = dict[str, Any]


def layers(compiled: Compiled) -> list[Object]:
    """Name (that of the tensor that it makes), operator, cycles and MACs of each layer."""
    cycles = compiled.cycles.layers()
    return [
        {
            "name": _name(compiled, layer.outputs[-1]),
            "op": layer.op,
            "cycles": count,
            "macs": layer.macs,
        }
        for layer, count in zip(compiled.schedule.layers, cycles, strict=True)
    ]


def simulation(compiled: Compiled, comparison: Comparison, numerics: str) -> Object:
    """What `simulate --json` prints. ``cycles`` is the most that any sample took."""
    cycles = max(run.cycles for run in comparison.runs)
    rate = compiled.macs / cycles
    return {
        "cycles": cycles,
        "macs": compiled.macs,
        "macs_per_cycle": rate,
        "utilization": rate / (compiled.config.lanes * compiled.config.columns),
        "predicted_cycles": compiled.predicted_cycles,
        "bit_exact": not comparison.mismatches,
        "tensors_checked": comparison.tensors_checked,
        "mismatches": sum(mismatch.values for mismatch in comparison.mismatches),
        "samples": len(comparison.runs),
        "numerics": numerics,
        "layers": layers(compiled),
    }


def compilation(compiled: Compiled, files: list[Path]) -> Object:
    """What `compile --json` prints."""
    return {
        "predicted_cycles": compiled.predicted_cycles,
        "macs": compiled.macs,
        "files": [str(file) for file in files],
        "layers": layers(compiled),
    }


def build(compiled: Compiled, result: BuildResult) -> Object:
    """What `build --json` prints."""
    return {
        "bitstream": str(result.bitstream),
        "fmax_mhz": result.fmax_mhz,
        "target_mhz": result.target_mhz,
        "meets_timing": result.meets_timing,
        "resources": {
            name: {"used": used, "available": available}
            for name, (used, available) in result.resources.items()
        },
        "predicted_cycles": compiled.predicted_cycles,
        "latency_ms": milliseconds(compiled.predicted_cycles, result.target_mhz),
    }


def answer(answers: Sequence[Inference], clock_mhz: float, *, benchmark: bool) -> Object:
    """What `run --json` prints of equal answers. The first, which may have waited for loads, is not timed."""
    first = answers[0]
    facts: Object = {
        "outputs": [output.tolist() for output in first.outputs],
        "cycles": first.cycles,
        "latency_ms": milliseconds(first.cycles, clock_mhz),
    }
    if benchmark:
        timed = [each.seconds for each in answers[1:] or answers]
        measured = Benchmark(
            runs=len(timed),
            cycles=first.cycles,
            compute_ms=facts["latency_ms"],
            total_ms=1e3 * statistics.median(timed),
        )
        facts |= {
            "runs": measured.runs,
            "total_ms": measured.total_ms,
            "link_share": measured.link_share,
            "per_second": measured.per_second,
        }
    return facts


def milliseconds(cycles: int, mhz: float) -> float:
    """How long ``cycles`` take."""
    return cycles / mhz / 1e3


def _name(compiled: Compiled, tensor: int) -> str:
    """A tensor's name; those that the compiler added have none."""
    known = compiled.graph.tensors.get(tensor)
    return f"tensor {tensor}" if known is None else known.name
