"""Cycles of real models on arrays of several shapes, beside the arithmetic limit and Arm's Ethos-U55.

``python bench/cycles.py [MODEL]... [--simulate] [--layers] [--check | --update] [--json]``

Without MODEL: every ``.tflite`` file in the folder that ``TFL2HW_MODELS`` names (default
``../shared/models``) and the digits example. The shapes 4x4, 8x8 and 16x8 are those of ``sim-large``,
whose memories hold every model and whose weights stay in the columns' banks; "4x4 streamed" is the
iCEBreaker. ``--simulate`` also runs one random input and checks that the predicted cycles are those
measured. ``--layers`` prints where each layer's cycles go. ``--check`` compares the cycles with those in
``bench/cycles.json``, exactly; ``--update`` writes them there.
"""

from __future__ import annotations

import json as json_format
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated

import typer

from tfl2hw.cli.inputs import random_samples
from tfl2hw.cli.options import Json
from tfl2hw.cli.report import Object, layers
from tfl2hw.cli.terminal import note, print_json, print_table, progress, say, short
from tfl2hw.codegen import Compiled, compile_model
from tfl2hw.codegen.account import LOSSES
from tfl2hw.errors import ModelError, Tfl2hwError
from tfl2hw.ops import Numerics
from tfl2hw.sim.inference import run_samples

ROOT = Path(__file__).resolve().parents[1]
DIGITS = ROOT / "examples" / "digits" / "digits_int8.tflite"

TABLE = Path(__file__).with_suffix(".json")
"""Cycles by model and shape, as they are known to be; null where a model is refused."""

SHAPES = (
    ("4x4 streamed", "icebreaker", 4, 4),
    ("4x4", "sim-large", 4, 4),
    ("8x8", "sim-large", 8, 8),
    ("16x8", "sim-large", 16, 8),
)

U55 = {
    ("kws_int8", 64): 137_709, ("kws_int8", 128): 87_678,
    ("resnet8_int8", 64): 356_303, ("resnet8_int8", 128): 184_083,
    ("vww_96_int8", 64): 355_816, ("vww_96_int8", 128): 210_256,
    ("ad01_int8", 64): 41_090, ("ad01_int8", 128): 40_929,
    ("sww_int8", 64): 34_054, ("sww_int8", 128): 28_629,
    ("person_detect_int8", 64): 355_441, ("person_detect_int8", 128): 203_959,
    ("mnv2_160_035", 64): 2_458_000, ("mnv2_160_035", 128): 1_294_000,
}  # fmt: skip
"""Arm's own estimate (vela 5.2.0, Ethos_U55_High_End_Embedded, Sram_Only) by model and MACs a cycle."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One model on one shape. ``limit`` is MACs divided by products a cycle; ``share`` limit / cycles.

    ``cycles`` and what follows from it are None where the model is refused, with ``refused`` the reason.
    ``simulated`` is None where nothing was simulated.
    """

    model: str
    shape: str
    macs: int | None
    limit: int | None
    cycles: int | None
    share: float | None
    u55: int | None
    simulated: int | None
    bit_exact: bool | None
    refused: str | None
    layers: list[Object] = field(default_factory=list)


def models(named: list[Path]) -> list[Path]:
    """Those named, or all that there are."""
    if named:
        return named
    folder = Path(os.environ.get("TFL2HW_MODELS", ROOT.parent / "shared" / "models"))
    found = sorted(folder.glob("*.tflite"))
    if not found:
        note(f"no .tflite file in {folder}: set TFL2HW_MODELS; only the digits example is measured")
    return [DIGITS, *found]


def measure(model: Path, shape: tuple[str, str, int, int], simulate: bool) -> Row:
    """The row of ``model`` on ``shape``."""
    name, board, lanes, columns = shape
    u55 = U55.get((model.stem, lanes * columns))
    try:
        compiled = compile_model(model, board, "litert-ref", lanes, columns)
    except Tfl2hwError as refusal:
        reason = str(refusal).removeprefix(f"{model}: ")
        return Row(
            model=model.stem, shape=name, macs=None, limit=None, cycles=None, share=None, u55=u55,
            simulated=None, bit_exact=None, refused=reason,
        )  # fmt: skip
    limit = -(-compiled.macs // (lanes * columns))
    simulated, bit_exact = _simulated(compiled, shape) if simulate else (None, None)
    cycles = compiled.predicted_cycles
    return Row(
        model=model.stem, shape=name, macs=compiled.macs, limit=limit, cycles=cycles, share=limit / cycles,
        u55=u55, simulated=simulated, bit_exact=bit_exact, refused=None, layers=layers(compiled),
    )  # fmt: skip


def _simulated(compiled: Compiled, shape: tuple[str, str, int, int]) -> tuple[int, bool]:
    """Cycles of one random input, and whether every tensor was the interpreter's.

    Where LiteRT refuses the model, TensorFlow Lite Micro is the oracle.
    """
    try:
        return _run(compiled, "litert-ref")
    except ModelError:
        _, board, lanes, columns = shape
        return _run(compile_model(compiled.file, board, "tflm", lanes, columns), "tflm")


def _run(compiled: Compiled, numerics: Numerics) -> tuple[int, bool]:
    (sample,) = random_samples(compiled.graph, 1, 0)
    result = run_samples(compiled, [sample.inputs], numerics, lambda text, done: None)
    return result.runs[0].cycles, not result.mismatches


def main(
    named: Annotated[list[Path] | None, typer.Argument(metavar="[MODEL]...", show_default=False)] = None,
    simulate: Annotated[bool, typer.Option("--simulate", help="Also run one random input each.")] = False,
    by_layer: Annotated[bool, typer.Option("--layers", help="Where each layer's cycles go.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Compare with the known cycles.")] = False,
    update: Annotated[bool, typer.Option("--update", help="Make these the known cycles.")] = False,
    json: Json = False,
) -> None:
    """Cycles of models on arrays of several shapes.

    Exits with 1 where a simulation, or with --check the table of known cycles, says otherwise.
    """
    rows = []
    with progress("compiling") as tell:
        for model in models(named or []):
            for shape in SHAPES:
                tell(f"{model.stem} on {shape[0]}", None)
                rows.append(measure(model, shape, simulate))
    wrong = [row for row in rows if row.simulated is not None and not _right(row)]
    if update:
        _write_table(rows)
    changed = _changed(rows) if check else []
    if json:
        print_json({"rows": [asdict(row) for row in rows], "wrong": len(wrong), "changed": changed})
    else:
        _print(rows, simulate)
        if by_layer:
            _print_layers(rows)
    for sentence in changed:
        note(sentence)
    raise typer.Exit(1 if wrong or changed else 0)


def _known() -> dict[str, dict[str, int | None]]:
    """Cycles by model and shape."""
    known: dict[str, dict[str, int | None]] = json_format.loads(TABLE.read_text())
    return known


def _write_table(rows: list[Row]) -> None:
    """Put ``rows`` in the place of what is known of their models."""
    known = _known() if TABLE.exists() else {}
    for row in rows:
        known.setdefault(row.model, {})[row.shape] = row.cycles
    TABLE.write_text(json_format.dumps(known, indent=2, sort_keys=True) + "\n")


def _changed(rows: list[Row]) -> list[str]:
    """A sentence for each row that is not as it is known to be."""
    known, changed = _known(), []
    for row in rows:
        shapes = known.get(row.model, {})
        if row.shape not in shapes:
            changed.append(f"{row.model} on {row.shape}: not in {TABLE.name}")
        elif shapes[row.shape] != row.cycles:
            before, now = (
                "refused" if count is None else f"{count:,} cycles"
                for count in (shapes[row.shape], row.cycles)
            )
            changed.append(f"{row.model} on {row.shape}: {now}, {TABLE.name} says {before}")
    return changed


def _right(row: Row) -> bool:
    return row.simulated == row.cycles and bool(row.bit_exact)


def _print(rows: list[Row], simulate: bool) -> None:
    header = ["model", "array", "MACs", "limit", "cycles", "limit / cycles", "U55, same MACs"]
    right = "  rrrrr"
    if simulate:
        header, right = [*header, "simulated", "as predicted, bit-exact"], right + "rr"
    cells = []
    for row in rows:
        if row.share is None:
            continue
        share = f"{row.share:.1%}"
        line: list[object] = [row.model, row.shape, row.macs, row.limit, row.cycles, share, row.u55]
        if simulate:
            line += [row.simulated, None if row.simulated is None else "yes" if _right(row) else "NO"]
        cells.append(line)
    print_table("Cycles an inference, from start to answer ready", header, cells, right)
    said = set()
    for row in rows:
        if row.refused is not None and (row.model, row.refused) not in said:
            said.add((row.model, row.refused))
            say(f"{row.model} on {row.shape}: {row.refused}")


def _print_layers(rows: list[Row]) -> None:
    """A table for each row: a column for each kind of loss that there is."""
    for row in rows:
        names = [name for name in LOSSES if any(layer["losses"][name] for layer in row.layers)]
        if not row.layers:
            continue
        cells = [
            (
                short(layer["name"], 24),
                layer["op"],
                layer["cycles"],
                layer["limit"],
                *(layer["losses"][name] or "" for name in names),
            )
            for layer in row.layers
        ]
        totals = [sum(layer[key] for layer in row.layers) for key in ("cycles", "limit")]
        sums = [sum(layer["losses"][name] for layer in row.layers) for name in names]
        header = ("layer", "operator", "cycles", "limit", *names)
        print_table(
            f"{row.model} on {row.shape}", header, [*cells, ("all", "", *totals, *sums)],
            "  rr" + "r" * len(names),
        )  # fmt: skip


if __name__ == "__main__":
    typer.run(main)
