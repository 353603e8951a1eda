"""`tfl2hw program`: the bitstream onto the board."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tfl2hw.boards import Board, get
from tfl2hw.cli.options import Directory
from tfl2hw.cli.store import kept_settings
from tfl2hw.cli.terminal import say
from tfl2hw.errors import ToolError, UsageError
from tfl2hw.runtime.flash import FLASH_IMAGE

INSTALL = {
    "openFPGALoader": "apt-get install openfpgaloader, brew install openfpgaloader",
    "iceprog": "apt-get install fpga-icestorm, brew install icestorm",
    "ecpprog": "it comes with github.com/YosysHQ/oss-cad-suite-build",
    "dfu-util": "apt-get install dfu-util, brew install dfu-util",
    "fujprog": "apt-get install fujprog",
    "ecpdap": "cargo install ecpdap",
}
"""How a loader is got."""

HINTS = {
    ("access", "permission", "not permitted"): (
        "this user may not use the USB device: add a udev rule for it (openFPGALoader brings one, "
        "99-openfpgaloader.rules), or try as root"
    ),
    ("busy", "claim"): "another program holds the board: close serial terminals and other loaders",
    ("no device", "not found", "can't find", "cannot find", "unable to open", "no dfu", "fail to open"): (
        "the board was not found: is it plugged in, with a cable that carries data, and does it wait for a "
        "bitstream?"
    ),
}
"""Words in what a loader says, and what they amount to."""


def program(directory: Directory) -> None:
    """Load the bitstream in DIR onto its board, with the weights where these go into its flash."""
    board = get(kept_settings(directory).board)
    bitstreams = [file for suffix in (".bit", ".bin") for file in directory.glob(f"{board.name}{suffix}")]
    if not bitstreams:
        raise UsageError(
            f"{directory}: no bitstream for {board.name} there; `tfl2hw build MODEL -o DIR` makes one"
        )
    flash = directory / FLASH_IMAGE
    file = flash if board.flash is not None and flash.exists() else bitstreams[0]
    loader = _load(board, file)
    say(f"{board.name} holds {file} (loaded with {loader})")


def _load(board: Board, bitstream: Path) -> str:
    """Call the board's loaders that are installed, best first, until one succeeds; its name."""
    there = [command for command in board.program if shutil.which(command[0])]
    if not there:
        names = " or ".join(
            f"{command[0]} ({INSTALL[command[0]]})" if command[0] in INSTALL else command[0]
            for command in board.program
        )
        raise ToolError(
            f"loading a bitstream onto {board.name} takes {names}, and none is on PATH: install one"
        )
    failures = []
    for command in there:
        code, said = _call([*command, str(bitstream)])
        if code == 0:
            return command[0]
        failures.append(f"{command[0]} failed with code {code}{_why(said)}")
    raise ToolError("; ".join(failures))


def _call(command: list[str]) -> tuple[int, str]:
    """Exit code of ``command`` and what it said, which also goes to the terminal as it comes."""
    said = bytearray()
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        assert process.stdout is not None
        while chunk := os.read(process.stdout.fileno(), 4096):
            said += chunk
            sys.stderr.write(chunk.decode(errors="replace"))
            sys.stderr.flush()
    return process.returncode, said.decode(errors="replace")


def _why(said: str) -> str:
    """Its last line, and what that amounts to, where that is known."""
    lines = [line.strip() for line in said.replace("\r", "\n").splitlines() if line.strip()]
    if not lines:
        return ": it said nothing; is the board plugged in?"
    lowered = said.lower()
    hints = [hint for words, hint in HINTS.items() if any(word in lowered for word in words)]
    return f" ('{lines[-1]}')" + (f": {hints[0]}" if hints else "")
