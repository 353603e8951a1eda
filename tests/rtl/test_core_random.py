"""The whole core in Verilator on small random models: every tensor, and the cycle count."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import small_models
from tests.small_models import SmallModel
from tfl2hw.codegen.compile import compile_model
from tfl2hw.sim.inference import run_samples


def check(
    model: SmallModel,
    folder: Path,
    board: str,
    shape: tuple[int, int] | None = None,
    numerics: str = "litert-ref",
) -> None:
    """Two inferences, in one go and layer by layer, are exact, and take the predicted cycles."""
    path = model.write(folder, "model")
    lanes, columns = shape or (None, None)
    compiled = compile_model(path, board, numerics, lanes, columns)
    comparison = run_samples(compiled, small_models.samples(path, 2), numerics, lambda what, share: None)
    assert comparison.mismatches == ()
    written = {tensor for layer in compiled.schedule.layers for tensor in layer.outputs}
    tensors = written & set(compiled.graph.tensors)
    assert comparison.tensors_checked == 2 * len(tensors)
    assert [run.cycles for run in comparison.runs] == [compiled.predicted_cycles] * 2
    for run in comparison.runs:
        assert all(len(set(output.reshape(-1).tolist())) > 1 for output in run.outputs), (
            "an output says little"
        )


def test_network_streamed(tmp_path: Path) -> None:
    """Weights and parameters in the two single-port banks, loaded before every group."""
    check(small_models.network(9, residual=False), tmp_path, "icebreaker")


def test_rows_in_two_banks(tmp_path: Path) -> None:
    check(small_models.few_rows(4), tmp_path, "icebreaker", numerics="tflm")


def test_everything(tmp_path: Path) -> None:
    """In a core made for it, which starts with its weights and tables.

    Fewer columns than lanes: words are filled in two phases. Each core takes a while to build: others are
    among the long tests.
    """
    model = small_models.everything(5)
    small_models.add_rows(model)
    check(model, tmp_path, "ulx3s-85f", (8, 4))


def test_narrow_inputs(tmp_path: Path) -> None:
    """Inputs that the host packs, copies and im2col in parts of words."""
    check(small_models.narrow_inputs(7), tmp_path, "sim-large")


@pytest.mark.long
def test_narrow_inputs_on_a_core_made_for_them(tmp_path: Path) -> None:
    check(small_models.narrow_inputs(8), tmp_path, "ulx3s-85f", (16, 8))


def test_pairs(tmp_path: Path) -> None:
    """Two lines of a depthwise convolution at once, in a loaded core."""
    check(small_models.pairs(3), tmp_path, "sim-large")


def test_windows(tmp_path: Path) -> None:
    """Kernels of other shapes than 3x3, in the same core."""
    check(small_models.windows(3), tmp_path, "sim-large")


@pytest.mark.long
@pytest.mark.parametrize(
    ("board", "shape"), [("ulx3s-85f", (8, 8)), ("ulx3s-85f", (16, 8)), ("icebreaker", (4, 4))], ids=str
)
def test_windows_on_a_core_made_for_them(board: str, shape: tuple[int, int], tmp_path: Path) -> None:
    check(small_models.windows(5), tmp_path, board, shape)


@pytest.mark.long
def test_pairs_on_a_core_made_for_them(tmp_path: Path) -> None:
    check(small_models.pairs(3), tmp_path, "ulx3s-85f")


@pytest.mark.long
@pytest.mark.parametrize("shape", [(4, 4), (8, 4), (16, 8), (16, 16), (32, 8)], ids=str)
def test_pairs_in_other_shapes(shape: tuple[int, int], tmp_path: Path) -> None:
    check(small_models.pairs(4), tmp_path, "sim-large", shape)
    check(small_models.windows(4), tmp_path, "sim-large", shape)


def test_rows(tmp_path: Path) -> None:
    """Softmaxes, logarithms, lengths and extremes of rows, in a loaded core."""
    check(small_models.rows(3), tmp_path, "sim-large")


def test_indices(tmp_path: Path) -> None:
    check(small_models.indices(3), tmp_path, "sim-large")


@pytest.mark.long
@pytest.mark.parametrize(
    "shape", [(8, 8), (8, 4), (4, 4), (4, 2), (16, 4), (16, 8), (16, 16), (32, 8)], ids=str
)
def test_everything_in_other_shapes(shape: tuple[int, int], tmp_path: Path) -> None:
    check(small_models.everything(6), tmp_path, "sim-large", shape)


@pytest.mark.long
@pytest.mark.parametrize("shape", [(4, 4), (4, 2), (8, 4), (16, 16), (32, 8)], ids=str)
def test_narrow_inputs_in_other_shapes(shape: tuple[int, int], tmp_path: Path) -> None:
    check(small_models.narrow_inputs(shape[0]), tmp_path, "sim-large", shape)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(10, 14))
@pytest.mark.parametrize("shape", [(4, 4), (8, 8)], ids=str)
def test_everything_with_other_numbers(shape: tuple[int, int], seed: int, tmp_path: Path) -> None:
    check(small_models.everything(seed), tmp_path, "sim-large", shape, "tflm" if seed % 2 else "litert-ref")


@pytest.mark.long
@pytest.mark.parametrize("columns", [2, 4])
@pytest.mark.parametrize("seed", range(3))
def test_streamed_with_other_numbers(columns: int, seed: int, tmp_path: Path) -> None:
    check(small_models.network(seed, residual=False), tmp_path, "icebreaker", (4, columns))
    check(small_models.convolutions(seed), tmp_path, "icebreaker", (4, columns))
