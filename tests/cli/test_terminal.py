"""Progress on a real pseudo-terminal, and nowhere else."""

from __future__ import annotations

import os
import re
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tfl2hw.cli import compile as compile_module
from tfl2hw.cli.main import main
from tfl2hw.cli.terminal import progress

MODEL = Path(__file__).parents[2] / "examples" / "digits" / "digits_int8.tflite"
CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], None]], str]:
    """What an action writes to a stderr that is a terminal of 100 columns."""
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("TERM", "xterm")

    def act(action: Callable[[], None]) -> str:
        with _terminal() as (slave, text):
            monkeypatch.setattr(sys, "stderr", slave)
            action()
            monkeypatch.undo()
        return "".join(text)

    return act


@contextmanager
def _terminal() -> Iterator[tuple[object, list[str]]]:
    master, slave = os.openpty()
    text: list[str] = []

    def read() -> None:
        try:
            while chunk := os.read(master, 4096):
                text.append(chunk.decode())
        except OSError:  # the other side is closed
            return

    reader = threading.Thread(target=read)
    reader.start()
    with open(slave, "w", buffering=1) as file:
        yield file, text
    reader.join(10)
    os.close(master)


def two_steps(*, shown: bool = True) -> None:
    with progress("first", shown=shown) as tell:
        tell("routing, 500 [arcs] left", 0.725)
        tell("packing")


def test_a_terminal_shows_what_goes_on_and_its_share(
    written: Callable[[Callable[[], None]], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def slowly() -> None:
        with progress("first") as tell:
            tell("routing, 500 [arcs] left", 0.725)
            threading.Event().wait(0.3)  # the line is drawn ten times a second
            tell("packing")
            threading.Event().wait(0.3)

    raw = written(slowly)
    text = CONTROL.sub("", raw)
    assert re.search(r"routing, 500 \[arcs\] left .* 72% 0:00:0\d", text)
    assert re.search(r"packing .* 0:00:0\d", text)
    assert raw.rstrip().endswith("\x1b[2K"), "the line is gone when it is over"


def test_nothing_where_it_is_not_wanted(
    written: Callable[[Callable[[], None]], str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert written(lambda: two_steps(shown=False)) == ""
    for variables in ({}, {"FORCE_COLOR": "1"}, {"TTY_COMPATIBLE": "1"}):
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        two_steps()
        assert capsys.readouterr().err == ""


def test_nothing_on_a_dumb_terminal(
    written: Callable[[Callable[[], None]], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "dumb")
    assert written(two_steps) == ""


@pytest.mark.parametrize(("options", "shows"), [((), True), (("--quiet",), False), (("--json",), False)])
def test_commands(
    written: Callable[[Callable[[], None]], str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    options: tuple[str, ...],
    shows: bool,
) -> None:
    monkeypatch.setattr(compile_module, "write_files", lambda *_: [])

    def compile_it() -> None:
        with pytest.raises(SystemExit) as left:
            main(["compile", str(MODEL), "--board", "icebreaker", "-o", str(tmp_path), *options])
        assert not left.value.code

    text = CONTROL.sub("", written(compile_it))
    assert ("compiling" in text) == shows
    assert bool(text) == shows
