"""`tfl2hw run --serve`: a board behind a pseudo-terminal, asked by our driver and by a short script."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import serial

import tfl2hw
from tfl2hw.cli.main import main
from tfl2hw.codegen import compile_model
from tfl2hw.errors import ToolError
from tfl2hw.rtl_templates.frames import Command
from tfl2hw.runtime import protocol
from tfl2hw.sim.oracle import interpret

ROOT = Path(__file__).parents[2]
DIGITS = ROOT / "examples" / "digits"
SCRIPT = ROOT / "examples" / "serial_client" / "ask.py"
PATIENCE = 20.0
"""Seconds: a simulated board is slow, and this machine may be busy."""

END_SECONDS = 60.0


@contextmanager
def served(model: Path, board: str, folder: Path) -> Iterator[str]:
    """The port of a board that holds ``model``, whose build is in ``folder``."""
    with pytest.raises(SystemExit):
        main(["compile", str(model), "--board", board, "-o", str(folder)])
    command = [sys.executable, "-m", "tfl2hw.cli.main", "run", str(folder), "--serve"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, start_new_session=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            first = process.stdout.readline()
            assert " on /dev/" in first, process.stderr.read()
            yield first.split()[-1]
        finally:
            os.killpg(process.pid, signal.SIGINT)  # as Ctrl-C does: the simulator gets it too
            try:
                rest, _ = process.communicate(timeout=END_SECONDS)
            finally:
                process.kill()
        assert rest.endswith("ended\n")
        assert process.returncode == 0


def asked(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *map(str, words)], capture_output=True, text=True)


def expected(model: Path, values: np.ndarray) -> np.ndarray:
    compiled = compile_model(model, "sim-large")
    sample = values.reshape(compiled.graph.tensors[compiled.graph.inputs[0]].shape)
    return interpret(model, [[sample]], "litert-ref")[0][compiled.graph.outputs[0]]


def test_a_digit(tmp_path: Path) -> None:
    """The board has its weights from the flash: a script is answered at once, and so it is after noise, and
    after a host that died.
    """
    model = DIGITS / "digits_int8.tflite"
    seven, three = (np.load(DIGITS / f"digit_{digit}.npy") for digit in (7, 3))
    with served(model, "icebreaker", tmp_path) as port:
        first = asked(SCRIPT, tmp_path, port, DIGITS / "digit_3.npy")
        scores = expected(model, three).reshape(-1)
        assert first.stdout.startswith(f"class 3 of {scores.tolist()}, "), first.stderr
        with tfl2hw.open(port, tmp_path, patience=PATIENCE) as board:
            answer = board.run(seven)
            assert answer.cycles == board.model.predicted_cycles
            np.testing.assert_array_equal(answer.outputs[0], expected(model, seven))
            assert answer.outputs[0].argmax() == 7
            reals = (seven.astype(np.float32) + 128) / 255
            np.testing.assert_array_equal(board.run(reals).outputs[0], answer.outputs[0])
            measured = board.benchmark(seven, runs=3)
            assert (measured.runs, measured.cycles) == (3, answer.cycles)
            assert 0 < measured.link_share < 1
            assert board.identity() == board.model.config.identity
            assert board.state().broken == board.state().cut == 0
        with serial.Serial(port, 115200) as dying:
            dying.write(b"noise\xa5" + protocol.request(Command.READ, 3, 0, 4000)[:7])
        with tfl2hw.open(port, tmp_path, patience=10.0) as board:
            np.testing.assert_array_equal(board.run(seven).outputs[0], answer.outputs[0])
            state = board.state()
            assert state.broken + state.cut > 0
        second = asked(SCRIPT, tmp_path, port, DIGITS / "digit_3.npy")
        assert second.stdout == f"class 3 of {scores.tolist()}, {answer.cycles:,} cycles\n", second.stderr


def test_another_build_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    """The same model for another board: its program would find nothing in its place."""
    model = DIGITS / "digits_int8.tflite"
    with served(model, "icebreaker", tmp_path / "one") as port:
        with pytest.raises(SystemExit):
            main(["compile", str(model), "--board", "ulx3s-85f", "-o", str(tmp_path / "other")])
        with tfl2hw.open(port, tmp_path / "other", patience=PATIENCE) as board:
            with pytest.raises(ToolError, match=r"holds another design, made by tfl2hw .* program the board"):
                board.run(np.zeros(64, np.int8))


@pytest.mark.long
def test_a_word(tmp_path: Path, models_dir: Path, inputs_dir: Path) -> None:
    model = models_dir / "kws_int8.tflite"
    word = np.fromfile(inputs_dir / "kws_yes_9.dat", np.int8)
    np.save(tmp_path / "yes.npy", word)
    with served(model, "ulx3s-85f", tmp_path) as port:
        with tfl2hw.open(port, tmp_path, patience=PATIENCE) as board:
            answer = board.run(word)
        np.testing.assert_array_equal(answer.outputs[0], expected(model, word))
        assert answer.outputs[0].argmax() == 9
        done = asked(SCRIPT, tmp_path, port, tmp_path / "yes.npy")
        scores = answer.outputs[0].reshape(-1).tolist()
        assert done.stdout == f"class 9 of {scores}, {answer.cycles:,} cycles\n", done.stderr
