"""`tfl2hw program`: with loaders that are scripts, which note what they are called with."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.test_main import MODEL, call

SAYS_OK = "echo programming; exit 0"


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """A folder that looks like a build's."""
    from tfl2hw.cli.store import Settings, keep

    folder = tmp_path / "build"
    keep(Path(MODEL), Settings(board="icebreaker", numerics="litert-ref", lanes=None, columns=None), folder)
    (folder / "icebreaker.bin").write_bytes(b"bits")
    return folder


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder on PATH."""
    folder = tmp_path / "tools"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def install(tools: Path, name: str, does: str) -> None:
    (tools / name).write_text(f'#!/bin/sh\necho "{name} $*" >> "{tools}/calls"\n{does}\n')
    (tools / name).chmod(0o755)


def calls(tools: Path) -> list[str]:
    return (tools / "calls").read_text().splitlines()


def test_the_best_loader_that_is_there_is_called(
    built: Path, tools: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    install(tools, "openFPGALoader", SAYS_OK)
    outcome = call(capsys, "program", str(built))
    bitstream = built / "icebreaker.bin"
    assert (outcome.code, outcome.err) == (0, "programming\n")
    assert outcome.out == f"icebreaker holds {bitstream} (loaded with openFPGALoader)\n"
    install(tools, "iceprog", SAYS_OK)
    assert "loaded with iceprog" in call(capsys, "program", str(built)).out
    assert calls(tools) == [f"openFPGALoader -b ice40_generic {bitstream}", f"iceprog {bitstream}"]


def test_a_flash_is_loaded_with_the_weights(
    built: Path, tools: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    install(tools, "iceprog", SAYS_OK)
    (built / "flash.bin").write_bytes(b"bits and weights")
    assert call(capsys, "program", str(built)).code == 0
    assert calls(tools) == [f"iceprog {built / 'flash.bin'}"]


def test_the_next_loader_is_tried_where_one_fails(
    built: Path, tools: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    install(tools, "iceprog", "echo broken >&2; exit 3")
    install(tools, "openFPGALoader", SAYS_OK)
    assert call(capsys, "program", str(built)).code == 0
    assert [line.split()[0] for line in calls(tools)] == ["iceprog", "openFPGALoader"]


@pytest.mark.parametrize(
    ("says", "sentence"),
    [
        ("Can't find iCE FTDI USB device (vendor_id 0x0403)", "the board was not found: is it plugged in"),
        ("unable to open ftdi device: -4 (usb_open() failed)", "the board was not found: is it plugged in"),
        ("LIBUSB_ERROR_ACCESS: cannot open", "this user may not use the USB device: add a udev rule"),
        ("unable to claim usb device", "another program holds the board"),
        ("flash id 0xffffff", "failed with code 5 ('flash id 0xffffff')\n"),
    ],
)
def test_what_went_wrong_is_said(
    says: str, sentence: str, built: Path, tools: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    install(tools, "iceprog", f'printf "init..\\r%s\\n" "{says}" >&2; exit 5')
    outcome = call(capsys, "program", str(built))
    assert (outcome.code, outcome.out) == (3, "")
    shown, error = outcome.err.rstrip("\n").rsplit("\n", 1)
    assert says in shown
    assert error.startswith(f"error: iceprog failed with code 5 ('{says}')")
    assert sentence in f"{error}\n"


def test_a_loader_that_says_nothing(built: Path, tools: Path, capsys: pytest.CaptureFixture[str]) -> None:
    install(tools, "iceprog", "exit 1")
    error = call(capsys, "program", str(built)).err
    assert error == "error: iceprog failed with code 1: it said nothing; is the board plugged in?\n"


@pytest.mark.usefixtures("tools")
def test_what_to_install_is_said(built: Path, capsys: pytest.CaptureFixture[str]) -> None:
    outcome = call(capsys, "program", str(built))
    assert outcome.code == 3
    assert (
        "takes iceprog (apt-get install fpga-icestorm, brew install icestorm) or openFPGALoader ("
        in outcome.err
    )
    assert "none is on PATH: install one" in outcome.err


def test_without_a_bitstream(built: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (built / "icebreaker.bin").unlink()
    outcome = call(capsys, "program", str(built))
    assert outcome.code == 2
    assert "no bitstream for icebreaker there" in outcome.err
