"""`tfl2hw build --reuse`: the weights of another training in a bitstream that is there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from tfl2hw.boards import get
from tfl2hw.cli.store import MODEL, Settings, keep, kept_settings
from tfl2hw.codegen import Compiled
from tfl2hw.codegen.bitstream import BuildResult
from tfl2hw.codegen.compile import Source
from tfl2hw.codegen.reuse import ADVICE, read_result, reuse_bitstream
from tfl2hw.codegen.tools import Progress
from tfl2hw.codegen.write import board_core, write_files
from tfl2hw.errors import DoesNotFit, ModelError, UsageError
from tfl2hw.report.files import DATA


def check_options(directory: Path, board: str | None, numerics: str, others: object) -> None:
    """Raise UsageError for options that say otherwise than the build in ``directory``."""
    settings = kept_settings(directory)
    for name, wanted, has in (
        ("board", board, settings.board),
        ("numerics", None if numerics == "litert-ref" else numerics, settings.numerics),
    ):
        if wanted not in (None, has):
            raise UsageError(f"--{name} {wanted}: the build in {directory} is for {has}; {ADVICE}.")
    if others:
        raise UsageError(
            "--reuse takes array, clock and seeds from the build that it reuses: leave --lanes, --columns, "
            "--multiplier, --clock, --seeds and --reusable away."
        )


def reuse_build(model: Path, old: Path, output: Path, tell: Progress) -> tuple[Compiled, BuildResult]:
    """Build ``model`` from the build in ``old`` into ``output``.

    Raises
    ------
    UsageError : the two differ in more than memory contents; the sentence says in what.
    """
    settings = kept_settings(old)
    read_result(old, get(settings.board))
    _check_structure(model, old, settings)
    settings = replace(settings, core=_kept_core(old))
    compiled = _fitted(model, old, settings)
    if compiled.witness is None and not compiled.config.loads:
        raise UsageError(
            f"{old}: the core built there has no free word to tell whose weights it holds; {ADVICE}, with "
            "--reusable if more trainings are to come"
        )
    result = reuse_bitstream(
        lambda: board_core(compiled),
        compiled.board,
        old,
        output,
        tell,
        mhz=settings.clock_mhz,
    )
    write_files(compiled, output, verilog=False)
    keep(model, settings, output)
    return compiled, result


def _kept_core(old: Path) -> dict[str, object]:
    """The configuration of the core built in ``old``."""
    if not (old / DATA).is_file():
        raise UsageError(f"{old}: there is no build to reuse ({DATA} is missing); {ADVICE}")
    core: dict[str, object] = json.loads((old / DATA).read_text())["core"]
    return core | {"multiplier": "generic"}  # which the board's own replaces


def _fitted(model: Path, old: Path, settings: Settings) -> Compiled:
    try:
        return settings.compile(model)
    except (DoesNotFit, ModelError) as problem:
        why = str(problem).removesuffix("; choose a smaller model.").removesuffix(".")
        raise UsageError(
            f"{old}: the core built there cannot take the new weights "
            f"({why}); {ADVICE}, with --reusable if more trainings are to come"
        ) from problem


def _check_structure(model: Path, old: Path, settings: Settings) -> None:
    """Raise UsageError where the two models are not made alike."""
    ours, theirs = (list(_structure(Source(path, settings.numerics))) for path in (model, old / MODEL))
    for mine, other in zip(ours, theirs, strict=False):
        if mine != other:
            raise UsageError(f"{model}: it has {mine} where the model in {old} has {other}; {ADVICE}")
    if len(ours) != len(theirs):
        raise UsageError(
            f"{model}: its structure has {len(ours)} parts, that in {old} {len(theirs)}; {ADVICE}"
        )


def _structure(source: Source) -> Iterator[str]:
    """Descriptions of inputs, operators and outputs, and of what the hardware makes of them."""
    graph, network = source.graph, source.network
    for what, indices in (("input", graph.inputs), ("output", graph.outputs)):
        for index in indices:
            tensor = graph.tensors[index]
            yield f"the {what} {tensor.dtype} {list(tensor.shape)}"
    for primitive in network.primitives:
        yield f"a {type(primitive).__name__} in operator {primitive.op_index}"
    for shape in network.shapes.values():
        yield f"a feature map of {list(shape)}"
