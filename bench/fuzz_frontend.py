"""Broken models by the thousand: each is taken, or refused in a sentence, quickly and in bounded memory.

``python bench/fuzz_frontend.py [--count 20000] [--seed S] [--keep DIR]``

Models are made of the small ones of the tests and the real ones in ``TFL2HW_MODELS``, by
``mutations.py``. Each goes through load, review and lower, and a share of the small accepted ones through
the whole compiler for sim-large. What raises anything but a Tfl2hwError, takes longer than SLOW_SECONDS
or grows the process by more than GROWTH_BYTES is kept in tests/frontend/regressions (or DIR), which the
tests replay. Exits with 1 if there was any such file.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, TypeVar

import numpy as np
import typer

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # for tests/, which is not installed

from mutations import Seed, built_seed, mutated, seed

from tests.edge_models import converted_edges, dynamic
from tests.small_models import SmallModel, add_convolutions, add_network, add_vectors
from tfl2hw.codegen import compile_model
from tfl2hw.errors import Tfl2hwError
from tfl2hw.frontend import load, survey
from tfl2hw.ops import Verdict
from tfl2hw.passes import lower, objections, review

ROOT = Path(__file__).resolve().parents[1]
REGRESSIONS = ROOT / "tests" / "frontend" / "regressions"
BATCH = 250
SLOW_SECONDS = 5.0
KILL_SECONDS = 60
GROWTH_BYTES = 1 << 29
ADDRESS_SPACE = 6 << 30
COMPILED_SHARE = 0.3
COMPILED_BYTES = 60_000
COMPILED_OPERATORS = 60
T = TypeVar("T")


@dataclass
class Batch:
    """What became of some files; ``failures`` are (number, what)."""

    files: int = 0
    accepted: int = 0
    compiled: int = 0
    refused: int = 0
    failures: list[tuple[int, str]] = field(default_factory=list)
    slowest: float = 0.0
    peak: int = 0


def seeds() -> list[Seed]:
    """The sound models: small ones, which weigh more, and the real ones."""
    found = []
    for number, parts in enumerate((add_network, add_convolutions, add_vectors)):
        model = SmallModel(number)
        made = parts(model, residual=True) if parts is add_network else parts(model)
        if made is not None:
            model.sink(model.softmax(made))
        found += [built_seed(parts.__name__, model, model.inputs, model.outputs)] * 3
    found += [built_seed(f"one of {number}", *tiny(number)) for number in range(6)]
    for name, model in (("float", converted_edges(1, "float32")), ("dynamic", dynamic(1))):
        found.append(built_seed(name, model, model.inputs, model.outputs))
    folder = Path(os.environ.get("TFL2HW_MODELS", ROOT.parent / "shared" / "models"))
    files = [*sorted(folder.glob("*.tflite")), ROOT / "examples" / "digits" / "digits_int8.tflite"]
    return [*found, *(seed(file.stem, file.read_bytes()) for file in files)]


def tiny(number: int) -> tuple[SmallModel, list[int], list[int]]:
    """A model of one operator or two."""
    model = SmallModel(number)
    makers = (
        lambda: model.conv(model.input((1, 5, 6, 3)), 4, (3, 3)),
        lambda: model.depthwise(model.input((1, 5, 6, 3)), (3, 3)),
        lambda: model.pool(model.input((1, 6, 6, 3)), (2, 2), (2, 2)),
        lambda: model.dense(model.input((1, 9)), 4),
        lambda: model.add(model.input((1, 4, 4, 3)), model.input((1, 4, 4, 3))),
        lambda: model.softmax(model.flatten(model.input((1, 2, 3, 4), scale=0.1))),
    )
    model.sink(makers[number]())
    return model, model.inputs, model.outputs


def content_of(known: list[Seed], base: int, number: int) -> bytes:
    """File ``number`` of the run with seed ``base``."""
    return mutated(known, np.random.default_rng([base, number]))


def checked(path: Path, *, compiled: bool) -> str:
    """ "accepted", "compiled" or "refused": what the compiler makes of a file."""
    sentence, verdicts = _refusal(lambda: _lowered(path))
    if sentence is not None:
        return "refused"
    assert verdicts is not None
    assert all(verdict.accepted for verdict in verdicts)
    if not compiled or len(verdicts) > COMPILED_OPERATORS:
        return "accepted"
    _refusal(lambda: compile_model(path, "sim-large"))
    return "compiled"


def _lowered(path: Path) -> list[Verdict]:
    found = survey(path)
    verdicts = review(found.graph)
    objections(found.graph)
    lower(load(path), "litert-ref")
    return verdicts


def _refusal(step: Callable[[], T]) -> tuple[str | None, T | None]:
    """The sentence with which ``step`` refuses, which is one line, or what it gives."""
    try:
        return None, step()
    except Tfl2hwError as refusal:
        sentence = str(refusal)
    if "\n" in sentence:
        raise ValueError("a refusal of several lines")
    return sentence, None


def child(base: int, start: int, count: int, folder: Path) -> None:
    """Some files, in a process of their own; ``folder`` tells the parent how far it came."""
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    known, batch, path = seeds(), Batch(), folder / "model.tflite"
    checked_before = _peak()
    for number in range(start, start + count):
        (folder / "at").write_text(str(number))
        content = content_of(known, base, number)
        path.write_bytes(content)
        compiled = len(content) < COMPILED_BYTES and number % 100 < 100 * COMPILED_SHARE
        signal.alarm(KILL_SECONDS)
        began = time.perf_counter()
        try:
            _count(batch, checked(path, compiled=compiled))
        except Exception as error:
            last = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{Path(last.filename).name}:{last.lineno}"
            batch.failures.append((number, f"{type(error).__name__} in {where}: {str(error)[:200]}"))
        took, now = time.perf_counter() - began, _peak()
        signal.alarm(0)
        batch.files += 1
        batch.slowest = max(batch.slowest, took)
        if took > SLOW_SECONDS:
            batch.failures.append((number, f"slow: {took:.1f} s"))
        if now - checked_before > GROWTH_BYTES:
            batch.failures.append((number, f"memory: {now >> 20} MiB"))
        checked_before = max(checked_before, now)
    batch.peak = _peak()
    print(json.dumps(asdict(batch)))


def _count(batch: Batch, outcome: str) -> None:
    batch.refused += outcome == "refused"
    batch.accepted += outcome != "refused"
    batch.compiled += outcome == "compiled"


def _peak() -> int:
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def batches(base: int, start: int, count: int) -> Iterator[Batch]:
    """One child after the other until all ``count`` files are done: one that dies loses one file alone."""
    while count > 0:
        with tempfile.TemporaryDirectory(prefix="tfl2hw-fuzz-") as folder:
            words = [
                sys.executable,
                __file__,
                "--child",
                folder,
                "--seed",
                base,
                "--start",
                start,
                "--count",
                count,
            ]
            environment = os.environ | {"OPENBLAS_NUM_THREADS": "1"}
            done = subprocess.run(
                [str(word) for word in words], capture_output=True, text=True, env=environment, check=False
            )
            if done.returncode == 0:
                yield Batch(**json.loads(done.stdout.splitlines()[-1]))
                return
            at = int((Path(folder) / "at").read_text())
        if at > start:
            yield from batches(base, start, at - start)
        yield Batch(files=1, failures=[(at, f"died with {done.returncode}: {done.stderr[-200:]}")])
        start, count = at + 1, count - (at + 1 - start)


def main(
    count: Annotated[int, typer.Option("--count", help="Files.")] = 20000,
    base: Annotated[int, typer.Option("--seed", help="Of the random numbers.")] = 0,
    keep: Annotated[Path, typer.Option("--keep", help="Where failing files go.")] = REGRESSIONS,
    start: Annotated[int, typer.Option("--start", help="Number of the first file.")] = 0,
    child_folder: Annotated[Path | None, typer.Option("--child", hidden=True)] = None,
) -> None:
    """Make the models, feed them to the compiler, report and keep what fails."""
    if child_folder is not None:
        child(base, start, count, child_folder)
        return
    starts = range(start, start + count, BATCH)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        runs = pool.map(lambda first: list(batches(base, first, min(BATCH, start + count - first))), starts)
        done = [batch for run in runs for batch in run]
    failures = sorted(failure for batch in done for failure in batch.failures)
    known = seeds() if failures else []
    for number, what in failures:
        keep.mkdir(parents=True, exist_ok=True)
        file = keep / f"seed{base}_{number}.tflite"
        file.write_bytes(content_of(known, base, number))
        print(f"{file.name}: {what}")
    files, accepted, compiled, refused = (
        sum(getattr(batch, name) for batch in done) for name in ("files", "accepted", "compiled", "refused")
    )
    print(
        f"{files} files: {accepted} accepted ({compiled} of them compiled), {refused} refused, "
        f"{len({number for number, _ in failures})} failures; slowest {max(b.slowest for b in done):.2f} s, "
        f"peak memory {max(b.peak for b in done) >> 20} MiB"
    )
    raise typer.Exit(1 if failures else 0)


if __name__ == "__main__":
    typer.run(main)
