"""Model after model on one core that runs: loaded over the link, exact, and nothing built anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests import small_models
from tfl2hw.boards import Board, get, overlay
from tfl2hw.codegen import Compiled, compile_model
from tfl2hw.codegen.footprint import check_fit
from tfl2hw.runtime.network import open_session
from tfl2hw.sim.device import SimulatedDevice
from tfl2hw.sim.inference import (
    Array,
    computed,
    differences,
    run_on,
    run_sample,
    simulated_board,
    simulated_core,
)
from tfl2hw.sim.oracle import interpret

BOARD = "ulx3s-85f-overlay"
DIGITS = Path("examples/digits")

SMALL = """
from dataclasses import replace
from tfl2hw.boards import get
from tfl2hw.boards.overlay import overlay_core

def core(lanes, columns):
    return replace(
        overlay_core(8, 8), lanes=lanes, columns=columns, requantizers=1, bank_depth=1024,
        parameter_depth=256, scratchpad_words=2048, table_depth=1024, window=4, pair=False,
    )

BOARD = replace(
    get("ulx3s-85f-overlay"), name="small-overlay", lanes=4, columns=4, requantizers=1, scratchpad_words=2048,
    bank_depth=1024, core=core,
)
"""
"""A core that is simulated quickly."""


def silent(stage: str, fraction: float | None) -> None:
    """No progress is shown."""


def check(device: SimulatedDevice, path: Path, board: str, samples: Sequence[Sequence[Array]]) -> Compiled:
    """Load the model onto ``device`` and compare every tensor of ``samples``, and the cycles."""
    compiled = compile_model(path, board)
    runs = run_on(device, compiled, samples, silent)
    for number, (run, wanted) in enumerate(zip(runs, interpret(path, samples, "litert-ref"), strict=True)):
        found = computed(compiled, run)
        assert len(found) >= len(compiled.graph.outputs)
        assert differences(compiled, number, found, wanted) == []
        assert run.cycles == compiled.predicted_cycles
    return compiled


@pytest.fixture
def small(tmp_path: Path) -> str:
    """The name of a small overlay's board."""
    file = tmp_path / "small.py"
    file.write_text(SMALL)
    return str(file)


def test_small_models_one_after_the_other(small: str, tmp_path: Path) -> None:
    """Two models by turns; the second loading of the first is as good as its first."""
    paths = [
        small_models.network(1).write(tmp_path, "one"),
        small_models.convolutions(2).write(tmp_path, "two"),
    ]
    with simulated_core(compile_model(paths[0], small)) as device:
        models = [
            check(device, path, small, small_models.samples(path, 2, seed))
            for seed, path in enumerate([*paths, paths[0]])
        ]
    assert len({model.config.identity for model in models}) == 1
    assert models[0].image != models[1].image


def test_two_sessions_that_take_turns(small: str, tmp_path: Path) -> None:
    """Each finds out that the other has loaded its own model, and loads again: no answer is another's."""
    paths = [small_models.network(seed).write(tmp_path, f"model{seed}") for seed in (1, 2)]
    models = [compile_model(path, small) for path in paths]
    inputs = [small_models.samples(path, 2) for path in paths]
    with simulated_core(models[0]) as device:
        sessions = [open_session(model, device) for model in models]
        for number in range(2):
            for model, session, path, samples in zip(models, sessions, paths, inputs, strict=True):
                run = run_sample(model, session, samples[number], layers=False)
                wanted = interpret(path, [samples[number]], "litert-ref")[0]
                for index, found in zip(model.graph.outputs, run.outputs, strict=True):
                    assert np.array_equal(found, wanted[index])


def test_over_the_uart(small: str, tmp_path: Path) -> None:
    """Bit by bit through the board's top, as a user's host does it."""
    path = small_models.network(1, residual=False).write(tmp_path, "model")
    compiled = compile_model(path, small)
    with simulated_board(compiled, divisor=9) as device:
        check(device, path, small, small_models.samples(path, 1))


@pytest.mark.long
def test_real_models_one_after_the_other(models_dir: Path, inputs_dir: Path) -> None:
    """A word, a digit and a machine's sound on the overlay of the ULX3S 85F."""
    word = np.fromfile(inputs_dir / "kws_yes_9.dat", np.int8).reshape(1, 49, 10, 1)
    digit = np.load(next(iter(sorted(DIGITS.glob("**/*.npy")))))
    sound = np.fromfile(inputs_dir / "anomd_quant_anomaly_0.dat", np.int8)[:640].reshape(1, 640)
    turns = [
        (models_dir / "kws_int8.tflite", word),
        (DIGITS / "digits_int8.tflite", digit),
        (models_dir / "ad01_int8.tflite", sound),
        (models_dir / "kws_int8.tflite", word),
    ]
    with simulated_core(compile_model(turns[0][0], BOARD)) as device:
        identities = {check(device, path, BOARD, [(values,)]).config.identity for path, values in turns}
    assert len(identities) == 1


def test_the_overlay_fits_its_chip() -> None:
    """It has as many block RAMs as the chip at most."""
    board = get(BOARD)
    assert board.core is not None
    check_fit(board.core(board.lanes, board.columns), board, "overlay")


@pytest.mark.parametrize("name", ["icebreaker", "ulx3s-45f", "sim-large"])
def test_small_chips_have_no_overlay(name: str) -> None:
    with pytest.raises(ValueError, match=f"an overlay takes an ECP5 85F; {name} has a smaller chip"):
        overlay(get(name))


def test_another_board_may_have_one() -> None:
    board = overlay(get("ecpix5-85f"))
    assert (board.name, board.core) == ("ecpix5-85f-overlay", get(BOARD).core)
    assert isinstance(board, Board)
    assert replace(board, core=None).core is None
