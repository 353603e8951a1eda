"""The folder in which a page's blocks run one after the other, and what stands in there for a board."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.docs import parsed
from tests.docs.blocks import ROOT, Block, commands
from tests.docs.compare import PORT, agrees
from tfl2hw.boards import boards

SEEDS = ("bench", "docs")
"""Folders that blocks read; examples/ is copied, as they may write there."""
DEVICE = re.compile(r"/dev/tty(?:USB|ACM)\d+")
BUILD_OF_PORT = (
    re.compile(r"tfl2hw run\s+(\S+).*/dev/tty"),
    re.compile(r"open\(\"/dev/tty\w+\", \"([^\"]+)\""),
    re.compile(r"ask\.py (\S+) /dev/tty"),
)
"""Whose board is meant by a device's name."""


class Workspace:
    """Runs blocks of one page in ``folder``, with the examples and the benches beside them.

    Loaders of bitstreams are programs that succeed, and a serial device is the pseudo-terminal of
    ``tfl2hw run DIR --serve``. What a block needs of real models and inputs comes from ``real``.
    """

    def __init__(self, folder: Path, real: tuple[Path, ...]) -> None:
        self._folder = folder
        self._real = real
        self._namespace: dict[str, Any] = {"__name__": "page"}
        self._servers: dict[str, tuple[subprocess.Popen[str], list[str]]] = {}
        self._shown: dict[str, str] = {}
        for name in SEEDS:
            (folder / name).symlink_to(ROOT / name)
        shutil.copytree(ROOT / "examples", folder / "examples", ignore=shutil.ignore_patterns("__pycache__"))
        (folder / ".venv").symlink_to(Path(sys.executable).parents[1])
        self._env = _environment(folder / "bin")

    def run(self, block: Block, *, really: bool = False) -> None:
        """Do what the block says; an AssertionError if that fails. ``really`` : the network may be used."""
        for pattern in block.says.get("needs", "").split():
            self._fetch(pattern)
        if "given" in block.says:
            code, printed = self._call(block.says["given"])
            assert code == 0, printed
        if "file" in block.says:
            target = self._folder / block.says["file"]
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(block.text, encoding="utf-8")
        elif block.language == "python" and "from" not in block.says:
            self._python(block)
        elif block.language in ("sh", "console"):
            self._shell(block, really)

    def close(self) -> None:
        """End the boards."""
        for server, _ in self._servers.values():
            server.send_signal(signal.SIGTERM)
        for server, _ in self._servers.values():
            try:
                server.communicate(timeout=60)
            except subprocess.TimeoutExpired:
                server.kill()
                server.communicate()

    def _python(self, block: Block) -> None:
        before = Path.cwd()
        os.chdir(self._folder)
        try:
            code = "\n" * block.line + self._with_ports(block.text)
            exec(compile(code, str(ROOT / block.page), "exec"), self._namespace)
        finally:
            os.chdir(before)

    def _shell(self, block: Block, really: bool) -> None:
        if "network" in block.says and really:
            code, printed = self._call(block.text)
            assert code == 0, printed
            return
        everything = "network" in block.says or block.says.get("parsed") == ""
        for command, shown in commands(block):
            if everything or _begins(command, block.says.get("parsed", "")):
                self._stand_in(command, builds=not everything)
            elif "--serve" in command:
                printed = self._serve(command)
                self._check_output(block, command, shown, printed)
                for port in PORT.findall(block.text):
                    self._shown[port] = PORT.findall("\n".join(printed))[0]
            else:
                code, printed = self._call(self._with_ports(command))
                assert code == int(block.says.get("exit", "0")), f"{block.name}: {command}\n{printed}"
                if block.language == "console":
                    self._check_output(block, command, shown, printed.split("\n"))

    def _check_output(self, block: Block, command: str, shown: list[str], printed: list[str]) -> None:
        if block.language == "console":
            text = "\n".join(printed)
            assert agrees(shown, printed), f"{block.name}: {command} prints\n{text}"

    def _call(self, command: str) -> tuple[int, str]:
        """Exit code and output of a command, stderr among it."""
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command],
            cwd=self._folder,
            env=self._env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        return done.returncode, done.stdout

    def _stand_in(self, command: str, *, builds: bool) -> None:
        """Parse ``command``; with ``builds`` what a build leaves is left."""
        parsed.check(command, self._env)
        words = shlex.split(command, comments=True)
        if builds and words[:2] == ["tfl2hw", "build"]:
            words = _without(words, ("--seeds", "--clock"))
            folder, board = words[words.index("-o") + 1], words[words.index("--board") + 1]
            bitstream = self._folder / folder / f"{board}.bit"
            if not bitstream.exists():
                code, printed = self._call(shlex.join(["tfl2hw", "compile", *words[2:]]))
                assert code == 0, printed
                bitstream.write_bytes(b"")

    def _with_ports(self, text: str) -> str:
        """``text`` with the pseudo-terminals of simulated boards in place of devices."""
        text = PORT.sub(lambda port: self._shown.get(port[0], port[0]), text)
        if DEVICE.search(text):
            found = [match[1] for pattern in BUILD_OF_PORT if (match := pattern.search(text))]
            assert found, f"whose board is meant? {text}"
            port = PORT.search("\n".join(self._serve(f"tfl2hw run {found[0]} --serve")))
            assert port is not None
            return DEVICE.sub(port[0], text)
        return text

    def _serve(self, command: str) -> list[str]:
        """What the board that ``command`` starts prints before it waits; one board for one command."""
        words = [word for word in shlex.split(command, comments=True) if word != "&"]
        key = shlex.join(words)
        if key not in self._servers:
            server = subprocess.Popen(
                words,
                cwd=self._folder,
                env=self._env,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            assert server.stdout is not None
            printed = [server.stdout.readline().rstrip("\n") for _ in range(2)]
            if not all(printed):
                raise AssertionError(f"{command} ended: {server.communicate()[1]}")
            self._servers[key] = server, printed
        return self._servers[key][1]

    def _fetch(self, pattern: str) -> None:
        found = [file for folder in self._real for file in folder.glob(pattern)]
        assert found, f"no {pattern} in {self._real}"
        for file in found:
            shutil.copy(file, self._folder / file.name)


def _environment(shims: Path) -> Mapping[str, str]:
    """Our Python and commands first, then loaders that succeed, then what there is."""
    shims.mkdir()
    for board in boards().values():
        for loader in board.program:
            shim = shims / loader[0]
            shim.write_text("#!/bin/sh\nexit 0\n")
            shim.chmod(0o755)
    ours = str(Path(sys.executable).parent)
    return os.environ | {
        "PATH": os.pathsep.join([ours, str(shims), os.environ["PATH"]]),
        "PYTHONUNBUFFERED": "1",
        "COLUMNS": "140",
    }


def _begins(command: str, prefixes: str) -> bool:
    return any(
        command.split()[: len(words)] == words for words in map(str.split, prefixes.split(",")) if words
    )


def _without(words: list[str], options: tuple[str, ...]) -> list[str]:
    """``words`` without ``options`` and the word behind each."""
    kept = list(words)
    for option in options:
        if option in kept:
            del kept[kept.index(option) : kept.index(option) + 2]
    return kept
