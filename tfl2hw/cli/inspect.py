"""`tfl2hw inspect`: what is in a model, what of it is refused and why, and which boards it fits."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from tfl2hw.boards import boards
from tfl2hw.cli.census import count_macs, weight_bytes
from tfl2hw.cli.options import Json, Model
from tfl2hw.cli.report import shape
from tfl2hw.cli.terminal import print_json, print_table, progress, say
from tfl2hw.codegen import Source
from tfl2hw.codegen.fits import fits
from tfl2hw.errors import ModelError
from tfl2hw.frontend import survey
from tfl2hw.ir.graph import Graph
from tfl2hw.ops import Verdict
from tfl2hw.passes import objections, review, settled


def inspect(model: Model, json: Json = False) -> None:
    """Show what is in MODEL, what of it is refused and why, and the boards that it fits.

    Exits with 2 where an operator, an input or the model as a whole is refused.
    """
    found = survey(model)
    verdicts, graph = review(found.graph), settled(found.graph)
    refusals = [*found.objections, *objections(found.graph)]
    refused = [verdict for verdict in verdicts if not verdict.accepted]
    accepted = not refused and not refusals
    fitting = _fits(model) if accepted else []
    layers = [_layer(graph, verdict) for verdict in verdicts]
    totals = {key: sum(layer[key] for layer in layers) for key in ("macs", "weight_bytes")}
    tensors = {"inputs": _tensors(graph, graph.inputs), "outputs": _tensors(graph, graph.outputs)}
    if json:
        facts = {"model": str(model), "accepted": accepted, "objections": refusals, **tensors, **totals}
        print_json({**facts, "operators": layers, "boards": fitting})
    else:
        _print(model, tensors, totals, layers, fitting)
        for sentence in refusals:
            say(f"refused: {sentence}")
    if not accepted:
        raise ModelError(_sentence(graph, refusals, refused))


def _layer(graph: Graph, verdict: Verdict) -> dict[str, Any]:
    operator = verdict.operator
    return {
        "index": operator.index,
        "op": operator.op,
        "inputs": [
            list(graph.tensors[i].shape)
            for i in operator.inputs
            if i >= 0 and not graph.tensors[i].is_constant
        ],
        "outputs": [list(graph.tensors[i].shape) for i in operator.outputs],
        "macs": count_macs(graph, operator),
        "weight_bytes": weight_bytes(graph, operator),
        "refused": list(verdict.reasons),
        "advice": verdict.advice,
    }


def _tensors(graph: Graph, indices: tuple[int, ...]) -> list[dict[str, Any]]:
    tensors = [graph.tensors[index] for index in indices]
    return [{"index": t.index, "name": t.name, "dtype": t.dtype, "shape": list(t.shape)} for t in tensors]


def _fits(model: Path) -> list[dict[str, Any]]:
    """Each board with predicted cycles and estimates, or with why the model does not fit."""
    rows = []
    with progress("fitting") as tell:
        for number, fit in enumerate(fits(Source(model)), 1):
            tell(f"fitting {fit.board.name}", number / len(boards()))
            compiled = fit.compiled
            rows.append({
                "board": fit.board.name,
                "fits": fit.refused is None,
                "predicted_cycles": compiled and compiled.predicted_cycles,
                "reason": fit.refused,
                "shape": compiled and shape(compiled),
                "estimated": None if fit.resources is None else asdict(fit.resources) | {"mhz": fit.mhz},
                "estimated_ms": fit.milliseconds,
            })
    return rows


def _sentence(graph: Graph, refusals: list[str], refused: list[Verdict]) -> str:
    """The first refusal in full, and how many operators more there are."""
    if not refused:
        return f"{graph.file}: {refusals[0]}"
    first = refused[0]
    more = f" (and {len(refused) - 1} more operators)" if len(refused) > 1 else ""
    return f"{graph.file}: operator {first.operator.index} {first.operator.op}: {first.sentence}{more}"


def _print(
    model: Path,
    tensors: dict[str, list[dict[str, Any]]],
    totals: dict[str, int],
    layers: list[dict[str, Any]],
    fitting: list[dict[str, Any]],
) -> None:
    rows = [
        (
            layer["index"],
            layer["op"],
            _shapes(layer["inputs"]),
            _shapes(layer["outputs"]),
            layer["macs"],
            layer["weight_bytes"],
            "; ".join(layer["refused"]) or "yes",
        )
        for layer in layers
    ]
    print_table(
        model.name, ("", "operator", "IFM", "OFM", "MACs", "weight bytes", "accepted"), rows, "r   rr"
    )
    for advice in dict.fromkeys(layer["advice"] for layer in layers if layer["advice"]):
        numbers = [layer["index"] for layer in layers if layer["advice"] == advice]
        say(f"operator{'s' if len(numbers) > 1 else ''} {_ranges(numbers)}: {advice}")
    for role, listed in tensors.items():
        for tensor in listed:
            what = f"{tensor['dtype']} {_shape(tensor['shape'])}"
            say(f"{role[:-1]} tensor {tensor['index']} '{tensor['name']}': {what}")
    say(f"{totals['macs']:,} MACs, {totals['weight_bytes']:,} bytes of weights and biases")
    if fitting:
        rows = [(fit["board"], "yes" if fit["fits"] else fit["reason"], *_figures(fit)) for fit in fitting]
        header = ("board", "fits", "array", "cycles", "LUT", "FF", "DSP", "block RAM", "MHz", "ms")
        print_table("", header, rows, "   rrrrrrr")
        say("Cycles, DSPs and block RAMs are exact; LUTs, FFs and the clock, and so the time, are estimates.")


def _figures(fit: dict[str, Any]) -> tuple[str | int | float | None, ...]:
    guess = fit["estimated"] or {}
    names = ("luts", "flip_flops", "dsps", "block_rams", "mhz")
    return (_array(fit), fit["predicted_cycles"], *map(guess.get, names), _decimals(fit["estimated_ms"]))


def _decimals(milliseconds: float | None) -> str | None:
    return None if milliseconds is None else f"{milliseconds:.3f}"


def _array(fit: dict[str, Any]) -> str | None:
    found = fit["shape"]
    return None if found is None else f"{found['lanes']} x {found['columns']}, Q = {found['requantizers']}"


def _shape(shape: list[int]) -> str:
    return "x".join(str(size) for size in shape) or "scalar"


def _shapes(shapes: list[list[int]]) -> str:
    return ", ".join(_shape(shape) for shape in shapes)


def _ranges(numbers: list[int]) -> str:
    """Ascending ``numbers``, runs of them as "3-7"."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][-1] == number - 1:
            runs[-1][1:] = [number]
        else:
            runs.append([number])
    return ", ".join("-".join(str(end) for end in run) for run in runs)
