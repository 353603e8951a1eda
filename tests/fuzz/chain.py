"""One model through the whole chain: interpreter, references, primitives, simulated hardware."""

from __future__ import annotations

import re
import tempfile
import traceback
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tests.fuzz.oracle import PersistentChild
from tests.fuzz.plan import Case, Samples
from tfl2hw.codegen import Compiled
from tfl2hw.codegen.compile import compile_model
from tfl2hw.errors import Tfl2hwError, ToolError
from tfl2hw.frontend import load
from tfl2hw.ir.graph import Graph
from tfl2hw.passes import evaluate, evaluate_network, lower
from tfl2hw.passes.pipeline import known_numerics
from tfl2hw.sim.device import SimulatedDevice
from tfl2hw.sim.inference import run_on, simulated_core
from tfl2hw.sim.oracle import interpret

Maps = Mapping[int, npt.NDArray[Any]]


@dataclass(frozen=True, kw_only=True)
class Target:
    """The hardware: a board and its array, or the array that the board has by default."""

    board: str = "sim-large"
    lanes: int | None = None
    columns: int | None = None

    def __str__(self) -> str:
        return self.board if self.lanes is None else f"{self.board} {self.lanes}x{self.columns}"


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Where the chain broke: which link, with whose numerics, at which operator and sample."""

    link: str
    numerics: str
    op: str
    tensor: int
    sample: int
    detail: str

    @property
    def kind(self) -> tuple[str, str, str]:
        """What a smaller model has to share to have the same fault."""
        last = self.detail.strip().splitlines()[-1] if self.link == "crash" else ""
        return self.link, self.op, re.sub(r"\d+", "#", last)

    def __str__(self) -> str:
        where = f"{self.link}, {self.numerics}, {self.op}, tensor {self.tensor}, sample {self.sample}"
        return f"{where}: {self.detail}"


@dataclass(kw_only=True)
class Verdict:
    """What was compared (tensors by link), who refused the model and why, and what was wrong."""

    tensors: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    interpreters: Counter[str] = field(default_factory=Counter)
    fault: Fault | None = None
    expected: list[dict[int, npt.NDArray[Any]]] = field(default_factory=list)


class _Broken(Exception):
    """A fault on its way up."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(str(fault))
        self.fault = fault


class Chain:
    """Interpreters and simulators that are kept from model to model; a context manager."""

    def __init__(self) -> None:
        self._child = PersistentChild()
        self._devices: dict[tuple[int, int], SimulatedDevice] = {}

    def __enter__(self) -> Chain:
        return self

    def __exit__(self, *exception: object) -> None:
        self._child.close()
        self._drop_devices()

    def check(self, case: Case, target: Target | None = None) -> Verdict:
        """Every tensor of ``case`` through every link, on the hardware of ``target``."""
        with tempfile.TemporaryDirectory(prefix="tfl2hw-fuzz-") as folder:
            path = case.write(Path(folder) / "model.tflite")
            return self.check_file(path, case.samples, case.numerics, target or Target())

    def check_file(
        self, path: Path, samples: Samples, numerics: Sequence[str], target: Target | None = None
    ) -> Verdict:
        """The same for the model at ``path``."""
        verdict = Verdict()
        try:
            self._check(path, samples, numerics, target or Target(), verdict)
        except _Broken as broken:
            verdict.fault = broken.fault
        except Tfl2hwError as error:
            if isinstance(error, ToolError):
                self._drop_devices()
                verdict.fault = crash(error)
            else:
                verdict.refused[reason(error)] += 1
        except Exception as error:
            self._drop_devices()
            verdict.fault = crash(error)
        return verdict

    def _check(
        self, path: Path, samples: Samples, numerics: Sequence[str], target: Target, verdict: Verdict
    ) -> None:
        graph = load(path)
        simulated: list[list[Maps]] = []
        for arithmetic in numerics:
            try:
                expected = interpret(path, samples, arithmetic, self._child)
            except Tfl2hwError as error:
                verdict.interpreters[f"{arithmetic}: {reason(error)}"] += 1
                continue
            verdict.expected = expected
            network = lower(graph, known_numerics(arithmetic))
            for number, (arrays, wanted) in enumerate(zip(samples, expected, strict=True)):
                at = _Place(graph=graph, numerics=arithmetic, sample=number)
                reference = evaluate(graph, arithmetic, arrays)
                verdict.tensors["reference"] += at.compare("reference", reference, wanted)
                maps = {
                    index: maps
                    for index, maps in evaluate_network(network, arrays).items()
                    if index in reference
                }
                verdict.tensors["primitives"] += at.compare("primitives", maps, wanted)
            if not any(_same(expected, before) for before in simulated):
                self._hardware(path, samples, arithmetic, target, expected, verdict)
                simulated.append(list(expected))

    def _hardware(
        self,
        path: Path,
        samples: Samples,
        arithmetic: str,
        target: Target,
        expected: Sequence[Maps],
        verdict: Verdict,
    ) -> None:
        compiled = compile_model(path, target.board, known_numerics(arithmetic), target.lanes, target.columns)
        device = self._device(compiled)
        try:
            runs = run_on(device, compiled, samples, lambda *_: None)
        finally:
            if compiled.board.core is None:
                device.close()
        for number, (run, wanted) in enumerate(zip(runs, expected, strict=True)):
            at = _Place(graph=compiled.graph, numerics=arithmetic, sample=number)
            found = run.tensors | dict(zip(compiled.network.outputs, run.outputs, strict=True))
            verdict.tensors["hardware"] += at.compare("hardware", found, wanted)
            if run.cycles != compiled.predicted_cycles:
                detail = f"{run.cycles}, not {compiled.predicted_cycles}"
                raise _Broken(
                    Fault(link="cycles", numerics=arithmetic, op="", tensor=-1, sample=number, detail=detail)
                )

    def _device(self, compiled: Compiled) -> SimulatedDevice:
        """A device with the core of ``compiled``: where models are loaded into it, the same for all."""
        if compiled.board.core is None:
            return simulated_core(compiled)
        key = (compiled.config.lanes, compiled.config.columns)
        if key not in self._devices:
            self._devices[key] = simulated_core(compiled)
        return self._devices[key]

    def _drop_devices(self) -> None:
        for device in self._devices.values():
            device.close()
        self._devices.clear()


@dataclass(frozen=True, kw_only=True)
class _Place:
    """The graph, numerics and sample of a comparison."""

    graph: Graph
    numerics: str
    sample: int

    def compare(self, link: str, found: Maps, wanted: Maps) -> int:
        """How many tensors were compared; raises _Broken at the first that differs, in the graph's order."""
        makers = {index: operator.op for operator in self.graph.operators for index in operator.outputs}
        for index in sorted(found, key=[*self.graph.inputs, *makers].index):
            got, right = (_as_bytes(maps[index]) for maps in (found, wanted))
            places = np.flatnonzero(got != right) if got.shape == right.shape else np.array([0])
            if len(places):
                at = np.unravel_index(places[0], self.graph.tensors[index].shape or (1,))
                where = tuple(int(axis) for axis in at) if got.dtype == np.int8 else ""
                raise _Broken(
                    Fault(
                        link=link,
                        numerics=self.numerics,
                        op=makers.get(index, "input"),
                        tensor=index,
                        sample=self.sample,
                        detail=f"{len(places)} of {got.size} bytes differ, the first at {where}: "
                        f"{got[places[0]]}, not {right[places[0]]}",
                    )
                )
        return len(found)


def _as_bytes(values: npt.NDArray[Any]) -> npt.NDArray[np.int8]:
    return np.ascontiguousarray(values).reshape(-1).view(np.int8)


def _same(one: Sequence[Maps], other: Sequence[Maps]) -> bool:
    return all(
        np.array_equal(first[index], second[index])
        for first, second in zip(one, other, strict=True)
        for index in first
    )


def crash(error: BaseException) -> Fault:
    """What was raised, as a fault."""
    words = "".join(traceback.format_exception(error)[-4:])
    return Fault(link="crash", numerics="", op="", tensor=-1, sample=0, detail=words)


def reason(error: Tfl2hwError) -> str:
    """The sentence without what differs from model to model."""
    words = re.sub(r"^\S*model\.tflite:? ?", "", str(error).splitlines()[0])
    words = re.sub(r"(?<= )'[^']*'", "'...'", words)
    return re.sub(r"[-+]?\d+(\.\d+)?(e[-+]?\d+)?", "#", words)[:240]
