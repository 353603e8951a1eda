"""Failures that are kept: a model, inputs for it and a note, in tests/regressions."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from tests.fuzz.chain import Fault
from tests.fuzz.plan import Case, Samples

FOLDER = Path(__file__).resolve().parents[1] / "regressions"


def keep(case: Case, fault: Fault, origin: str, folder: Path = FOLDER) -> Path:
    """Write ``case`` as NAME.tflite, NAME.npz and NAME.txt; the model's path."""
    data = case.model.finish(case.inputs, case.outputs)
    op = (fault.op or case.model.operators[-1].name).lower()
    path = folder / f"{op}_{fault.link}_{hashlib.sha256(data).hexdigest()[:8]}.tflite"
    folder.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    arrays = {f"{n}_{place}": a for n, sample in enumerate(case.samples) for place, a in enumerate(sample)}
    np.savez_compressed(path.with_suffix(".npz"), **arrays)  # type: ignore[arg-type]
    chain = ", ".join(operator.name for operator in case.model.operators)
    last = fault.detail.strip().splitlines()[-1]
    note = f"{' '.join(case.numerics)}\n{origin}: {chain}\n{fault.link}, {fault.op or 'model'}: {last}\n"
    path.with_suffix(".txt").write_text(note)
    return path


def kept(folder: Path = FOLDER) -> list[Path]:
    """The models that are kept."""
    return sorted(folder.glob("*.tflite"))


def samples_of(path: Path) -> Samples:
    """The inputs of the model at ``path``."""
    with np.load(path.with_suffix(".npz")) as arrays:
        count = 1 + max(int(name.split("_")[0]) for name in arrays)
        width = len(arrays.files) // count
        return [[arrays[f"{n}_{place}"] for place in range(width)] for n in range(count)]


def numerics_of(path: Path) -> tuple[str, ...]:
    """The interpreters that the model at ``path`` is for."""
    return tuple(path.with_suffix(".txt").read_text().splitlines()[0].split())
