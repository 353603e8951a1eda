"""What a page shows of a command's output, beside what the command prints."""

from __future__ import annotations

import re
from collections.abc import Sequence

ANY_LINES = ("…", "...", "[…]")
"""A line of these alone stands for any number of lines; within a line, for any text."""

PORT = re.compile(r"/dev/pts/\d+")


def agrees(shown: Sequence[str], printed: Sequence[str]) -> bool:
    """Whether ``printed`` is what ``shown`` says, but for blank lines at the ends and names of terminals."""
    pattern = "".join(_pattern(line) for line in _tidy(shown))
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in _tidy(printed))) is not None


def _pattern(line: str) -> str:
    if line.strip() in ANY_LINES:
        return r"(?:.*\n)*?"
    return ".*?".join(re.escape(part) for part in re.split(r"…|\.\.\.", line)) + r"\n"


def _tidy(lines: Sequence[str]) -> list[str]:
    text = "\n".join(PORT.sub("/dev/pts/0", line.rstrip()) for line in lines).strip("\n")
    return text.split("\n") if text else []
