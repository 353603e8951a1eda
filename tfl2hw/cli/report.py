"""The objects that `--json` prints, and the tables and sentences of the rest take their figures from."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tfl2hw.api import Benchmark, Inference
from tfl2hw.cli.terminal import print_table, say
from tfl2hw.codegen import Compiled
from tfl2hw.codegen.bitstream import BuildResult
from tfl2hw.codegen.search import Search
from tfl2hw.report.report import Report
from tfl2hw.runtime.flash import boot_contents, boot_cycles
from tfl2hw.sim.inference import Comparison
from tfl2hw.sim.oracle import custom_operators
from tfl2hw.sim.verify import StageResult

Object = dict[str, Any]


def layers(compiled: Compiled) -> list[Object]:
    """Name (that of the tensor that it makes), operator, MACs and cycles of each layer, and where they go.

    ``limit`` and ``losses`` sum to ``cycles``; ``why`` has the largest losses in words.
    """
    return [
        {
            "name": _name(compiled, layer.outputs[-1]),
            "op": layer.op,
            "cycles": account.cycles,
            "macs": layer.macs,
            "limit": account.limit,
            "losses": account.losses,
            "why": account.why(),
        }
        for layer, account in zip(compiled.schedule.layers, compiled.accounts(), strict=True)
    ]


def shape(compiled: Compiled) -> Object:
    """The core's array, and how it was chosen: ``search`` is None where it was given."""
    config = compiled.config
    return {
        "lanes": config.lanes,
        "columns": config.columns,
        "requantizers": config.requantizers,
        "search": None if compiled.search is None else _search(compiled.search),
    }


def _search(search: Search) -> Object:
    """Every shape considered: exact cycles, estimates, and why it does not fit."""
    return {
        "seconds": round(search.seconds, 3),
        "considered": [
            {
                **asdict(each.shape),
                "cycles": each.cycles,
                "expected_mhz": each.mhz,
                "expected_ms": each.milliseconds,
                "resources": None if each.resources is None else asdict(each.resources),
                "refused": each.refused,
                "chosen": each is search.chosen,
            }
            for each in search.considered
        ],
    }


def _reason(refused: str) -> str:
    """A refusal without the advice behind it."""
    return refused.partition(";")[0].partition(". Choose")[0]


def print_search(compiled: Compiled) -> None:
    """What was chosen of what was considered, a row for each lanes x columns; nothing without a search."""
    search = compiled.search
    if search is None:
        return
    rows = [
        (
            f"{each.shape.lanes} x {each.shape.columns}",
            each.shape.requantizers,
            each.cycles,
            None if each.milliseconds is None else f"{each.milliseconds:.3f}",
            *((None, None) if each.resources is None else (each.resources.luts, each.resources.dsps)),
            "chosen" if each is search.chosen else "fits" if each.refused is None else _reason(each.refused),
        )
        for each in search.by_array()
    ]
    header = ("lanes x columns", "requantizers", "cycles", "expected ms", "LUTs", "DSPs", "")
    print_table(f"Shapes for {compiled.file.name} on {compiled.board.name}", header, rows, " rrrrr ")
    say(
        f"{search.chosen.shape}: the least latency of {len(search.considered)} shapes; "
        "LUTs and ms are estimates, --lanes and --columns override"
    )


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
        "custom_operators": custom_operators(compiled.graph),
        "layers": layers(compiled),
        "shape": shape(compiled),
    }


def compilation(compiled: Compiled, files: list[Path]) -> Object:
    """What `compile --json` prints."""
    return {
        "predicted_cycles": compiled.predicted_cycles,
        "macs": compiled.macs,
        "files": [str(file) for file in files],
        "layers": layers(compiled),
        "shape": shape(compiled),
    }


def build(compiled: Compiled, result: BuildResult) -> Object:
    """What `build --json` prints."""
    return bitstream(result) | {
        "predicted_cycles": compiled.predicted_cycles,
        "latency_ms": milliseconds(compiled.predicted_cycles, result.target_mhz),
        "shape": shape(compiled),
    }


def flash(compiled: Compiled, file: Path | None, mhz: float) -> Object:
    """What `build --json` prints of the flash's image in ``file``, None where there is none."""
    if file is None:
        return {"flash": None, "boot_ms": None}
    return {"flash": str(file), "boot_ms": milliseconds(boot_cycles(boot_contents(compiled)), mhz)}


def bitstream(result: BuildResult) -> Object:
    """What `build --json` prints of any bitstream."""
    return {
        "bitstream": str(result.bitstream),
        "fmax_mhz": result.fmax_mhz,
        "target_mhz": result.target_mhz,
        "meets_timing": result.meets_timing,
        "seed": result.seed,
        "resources": {
            name: {"used": used, "available": available}
            for name, (used, available) in result.resources.items()
        },
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


def figures(report: Report, pages: Sequence[Path]) -> Object:
    """Where report.html is, and every figure that it shows: what stands in report.json."""
    (page,) = (file for file in pages if file.suffix == ".html")
    return {"report": str(page), "figures": report.as_json()}


def milliseconds(cycles: int, mhz: float) -> float:
    """How long ``cycles`` take."""
    return cycles / mhz / 1e3


def _name(compiled: Compiled, tensor: int) -> str:
    """A tensor's name; those that the compiler added have none."""
    known = compiled.graph.tensors.get(tensor)
    return f"tensor {tensor}" if known is None else known.name
