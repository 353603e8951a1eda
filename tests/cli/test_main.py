"""The commands as a user meets them: exit codes, one sentence an error, JSON on stdout."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from tfl2hw.api import Inference
from tfl2hw.cli import boards, build, run, simulate
from tfl2hw.cli.main import main
from tfl2hw.cli.store import Settings, keep
from tfl2hw.codegen import fits as board_fits
from tfl2hw.codegen.bitstream import BuildResult
from tfl2hw.errors import DoesNotFit
from tfl2hw.sim.inference import Comparison, Mismatch, SampleRun

DIGITS = Path(__file__).parents[2] / "examples" / "digits"
MODEL = str(DIGITS / "digits_int8.tflite")
THREE = str(DIGITS / "digit_3.npy")
MISMATCH = Mismatch(sample=0, tensor=9, name="conv", values=3, first="at (0, 1): 4, not 5")
CYCLES = 10_000


def compared(samples: Sequence[object], mismatches: tuple[Mismatch, ...] = ()) -> Comparison:
    one = SampleRun(outputs=(scores(),), tensors={9: np.zeros((1, 2), np.int8)}, cycles=CYCLES)
    return Comparison(runs=(one,) * len(samples), tensors_checked=9 * len(samples), mismatches=mismatches)


def scores() -> npt.NDArray[np.int8]:
    """A network that sees a 3."""
    output = np.full((1, 10), -128, dtype=np.int8)
    output[0, 3] = 127
    return output


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Reports that nobody has named a folder for go into one of their own."""
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))


@pytest.fixture
def simulator(monkeypatch: pytest.MonkeyPatch) -> None:
    """A simulator that answers at once."""
    monkeypatch.setattr(simulate, "run_samples", lambda compiled, samples, *_: compared(samples))


@dataclass(frozen=True, kw_only=True)
class Outcome:
    code: int
    out: str
    err: str


def call(capsys: pytest.CaptureFixture[str], *words: str) -> Outcome:
    with pytest.raises(SystemExit) as left:
        main(words)
    captured = capsys.readouterr()
    return Outcome(code=int(left.value.code or 0), out=captured.out, err=captured.err)


@pytest.mark.usefixtures("simulator")
def test_simulate_says_what_it_saw(capsys: pytest.CaptureFixture[str]) -> None:
    outcome = call(capsys, "simulate", MODEL, "--board", "icebreaker", "--input", THREE, "--samples", "1")
    assert outcome.code == 0
    assert "digit_3.npy       3 (class 3)\n" in outcome.out
    assert "random 0, seed 0  3 (class 3)\n" in outcome.out
    assert "10,000 cycles an inference (predicted " in outcome.out
    assert "73,472 MACs, 7.35 a cycle, 45.9% of the array" in outcome.out
    assert "bit-exact: 18 tensors of 2 samples are litert-ref's" in outcome.out
    assert outcome.err == f"report: {Path('build/digits_int8-icebreaker/report.html')}\n"
    assert Path("build/digits_int8-icebreaker/report.html").is_file()


@pytest.mark.usefixtures("simulator")
def test_simulate_json(capsys: pytest.CaptureFixture[str]) -> None:
    outcome = call(capsys, "simulate", MODEL, "--board", "icebreaker", "--json", "--numerics", "tflm")
    assert outcome.code == 0
    facts = json.loads(outcome.out)
    layers = facts.pop("layers")
    predicted = facts.pop("predicted_cycles")
    shape = facts.pop("shape")
    figures = facts.pop("figures")
    report = Path(facts.pop("report"))
    assert json.loads(report.with_suffix(".json").read_text()) == figures
    assert figures["totals"]["lost"] == predicted - figures["totals"]["limit"]
    assert facts == {
        "cycles": CYCLES,
        "macs": 73472,
        "macs_per_cycle": 7.3472,
        "utilization": 7.3472 / 16,
        "bit_exact": True,
        "tensors_checked": 9,
        "mismatches": 0,
        "samples": 1,
        "numerics": "tflm",
        "custom_operators": [],
    }
    assert [shape[name] for name in ("lanes", "columns", "requantizers")] == [4, 4, 1]
    assert [each["chosen"] for each in shape["search"]["considered"]].count(True) == 1
    assert [layer["op"] for layer in layers][:2] == ["CONV_2D", "DEPTHWISE_CONV_2D"]
    assert sum(layer["cycles"] for layer in layers) == predicted
    assert sum(layer["macs"] for layer in layers) == facts["macs"]
    assert all(layer["limit"] + sum(layer["losses"].values()) == layer["cycles"] for layer in layers)


def test_simulate_that_is_not_exact_leaves_with_1(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simulate, "run_samples", lambda compiled, samples, *_: compared(samples, (MISMATCH,)))
    outcome = call(capsys, "simulate", MODEL, "--board", "icebreaker")
    assert outcome.code == 1
    assert "NOT bit-exact: 1 of 9 tensors" in outcome.out
    assert outcome.err.startswith("sample 0, tensor 9 'conv': 3 values differ; at (0, 1): 4, not 5\n")
    outcome = call(capsys, "simulate", MODEL, "--board", "icebreaker", "--json")
    facts = json.loads(outcome.out)
    assert (outcome.code, facts["bit_exact"], facts["mismatches"]) == (1, False, 3)


@pytest.mark.usefixtures("simulator")
def test_dump(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    folder = tmp_path / "d"
    call(capsys, "simulate", MODEL, "--board", "icebreaker", "--samples", "2", "--dump", str(folder))
    files = {str(file.relative_to(folder)) for file in folder.rglob("*.npy")}
    names = ["input_0.npy", "output_0.npy", "tensor_9.npy"]
    assert files == {*names, *(f"sample_1/{name}" for name in names)}
    assert np.load(folder / "input_0.npy").shape == (1, 8, 8, 1)


def test_simulate_for_real(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    words = ("--board", "sim-large", "--input", THREE, "--dump", str(tmp_path), "--json")
    outcome = call(capsys, "simulate", MODEL, *words)
    facts = json.loads(outcome.out)
    assert (outcome.code, facts["bit_exact"], facts["tensors_checked"]) == (0, True, 9)
    assert facts["cycles"] == facts["predicted_cycles"]
    assert np.load(tmp_path / "output_0.npy").argmax() == 3


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["simulate", "none.tflite", "--board", "icebreaker"], "none.tflite: the model file does not exist"),
        (["simulate", MODEL, "--board", "ulx3s"], "there is no board 'ulx3s' (did you mean"),
        (["simulate", MODEL, "--board", "icebreaker", "--lanes", "5"], "an array of 5 lanes"),
        (["simulate", MODEL, "--board", "icebreaker", "--input", "x.npy"], "x.npy: no such input file"),
        (["simulate", MODEL, "--board", "icebreaker", "--samples", "0"], "nothing to simulate"),
        (["simulate", MODEL, "--board", "icebreaker", "--input", MODEL], "an input is a .npy file"),
        (["inspect", __file__], "test_main.py"),
        (["build", MODEL, "--board", "sim-large", "-o", "nowhere"], "for simulation alone"),
        (["run", "nowhere", "--port", "sim"], "nowhere: no build there"),
        (["program", "nowhere"], "nowhere: no build there"),
        (["verify", "nowhere"], "nowhere: no build there"),
        (["verify", "nowhere", "--stage", "bitstream"], "there is no stage 'bitstream'; the stages are"),
    ],
)
def test_refusals_are_one_sentence(
    capsys: pytest.CaptureFixture[str], words: list[str], sentence: str
) -> None:
    outcome = call(capsys, *words)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith("error: ")
    assert outcome.err.count("\n") == 1
    assert sentence in outcome.err
    assert not Path("nowhere").exists()


@pytest.mark.parametrize("words", [["frob"], ["simulate"], ["simulate", MODEL], ["boards", "--frob"]])
def test_usage_errors_leave_with_2(capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    outcome = call(capsys, *words)
    assert (outcome.code, outcome.out) == (2, "")
    assert "Usage: tfl2hw" in outcome.err


def test_a_fault_of_ours_is_one_line_too(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(boards, "print_table", lambda *_: [][0])
    outcome = call(capsys, "boards")
    assert outcome.code == 3
    assert outcome.err.startswith("error: a fault in tfl2hw itself: IndexError in test_main.py, line ")
    assert outcome.err.count("\n") == 1
    with pytest.raises(IndexError):
        main(["--debug", "boards"])


def test_a_missing_extra_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def miss(*_: object) -> None:
        raise ModuleNotFoundError("No module named 'cocotb'", name="cocotb.triggers")

    monkeypatch.setattr(simulate, "run_samples", miss)
    outcome = call(capsys, "simulate", MODEL, "--board", "icebreaker")
    sentence = "error: the Python package cocotb.triggers is missing: pip install 'tfl2hw[sim]'\n"
    assert outcome == Outcome(code=3, out="", err=sentence)


def test_boards_ops_and_version(capsys: pytest.CaptureFixture[str]) -> None:
    names = {board["name"] for board in json.loads(call(capsys, "boards", "--json").out)["boards"]}
    assert {"icebreaker", "ulx3s-25f", "ulx3s-45f", "ulx3s-85f", "sim-large"} <= names
    assert "icebreaker" in call(capsys, "boards").out
    assert "SOFTMAX" in call(capsys, "ops").out
    names = {operator["name"] for operator in json.loads(call(capsys, "ops", "--json").out)["operators"]}
    assert {"CONV_2D", "SOFTMAX"} <= names
    assert call(capsys, "--version").out.startswith("tfl2hw ")


def test_inspect(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    facts = json.loads(call(capsys, "inspect", MODEL, "--json").out)
    assert facts["macs"] == 73472
    assert [operator["op"] for operator in facts["operators"]][-2:] == ["FULLY_CONNECTED", "SOFTMAX"]
    fits = {row["board"]: row for row in facts["boards"]}
    assert fits["icebreaker"]["fits"]
    assert fits["icebreaker"]["predicted_cycles"] > 73472 / 16
    estimated = fits["icebreaker"]["estimated"]
    assert (estimated["dsps"], estimated["block_rams"] > 20, estimated["luts"] > 3000) == (8, True, True)
    cycles = fits["icebreaker"]["predicted_cycles"]
    assert fits["icebreaker"]["estimated_ms"] == pytest.approx(cycles / estimated["mhz"] / 1e3, abs=1e-3)
    assert fits["sim-large"]["estimated"] is None
    assert fits["icesugar"] == fits["icebreaker"] | {"board": "icesugar"}

    def refuse(*_: object) -> None:
        raise DoesNotFit("needs 9 words, has 8")

    monkeypatch.setattr(board_fits, "compile_source", refuse)
    outcome = call(capsys, "inspect", MODEL)
    assert outcome.code == 0
    assert "73,472 MACs" in outcome.out
    assert "needs 9 words, has 8" in outcome.out


def test_inspect_names_what_is_refused(capsys: pytest.CaptureFixture[str], models_dir: Path) -> None:
    outcome = call(capsys, "inspect", str(models_dir / "mnv2_160_035.tflite"), "--json")
    facts = json.loads(outcome.out)
    refused = [operator for operator in facts["operators"] if operator["refused"]]
    assert outcome.code == (2 if refused else 0)
    assert bool(refused) == outcome.err.startswith("error: ")


def test_compile(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    out = tmp_path / "out"
    outcome = call(capsys, "compile", MODEL, "--board", "icebreaker", "-o", str(out), "--json")
    facts = json.loads(outcome.out)
    assert outcome.code == 0
    assert {Path(file) for file in facts["files"]} == set(out.iterdir())
    assert "module core(" in (out / "core.v").read_text()
    assert "SB_MAC16" in (out / "top.v").read_text()
    report = json.loads((out / "report.json").read_text())
    assert report["predicted_cycles"] == facts["predicted_cycles"] > 0
    assert report == facts["figures"]
    assert "<h1>digits_int8.tflite" in Path(facts["report"]).read_text()
    assert len((out / "program.hex").read_text().split()) <= report["core"]["program_depth"]


def built(out: Path, fmax: float) -> BuildResult:
    (out / "icebreaker.bin").write_bytes(b"bits")
    return BuildResult(
        bitstream=out / "icebreaker.bin",
        fmax_mhz=fmax,
        target_mhz=30.0,
        meets_timing=fmax >= 30.0,
        resources={"LUT4": (5, 10)},
    )


def test_build(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    words = ("build", MODEL, "--board", "icebreaker", "-o", str(tmp_path))
    monkeypatch.setattr(build, "build_bitstream", lambda *_, **__: built(tmp_path, 31.0))
    outcome = call(capsys, *words, "--json")
    facts = json.loads(outcome.out)
    assert (outcome.code, facts["meets_timing"]) == (0, True)
    assert facts["resources"] == {"LUT4": {"used": 5, "available": 10}}
    assert facts["latency_ms"] == pytest.approx(facts["predicted_cycles"] / 30e3)
    assert facts["flash"] == str(tmp_path / "flash.bin")
    assert 1 < facts["boot_ms"] < 100
    assert (tmp_path / "flash.bin").read_bytes().startswith(b"bits\xff")
    monkeypatch.setattr(build, "build_bitstream", lambda *_, **__: built(tmp_path, 29.0))
    outcome = call(capsys, *words)
    assert outcome.code == 1
    assert "Fmax 29.0 MHz, target 30.0 MHz: timing MISSED" in outcome.out
    assert f"with the weights, for the board's flash: {tmp_path / 'flash.bin'}\n" in outcome.out


def test_build_at_the_clock_that_is_reached(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Its clock is kept with the build, so that `tfl2hw run` counts with it."""
    asked: dict[str, Any] = {}

    def fastest(_factory: object, board: Any, *_: object, seeds: Any) -> BuildResult:
        asked.update(board=board, seeds=list(seeds))
        return replace(built(tmp_path, 34.0), target_mhz=33.75)

    monkeypatch.setattr(build, "build_fastest", fastest)
    words = ("build", MODEL, "--board", "icebreaker", "-o", str(tmp_path), "--clock", "auto", "--seeds", "3")
    facts = json.loads(call(capsys, *words, "--json").out)
    assert (facts["target_mhz"], asked["seeds"], asked["board"].target_mhz) == (33.75, [1, 2, 3], 30.0)
    assert json.loads((tmp_path / "settings.json").read_text())["clock_mhz"] == 33.75


def test_build_at_a_clock(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    clocks = []
    monkeypatch.setattr(
        build,
        "build_bitstream",
        lambda _, board, *__, **___: clocks.append(board.target_mhz) or built(tmp_path, 31.0),
    )
    words = ("build", MODEL, "--board", "icebreaker", "-o", str(tmp_path), "--clock")
    assert call(capsys, *words, "24").code == 0
    assert clocks == [24.0]
    for text in ("fast", "-3", "nan", "inf"):
        outcome = call(capsys, *words, text)
        assert outcome.code != 0
        assert f"--clock {text}: not a clock; accepted: a number of MHz above 0, or auto" in outcome.err


class FakeBoard:
    """Answers without a device; after ``right`` answers it errs."""

    clock_mhz = 30.0

    def __init__(self, right: int = 1000) -> None:
        self._right = right

    def __enter__(self) -> FakeBoard:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def run(self, *inputs: npt.NDArray[np.int8]) -> Inference:
        assert [values.shape for values in inputs] == [(1, 8, 8, 1)]
        self._right -= 1
        return Inference(
            outputs=(scores() if self._right >= 0 else scores()[:, ::-1],), cycles=CYCLES, seconds=0.002
        )


@pytest.fixture
def kept(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """A folder with the digits for the iCEBreaker, on which every port has a ``FakeBoard``."""
    settings = Settings(board="icebreaker", numerics="litert-ref", lanes=None, columns=None)
    keep(Path(MODEL), settings, tmp_path)
    monkeypatch.setattr(run, "_accelerator", lambda *_: FakeBoard())
    return str(tmp_path)


def test_run(capsys: pytest.CaptureFixture[str], kept: str) -> None:
    words = ["run", kept, "--port", "sim", "--input", THREE]
    outcome = call(capsys, *words)
    assert outcome.out == "digit_3.npy  3 (class 3)\n10,000 cycles, 0.333 ms at 30.0 MHz\n"
    facts = json.loads(call(capsys, *words, "--json").out)
    assert facts == {"outputs": [scores().tolist()], "cycles": CYCLES, "latency_ms": pytest.approx(1 / 3)}
    outcome = call(capsys, *words, "--input", THREE)
    assert (outcome.code, outcome.err) == (2, "error: run takes one sample: 1 --input, not 2\n")
    (Path(kept) / "settings.json").write_text("{}")
    assert "settings.json: not the settings of a build" in call(capsys, *words).err


def test_run_again_and_again(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, kept: str
) -> None:
    words = ["run", kept, "--port", "sim", "--input", THREE]
    assert call(capsys, *words, "--repeat", "5").out.endswith("\n5 answers, all the same\n")
    monkeypatch.setattr(run, "_accelerator", lambda *_: FakeBoard(right=3))
    outcome = call(capsys, *words, "--repeat", "5")
    assert (outcome.code, outcome.out) == (3, "")
    assert outcome.err == "error: answer 4 differs from the first: the board is not to be trusted\n"


def test_run_benchmark(capsys: pytest.CaptureFixture[str], kept: str) -> None:
    words = ["run", kept, "--port", "sim", "--input", THREE, "--benchmark"]
    last = "2.000 ms from input to answer, 83% of it on the link; 500.0 inferences a second\n"
    assert call(capsys, *words).out.endswith(f"20 answers, all the same\n{last}")
    facts = json.loads(call(capsys, *words, "--repeat", "4", "--json").out)
    assert facts["runs"] == 3
    assert facts["link_share"] == pytest.approx(5 / 6)
    assert (facts["total_ms"], facts["per_second"]) == (pytest.approx(2.0), pytest.approx(500))


def test_run_takes_pictures_and_floats(capsys: pytest.CaptureFixture[str], kept: str) -> None:
    picture = Path(kept) / "three.png"
    Image.fromarray((np.load(THREE)[0, ..., 0].astype(int) + 128).astype(np.uint8)).save(picture)
    assert "three.png  3 (class 3)" in call(capsys, "run", kept, "--port", "x", "--input", str(picture)).out
    floats = Path(kept) / "three.npy"
    np.save(floats, np.zeros((8, 8), np.float32))
    assert "three.npy  3 (class 3)" in call(capsys, "run", kept, "--port", "x", "--input", str(floats)).out


@pytest.mark.parametrize("words", [[], ["--port", "sim", "--serve"]])
def test_run_asks_a_board_or_is_one(words: list[str], capsys: pytest.CaptureFixture[str], kept: str) -> None:
    outcome = call(capsys, "run", kept, *words)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err == "error: run takes either --port, to ask a board, or --serve, to be one\n"
