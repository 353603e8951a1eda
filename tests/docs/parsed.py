"""Commands that a test cannot run are parsed: their program, script, target or options have to be there."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path

import typer
from packaging.requirements import Requirement

from tests.docs.blocks import ROOT
from tfl2hw.cli.main import app


def check(command: str, env: Mapping[str, str]) -> None:
    """Raise an AssertionError, or what the program's own parser says, if ``command`` cannot be meant so."""
    for part in re.split(r"&&|\|", command):
        words = [_whole(word) for word in shlex.split(part, comments=True)]
        if words:
            _check(words, env)


def _check(words: list[str], env: Mapping[str, str]) -> None:
    program, arguments = words[0].rpartition("/")[2], words[1:]
    if program == "tfl2hw":
        check_tfl2hw(arguments)
    elif program == "make":
        done = subprocess.run(["make", "-n", *arguments], cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    elif program == "pip" or arguments[:2] == ["-m", "pip"]:
        _check_pip(arguments[2:] if arguments[:1] == ["-m"] else arguments)
    elif program == "pytest":
        _check_pytest(arguments)
    elif program.startswith("python"):
        _check_script(words[0], arguments, env)
    else:
        assert program in (".", "cd", "git", "apt-get", "sudo", "pre-commit", "brew"), f"unknown: {words}"


def _whole(word: str) -> str:
    """``word`` without the brackets that say that it may be left out."""
    return word.strip("[]") if word.startswith("[") or "[" not in word else word


def check_tfl2hw(arguments: list[str]) -> None:
    """``arguments`` as our command line parses them; files need not be there."""
    command = dict(getattr(typer.main.get_command(app), "commands", {})).get(arguments[0])
    assert command is not None, f"tfl2hw has no command {arguments[0]!r}"
    try:
        command.make_context(arguments[0], list(arguments[1:]))
    except Exception as error:
        raise AssertionError(f"tfl2hw {shlex.join(arguments)}: {error}") from error


def _check_pip(arguments: list[str]) -> None:
    assert arguments[0] in ("install", "download", "uninstall")
    for word in arguments[1:]:
        if not word.startswith("-") and not word.startswith((".", "/")) and not word.endswith(".whl"):
            Requirement(word)


def _check_pytest(arguments: list[str]) -> None:
    """Options of ours are in the plugin."""
    plugin = (ROOT / "tfl2hw" / "testing" / "plugin.py").read_text(encoding="utf-8")
    missing = [word for word in arguments if word.startswith("--tfl2hw") and f'"{word}"' not in plugin]
    assert not missing, f"the pytest plugin has no {missing}"


def _check_script(python: str, arguments: list[str], env: Mapping[str, str]) -> None:
    """Its file compiles, and knows the options (one that takes some prints them with ``--help``)."""
    if arguments[0] == "-m":
        assert arguments[1] in ("venv", "pytest", "pip"), arguments
        return
    script = ROOT / arguments[0]
    compile(script.read_text(encoding="utf-8"), str(script), "exec")
    options = [word.split("=")[0] for word in arguments[1:] if word.startswith("--")]
    if options:
        words = [env_python(env), str(script), "--help"]
        text = subprocess.run(words, cwd=ROOT, env=dict(env), capture_output=True, text=True).stdout
        missing = [option for option in options if option not in text]
        assert not missing, f"{python} {script} has no {missing}"


def env_python(env: Mapping[str, str]) -> str:
    """The Python that ``PATH`` of ``env`` finds first."""
    return str(Path(env["PATH"].split(":")[0]) / "python")
