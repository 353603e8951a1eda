"""The objects that `--json` prints, and the tables and sentences of the rest take their figures from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tfl2hw.codegen import Compiled
from tfl2hw.codegen.bitstream import BuildResult
from tfl2hw.runtime.session import Answer
from tfl2hw.sim.inference import Comparison
from tfl2hw.sim.verify import StageResult

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


def verification(compiled: Compiled, results: list[StageResult]) -> Object:
    """What `verify --json` prints."""
    return {
        "stages": [
            {
                "stage": result.stage,
                "bit_exact": result.exact,
                "samples": result.samples,
                "tensors_checked": result.tensors_checked,
                "mismatches": sum(mismatch.values for mismatch in result.mismatches),
                "cycles": result.cycles,
                "seconds": round(result.seconds, 1),
                "error": result.error,
            }
            for result in results
        ],
        "bit_exact": all(result.exact for result in results),
        "predicted_cycles": compiled.predicted_cycles,
        "numerics": compiled.network.numerics,
    }


def answer(result: Answer, outputs: list[Any], clock_mhz: float) -> Object:
    """What `run --json` prints."""
    return {
        "outputs": [output.tolist() for output in outputs],
        "cycles": result.cycles,
        "latency_ms": milliseconds(result.cycles, clock_mhz),
    }


def milliseconds(cycles: int, mhz: float) -> float:
    """How long ``cycles`` take."""
    return cycles / mhz / 1e3


def _name(compiled: Compiled, tensor: int) -> str:
    """A tensor's name; those that the compiler added have none."""
    known = compiled.graph.tensors.get(tensor)
    return f"tensor {tensor}" if known is None else known.name
