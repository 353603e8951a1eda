"""What the classes are called, and what a model says of an input."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy.typing as npt

from tfl2hw.errors import UsageError
from tfl2hw.ir.graph import Graph
from tfl2hw.passes.legalise import INDEX_TYPES
from tfl2hw.passes.uses import writer

Array = npt.NDArray[Any]
WORD_AND_CLASS = re.compile(r".+_([A-Za-z]+)_(\d+)$")
"""The end of a file name like ``kws_down_0``: a word and the number of its class."""

SHOWN = 8
"""Values that are printed of an answer that is no class."""


def class_names(graph: Graph, labels: Path | None, inputs: Sequence[Path]) -> dict[int, str]:
    """The name of each class, as far as anything tells: --labels, labels.txt, the inputs' names.

    Raises
    ------
    UsageError : --labels names a file that is missing, or of another length than the output.
    """
    size = _classes(graph)
    if labels is not None:
        names = _read(labels)
        if len(names) != size:
            raise UsageError(f"{labels}: {len(names)} labels; the output of {graph.file} has {size} classes")
        return dict(enumerate(names))
    beside = Path(graph.file).parent / "labels.txt"
    if beside.is_file() and len(names := _read(beside)) == size:
        return dict(enumerate(names))
    return names_from_files(inputs, size)


def names_from_files(inputs: Sequence[Path], size: int) -> dict[int, str]:
    """Class names from file names that end in WORD_CLASS; none where they contradict each other."""
    names: dict[int, str] = {}
    for file in inputs:
        match = WORD_AND_CLASS.match(file.stem)
        if match is None:
            continue
        word, number = match[1], int(match[2])
        if number >= size or names.setdefault(number, word) != word:
            return {}
    return names if len(set(names.values())) == len(names) else {}


def what_it_says(graph: Graph, outputs: Sequence[Array], names: dict[int, str]) -> str:
    """What the outputs say: the class where the model classifies, else the first values."""
    scores = outputs[0].reshape(-1)
    indices = graph.tensors[graph.outputs[0]].dtype in INDEX_TYPES
    if len(outputs) > 1 or indices or not (names or _classifies(graph)):
        return "; ".join(_first(output.reshape(-1)) for output in outputs)
    best = int(scores.argmax())
    return f"{names[best]} (class {best})" if best in names else f"class {best}"


def _first(values: Array) -> str:
    shown = " ".join(f"{value:.4g}" for value in values[:SHOWN].tolist())
    return f"{shown} ... ({len(values)} values)" if len(values) > SHOWN else shown


def _read(file: Path) -> list[str]:
    try:
        return [line.strip() for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file}: not a readable text file with a label a line ({error})") from error


def _classes(graph: Graph) -> int:
    shape = graph.tensors[graph.outputs[0]].shape
    return shape[-1] if shape else 1


def _classifies(graph: Graph) -> bool:
    last = writer(graph, graph.outputs[0])
    while last is not None and last.op in ("DEQUANTIZE", "QUANTIZE"):
        last = writer(graph, last.inputs[0])
    return last is not None and last.op in ("SOFTMAX", "LOG_SOFTMAX")
