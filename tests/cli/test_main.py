"""The commands as a user meets them: exit codes, one sentence an error, JSON on stdout."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from tfl2hw.cli import backend
from tfl2hw.cli.main import main
from tfl2hw.cli.results import Answer, Bitstream, BoardLine, Layer, Mismatch, Resource, SampleRun, Simulation
from tfl2hw.errors import DoesNotFit, UsageError

DIGITS = Path(__file__).parents[2] / "examples" / "digits"
MODEL = str(DIGITS / "digits_int8.tflite")
LAYERS = (
    Layer(name="conv", op="CONV_2D", cycles=600, macs=9000),
    Layer(name="sum", op="ADD", cycles=400, macs=0),
)
MISMATCH = Mismatch(sample=0, tensor=9, name="conv", values=3, first="at (0, 1): 4, not 5")


@dataclass(frozen=True, kw_only=True)
class FakeCompiled:
    predicted_cycles: int = 1000


def simulated(samples: Sequence[object], mismatches: tuple[Mismatch, ...] = ()) -> Simulation:
    output = np.full((1, 10), -128, dtype=np.int8)
    output[0, 3] = 127
    one = SampleRun(outputs=(output,), tensors={9: np.zeros((1, 2), np.int8)}, cycles=1000)
    return Simulation(
        runs=(one,) * len(samples),
        layers=LAYERS,
        tensors_checked=9 * len(samples),
        mismatches=mismatches,
        lanes=4,
        columns=4,
        predicted_cycles=1000,
    )


@pytest.fixture(autouse=True)
def fake_backend(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command line alone: what stands behind it answers at once."""
    board = BoardLine(name="icebreaker", chip="up5k", lanes=4, columns=4, clock_mhz=12.0, link="uart")

    def compile_model(path: Path, name: str, *_: object) -> FakeCompiled:
        if name != "icebreaker":
            raise UsageError(f"no board is called {name!r}; accepted: icebreaker")
        return FakeCompiled()

    monkeypatch.setattr(backend, "boards", lambda: [board])
    monkeypatch.setattr(backend, "compile_model", compile_model)
    monkeypatch.setattr(backend, "layers", lambda _: LAYERS)
    monkeypatch.setattr(backend, "write_compiled", lambda _, directory: [directory / "core.v"])
    monkeypatch.setattr(backend, "simulate", lambda compiled, samples, waves, tell: simulated(samples))


@dataclass(frozen=True, kw_only=True)
class Outcome:
    code: int
    out: str
    err: str


def run(capsys: pytest.CaptureFixture[str], *words: str) -> Outcome:
    with pytest.raises(SystemExit) as left:
        main(words)
    captured = capsys.readouterr()
    return Outcome(code=int(left.value.code or 0), out=captured.out, err=captured.err)


def test_simulate_says_what_it_saw(capsys: pytest.CaptureFixture[str]) -> None:
    outcome = run(
        capsys,
        "simulate",
        MODEL,
        "--board",
        "icebreaker",
        "--input",
        str(DIGITS / "digit_3.npy"),
        "--samples",
        "1",
    )
    assert outcome.code == 0
    assert "digit_3.npy       3 (class 3)\n" in outcome.out
    assert "random 0, seed 0  3 (class 3)\n" in outcome.out
    assert (
        "1,000 cycles an inference (predicted 1,000): 9,000 MACs, 9.00 a cycle, 56.2% of the array"
        in outcome.out
    )
    assert "bit-exact: 18 tensors of 2 samples are litert-ref's" in outcome.out
    assert outcome.err == ""


def test_simulate_json(capsys: pytest.CaptureFixture[str]) -> None:
    outcome = run(capsys, "simulate", MODEL, "--board", "icebreaker", "--json", "--numerics", "tflm")
    assert outcome.code == 0
    assert json.loads(outcome.out) == {
        "cycles": 1000,
        "macs": 9000,
        "macs_per_cycle": 9.0,
        "utilization": 9.0 / 16,
        "predicted_cycles": 1000,
        "bit_exact": True,
        "tensors_checked": 9,
        "mismatches": 0,
        "samples": 1,
        "numerics": "tflm",
        "layers": [
            {"name": "conv", "op": "CONV_2D", "cycles": 600, "macs": 9000},
            {"name": "sum", "op": "ADD", "cycles": 400, "macs": 0},
        ],
    }


def test_simulate_that_is_not_exact_leaves_with_1(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backend, "simulate", lambda compiled, samples, *_: simulated(samples, (MISMATCH,)))
    outcome = run(capsys, "simulate", MODEL, "--board", "icebreaker")
    assert outcome.code == 1
    assert "NOT bit-exact: 1 of 9 tensors" in outcome.out
    assert outcome.err == "sample 0, tensor 9 'conv': 3 values differ; at (0, 1): 4, not 5\n"
    outcome = run(capsys, "simulate", MODEL, "--board", "icebreaker", "--json")
    facts = json.loads(outcome.out)
    assert (outcome.code, facts["bit_exact"], facts["mismatches"]) == (1, False, 3)


def test_dump(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    run(capsys, "simulate", MODEL, "--board", "icebreaker", "--samples", "2", "--dump", str(tmp_path / "d"))
    files = sorted(str(file.relative_to(tmp_path / "d")) for file in (tmp_path / "d").rglob("*.npy"))
    names = ["input_0.npy", "output_0.npy", "tensor_9.npy"]
    assert files == names[:2] + [f"sample_1/{name}" for name in names] + names[2:]
    assert np.load(tmp_path / "d" / "input_0.npy").shape == (1, 8, 8, 1)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["simulate", "none.tflite", "--board", "icebreaker"], "none.tflite: the model file does not exist"),
        (["simulate", MODEL, "--board", "nope"], "no board is called 'nope'"),
        (["simulate", MODEL, "--board", "icebreaker", "--input", "x.npy"], "x.npy: no such input file"),
        (["simulate", MODEL, "--board", "icebreaker", "--samples", "0"], "nothing to simulate"),
        (["simulate", MODEL, "--board", "icebreaker", "--input", MODEL], "an input is a .npy file"),
        (["inspect", __file__], "test_main.py"),
        (["run", "nowhere", "--port", "sim"], "nowhere: no build there"),
        (["verify", "nowhere"], "not available in this version"),
    ],
)
def test_refusals_are_one_sentence(
    capsys: pytest.CaptureFixture[str], words: list[str], sentence: str
) -> None:
    outcome = run(capsys, *words)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith("error: ")
    assert outcome.err.count("\n") == 1
    assert sentence in outcome.err


@pytest.mark.parametrize("words", [["frob"], ["simulate"], ["simulate", MODEL], ["boards", "--frob"]])
def test_usage_errors_leave_with_2(capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    outcome = run(capsys, *words)
    assert (outcome.code, outcome.out) == (2, "")
    assert "Usage: tfl2hw" in outcome.err


def test_a_fault_of_ours_is_one_line_too(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backend, "boards", lambda: [][0])
    outcome = run(capsys, "boards")
    assert outcome.code == 3
    assert outcome.err.startswith("error: a fault in tfl2hw itself: IndexError in test_main.py, line ")
    assert outcome.err.count("\n") == 1
    with pytest.raises(IndexError):
        main(["--debug", "boards"])


def test_a_missing_extra_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def boards() -> list[BoardLine]:
        raise ModuleNotFoundError("No module named 'cocotb'", name="cocotb.triggers")

    monkeypatch.setattr(backend, "boards", boards)
    outcome = run(capsys, "boards")
    assert outcome == Outcome(
        code=3,
        out="",
        err="error: the Python package cocotb.triggers is missing: pip install 'tfl2hw[sim]'\n",
    )


def test_boards_ops_and_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert json.loads(run(capsys, "boards", "--json").out)["boards"][0]["name"] == "icebreaker"
    assert "icebreaker" in run(capsys, "boards").out
    assert "SOFTMAX" in run(capsys, "ops").out
    names = {operator["name"] for operator in json.loads(run(capsys, "ops", "--json").out)["operators"]}
    assert {"CONV_2D", "SOFTMAX"} <= names
    assert run(capsys, "--version").out.startswith("tfl2hw ")


def test_inspect(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    facts = json.loads(run(capsys, "inspect", MODEL, "--json").out)
    assert facts["macs"] == 73472
    assert [operator["op"] for operator in facts["operators"]][-2:] == ["FULLY_CONNECTED", "SOFTMAX"]
    assert facts["boards"] == [
        {"board": "icebreaker", "fits": True, "predicted_cycles": 1000, "reason": None}
    ]
    assert "73,472 MACs" in run(capsys, "inspect", MODEL).out

    def refuse(*_: object) -> FakeCompiled:
        raise DoesNotFit("needs 9 words, has 8")

    monkeypatch.setattr(backend, "compile_model", refuse)
    outcome = run(capsys, "inspect", MODEL)
    assert outcome.code == 0
    assert "needs 9 words, has 8" in outcome.out


def test_compile_build_and_run(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    common = [MODEL, "--board", "icebreaker", "-o", str(out), "--json"]
    facts = json.loads(run(capsys, "compile", *common).out)
    assert facts["predicted_cycles"] == 1000
    assert facts["files"] == [str(out / name) for name in ("model.tflite", "labels.txt", "core.v")]

    def bitstream(fmax: float) -> Bitstream:
        used = {"LUT4": Resource(used=5, available=10)}
        return Bitstream(file=out / "top.bin", fmax_mhz=fmax, target_mhz=30.0, resources=used, cycles=3000)

    monkeypatch.setattr(backend, "build", lambda *_: bitstream(31.0))
    outcome = run(capsys, "build", *common)
    facts = json.loads(outcome.out)
    assert (outcome.code, facts["meets_timing"], facts["latency_ms"]) == (0, True, 0.1)
    assert facts["resources"] == {"LUT4": {"used": 5, "available": 10}}
    monkeypatch.setattr(backend, "build", lambda *_: bitstream(29.0))
    outcome = run(capsys, "build", *common[:-1])
    assert outcome.code == 1
    assert "Fmax 29.0 MHz, target 30.0 MHz: timing MISSED" in outcome.out

    answer = Answer(outputs=simulated([0]).runs[0].outputs, cycles=1200, clock_mhz=12.0)
    monkeypatch.setattr(backend, "run", lambda *_: answer)
    words = ["run", str(out), "--port", "sim", "--input", str(DIGITS / "digit_3.npy")]
    assert "digit_3.npy  3 (class 3)\n1,200 cycles, 0.100 ms at 12.0 MHz" in run(capsys, *words).out
    assert json.loads(run(capsys, *words, "--json").out)["outputs"][0][0][3] == 127
