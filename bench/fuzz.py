"""Random models through the whole chain, in several processes; what fails is shrunk and kept.

``python bench/fuzz.py (--minutes N | --count N) [--seed S] [--jobs J] [--arrays SHARE] [--generated SHARE]
[--keep FOLDER]``

Each model goes through the interpreters (TFLite Micro, LiteRT's reference kernels), the operators'
references, the integer primitives and the simulated core; every tensor is compared, and the cycles with
those predicted.
A failure is shrunk and written to tests/regressions, which tests/test_regressions.py replays.
"""

from __future__ import annotations

import multiprocessing
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count as counting
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # for tests/, which is not installed

from tests.fuzz.chain import Chain, Fault, Target, Verdict, crash
from tests.fuzz.plan import Case, build, random_plan
from tests.fuzz.regression import FOLDER, keep
from tests.fuzz.shrink import shrink
from tfl2hw.cli.terminal import note, print_table, say

GENERATED = (
    Target(board="ulx3s-85f", lanes=8, columns=8),
    Target(board="ulx3s-85f", lanes=4, columns=2),
    Target(board="ulx3s-85f", lanes=16, columns=4),
    Target(board="icebreaker"),
)
"""Cores that are made for the model: each is a simulator to build."""

ARRAYS = (Target(lanes=4, columns=4), Target(lanes=8, columns=2), Target(lanes=16, columns=8))
"""Prebuilt cores besides that of 8 lanes and 8 columns."""

SILENCE_SECONDS = 60


@dataclass(frozen=True, kw_only=True)
class Job:
    """The model of one seed, and where it runs."""

    seed: int
    target: Target
    folder: Path


@dataclass(kw_only=True)
class Done:
    """What became of a job. ``kept`` is the model of a failure."""

    seed: int
    operators: Counter[str] = field(default_factory=Counter)
    inputs: int = 0
    verdict: Verdict = field(default_factory=Verdict)
    kept: Path | None = None
    seconds: float = 0.0


@dataclass(kw_only=True)
class Totals:
    """Sums over all jobs."""

    models: int = 0
    complete: int = 0
    inputs: int = 0
    operators: Counter[str] = field(default_factory=Counter)
    tensors: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    interpreters: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)

    def add(self, done: Done) -> None:
        """Count ``done`` in."""
        verdict = done.verdict
        self.models += 1
        self.inputs += done.inputs
        self.operators += done.operators
        self.tensors += verdict.tensors
        self.refused += verdict.refused
        self.interpreters += verdict.interpreters
        self.complete += verdict.tensors["hardware"] > 0 and verdict.fault is None
        if verdict.fault is not None:
            self.faults[f"{verdict.fault.link}: {verdict.fault.op or _last_line(verdict.fault)}"] += 1


class Worker:
    """One process's chain."""

    chain: Chain | None = None

    @classmethod
    def run(cls, job: Job) -> Done:
        """Build, check, shrink and keep the model of ``job``."""
        if cls.chain is None:
            cls.chain = Chain()
        start, done = time.monotonic(), Done(seed=job.seed)
        try:
            case = build(random_plan(job.seed))
        except Exception as error:
            traceback.print_exc()
            done.verdict.fault = crash(error)
            return done
        if case is not None:
            done.operators.update(operator.name for operator in case.model.operators)
            done.inputs = len(case.samples)
            done.verdict = cls.chain.check(case, job.target)
            if done.verdict.fault is not None:
                done.kept = _keep(cls.chain, job, case, done.verdict)
        done.verdict.expected = []
        done.seconds = time.monotonic() - start
        return done


def main(
    minutes: Annotated[float | None, typer.Option(help="How long.")] = None,
    count: Annotated[int | None, typer.Option(help="How many models.")] = None,
    seed: Annotated[int, typer.Option(help="The first model's seed; the others follow.")] = 0,
    jobs: Annotated[int, typer.Option(help="Processes.")] = 2,
    arrays: Annotated[float, typer.Option(help="Share of models on other prebuilt arrays.")] = 0.0,
    generated: Annotated[float, typer.Option(help="Share of models on cores made for them.")] = 0.0,
    folder: Annotated[Path, typer.Option("--keep", help="Where failures are written.")] = FOLDER,
) -> None:
    """Random models through the whole chain."""
    if (minutes is None) == (count is None):
        raise typer.BadParameter("give --minutes or --count")
    start, totals = time.monotonic(), Totals()
    spoken = start
    deadline = None if minutes is None else start + 60 * minutes
    numbers = iter(range(seed, seed + count)) if count is not None else counting(seed)
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        try:
            for done in pool.imap_unordered(
                Worker.run, _jobs(numbers, (arrays, generated), folder, deadline, jobs, totals)
            ):
                totals.add(done)
                _report(done)
                if time.monotonic() > spoken + SILENCE_SECONDS:
                    spoken = time.monotonic()
                    note(f"{totals.models} models, {sum(totals.faults.values())} failures")
        except KeyboardInterrupt:
            note("stopped")
    _summary(totals, time.monotonic() - start)
    raise typer.Exit(1 if totals.faults else 0)


def _jobs(
    numbers: Iterator[int],
    shares: tuple[float, float],
    folder: Path,
    deadline: float | None,
    jobs: int,
    totals: Totals,
) -> Iterator[Job]:
    """Jobs until the time is over, not many ahead of those that are done."""
    for given, seed in enumerate(numbers):
        while given - totals.models > 4 * jobs:
            time.sleep(0.02)
        if deadline is not None and time.monotonic() > deadline:
            return
        yield Job(seed=seed, target=_target(seed, shares), folder=folder)


def _target(seed: int, shares: tuple[float, float]) -> Target:
    """Where the model of ``seed`` runs; the shares are those of `ARRAYS` and `GENERATED`."""
    random = np.random.default_rng((seed, 1))
    drawn = random.random()
    if drawn < sum(shares):
        some = ARRAYS if drawn < shares[0] else GENERATED
        return some[random.integers(len(some))]
    return Target()


def _keep(chain: Chain, job: Job, case: Case, verdict: Verdict) -> Path:
    smaller, fault = shrink(chain, case, verdict, job.target)
    return keep(smaller, fault, f"seed {job.seed}, {job.target}", job.folder)


def _report(done: Done) -> None:
    if done.verdict.fault is not None:
        say(f"seed {done.seed}: {done.verdict.fault}")
        say(f"  kept as {done.kept}")


def _summary(totals: Totals, seconds: float) -> None:
    print_table(
        "random models",
        ["what", "how many"],
        [
            ("models", totals.models),
            ("of these accepted and simulated", totals.complete),
            ("inputs", totals.inputs),
            *((f"tensors compared, {link}", number) for link, number in totals.tensors.items()),
            ("failures", sum(totals.faults.values())),
            ("seconds", seconds),
            ("models a second", totals.models / max(seconds, 1e-9)),
        ],
        " r",
    )
    for title, counter in (
        ("operators", totals.operators),
        ("refused by the compiler", totals.refused),
        ("refused by an interpreter", totals.interpreters),
        ("failures", totals.faults),
    ):
        if counter:
            rows = counter.most_common()
            print_table(title, ["what", "how many"], rows, " r")


def _last_line(fault: Fault) -> str:
    return fault.detail.strip().splitlines()[-1]


if __name__ == "__main__":
    typer.run(main)
