"""A model on a board as a test sees it: does it fit, is it exact, how many cycles does it take."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tfl2hw.cli.failure import as_known
from tfl2hw.cli.inputs import Sample, load_samples, random_samples
from tfl2hw.codegen import Compiled, compile_model
from tfl2hw.codegen.estimate import Resources, estimate
from tfl2hw.codegen.tools import silent
from tfl2hw.errors import Tfl2hwError, UsageError
from tfl2hw.ops import Numerics
from tfl2hw.runtime.images import IMAGE_SUFFIXES
from tfl2hw.sim import inference
from tfl2hw.sim.inference import Comparison, Mismatch

INPUT_SUFFIXES = (".npy", ".dat", ".bin", *IMAGE_SUFFIXES)
"""Files of a folder that are taken for inputs."""

ERROR = 0.1
"""Part by which an estimate of LUTs may be off; ``bench/estimates.py`` holds it to that."""

SEED = 0
"""Of the random input, where none is given."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A model on a board, and what is asked of it.

    ``inputs`` : files, or folders of which every input is taken, in the order of their names; none: one
    random input. ``max_cycles`` : the most that an inference may take. ``lanes``, ``columns`` None: by
    search.
    """

    model: Path
    board: str
    inputs: tuple[Path, ...] = ()
    numerics: Numerics = "litert-ref"
    max_cycles: int | None = None
    lanes: int | None = None
    columns: int | None = None

    @property
    def name(self) -> str:
        """How messages call it."""
        return f"{self.model.name} on {self.board}"


class HardwareModel:
    """A model compiled for a board and simulated: each when it is first asked for, and then kept.

    Every ``assert_`` method raises AssertionError with one sentence. Whatever else stands in the way, such as
    a missing tool or file, is a ``Tfl2hwError``.
    """

    def __init__(self, wanted: Wanted) -> None:
        self.wanted = wanted

    @cached_property
    def compiled(self) -> Compiled:
        """The model compiled for the board. Raises Tfl2hwError where it is refused or does not fit."""
        wanted = self.wanted
        with _known():
            return compile_model(wanted.model, wanted.board, wanted.numerics, wanted.lanes, wanted.columns)

    @cached_property
    def resources(self) -> Resources | None:
        """Estimated LUTs and flip-flops, exact DSPs and block RAMs; None on a board without a chip."""
        board = self.compiled.board
        return None if board.chip is None else estimate(self.compiled.config, board.family)

    @cached_property
    def samples(self) -> list[Sample]:
        """The inputs that are simulated."""
        graph = self.compiled.graph
        with _known():
            files = input_files(self.wanted.inputs)
            return load_samples(graph, files) if files else list(random_samples(graph, 1, SEED))

    @cached_property
    def comparison(self) -> Comparison:
        """All samples on the simulated hardware, every tensor beside the interpreter's.

        Raises
        ------
        Tfl2hwError : an input is not the model's, or a tool is missing or failed.
        """
        inputs = [sample.inputs for sample in self.samples]
        with _known():
            return inference.run_samples(self.compiled, inputs, self.wanted.numerics, silent)

    @property
    def cycles(self) -> int:
        """Cycles of an inference, as simulated: the most that any sample took."""
        return max(run.cycles for run in self.comparison.runs)

    @property
    def latency_ms(self) -> float:
        """``cycles`` at the board's clock."""
        return self.cycles / inference.clock_mhz(self.compiled) / 1e3

    def assert_fits(self) -> None:
        """The compiler takes the model, and the chip has what the core needs, as far as estimates tell."""
        __tracebackhide__ = True
        try:
            board, resources = self.compiled.board, self.resources
        except Tfl2hwError as refusal:
            raise AssertionError(f"{self.wanted.name} does not fit: {refusal}") from None
        if board.chip is None or resources is None:
            return
        for what, needed, there, most in (
            ("LUTs", resources.luts, board.chip.luts, board.chip.luts * (1 + ERROR)),
            ("DSPs", resources.dsps, board.chip.dsps, board.chip.dsps),
            ("block RAMs", resources.block_rams, board.chip.block_rams, board.chip.block_rams),
        ):
            if needed > most:
                raise AssertionError(
                    f"{self.wanted.name} does not fit: its core takes about {needed:,} {what}, "
                    f"{board.chip.name} has {there:,}"
                )

    def assert_bit_exact(self) -> None:
        """Every tensor of every sample is the interpreter's."""
        __tracebackhide__ = True
        comparison = self.comparison
        if not comparison.mismatches:
            return
        first, checked = comparison.mismatches[0], comparison.tensors_checked
        raise AssertionError(
            f"{self.wanted.name} is not bit-exact: {len(comparison.mismatches)} of {checked} tensors "
            f"differ from {self.wanted.numerics}'s; the first is {self._where(first)}, in "
            f"{first.values:,} value{'' if first.values == 1 else 's'}, {first.first}"
        )

    def assert_cycles(self, most: int | None = None) -> None:
        """As many cycles as predicted, and no more than ``most`` (None: ``wanted.max_cycles``)."""
        __tracebackhide__ = True
        cycles, predicted = self.cycles, self.compiled.predicted_cycles
        if cycles != predicted:
            raise AssertionError(
                f"{self.wanted.name} takes {cycles:,} cycles an inference, {predicted:,} were predicted"
            )
        most = self.wanted.max_cycles if most is None else most
        if most is not None and cycles > most:
            raise AssertionError(
                f"{self.wanted.name} takes {cycles:,} cycles an inference ({self.latency_ms:.3f} ms), "
                f"at most {most:,} are allowed"
            )

    def properties(self) -> dict[str, str | int | float]:
        """What is known so far of the model: what a JUnit report keeps of it."""
        known: dict[str, str | int | float] = {"model": self.wanted.model.name, "board": self.wanted.board}
        if "compiled" in vars(self):
            config = self.compiled.config
            known["array"] = f"{config.lanes} x {config.columns}"
            known["predicted_cycles"] = self.compiled.predicted_cycles
        if vars(self).get("resources") is not None:
            assert self.resources is not None
            known |= {
                "luts_estimated": self.resources.luts,
                "flip_flops_estimated": self.resources.flip_flops,
                "dsps": self.resources.dsps,
                "block_rams": self.resources.block_rams,
            }
        if "comparison" in vars(self):
            known["cycles"] = self.cycles
            known["latency_ms"] = round(self.latency_ms, 6)
            known["tensors_checked"] = self.comparison.tensors_checked
            known["tensors_different"] = len(self.comparison.mismatches)
        return known

    def _where(self, mismatch: Mismatch) -> str:
        """A tensor, the operator that makes it, and the sample."""
        makers = [
            f" of operator {operator.index} {operator.op}"
            for operator in self.compiled.graph.operators
            if mismatch.tensor in operator.outputs
        ]
        sample = self.samples[mismatch.sample].name
        return f"tensor {mismatch.tensor} '{mismatch.name}'{''.join(makers[:1])} with {sample}"


def input_files(places: Sequence[Path]) -> list[Path]:
    """The files among ``places``, and the inputs in those that are folders.

    Raises
    ------
    UsageError : a folder is not there, or has no input.
    """
    files: list[Path] = []
    for place in places:
        if not place.is_dir():
            files.append(place)
            continue
        found = sorted(file for file in place.iterdir() if file.suffix.lower() in INPUT_SUFFIXES)
        if not found:
            raise UsageError(f"{place}: no input there; accepted: files {' '.join(INPUT_SUFFIXES)}")
        files += found
    return files


@contextmanager
def _known() -> Iterator[None]:
    """A missing extra or file is the same sentence as on the command line."""
    try:
        yield
    except (ImportError, OSError) as error:
        raise as_known(error) from error
