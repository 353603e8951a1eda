"""The model and its labels in the folder of a build, where `tfl2hw run` finds them again."""

from __future__ import annotations

import shutil
from pathlib import Path

from tfl2hw.errors import UsageError
from tfl2hw.frontend import load
from tfl2hw.ir.graph import Graph

MODEL = "model.tflite"
LABELS = "labels.txt"


def keep_model(model: Path, directory: Path) -> list[Path]:
    """Copy the model, and labels.txt from beside it, into ``directory``; the files written."""
    directory.mkdir(parents=True, exist_ok=True)
    sources = {MODEL: model, LABELS: model.parent / LABELS}
    present = {directory / name: source for name, source in sources.items() if source.is_file()}
    for target, source in present.items():
        if not (target.exists() and target.samefile(source)):
            shutil.copyfile(source, target)
    return list(present)


def kept_model(directory: Path) -> Graph:
    """The model that ``directory`` was built from.

    Raises
    ------
    UsageError : there is no build in ``directory``.
    """
    model = directory / MODEL
    if not model.is_file():
        raise UsageError(
            f"{directory}: no build there ({MODEL} is missing); `tfl2hw build MODEL -o DIR` makes one"
        )
    return load(model)
