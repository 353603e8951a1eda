"""docs/from_keras.md: its commands print what the page says that they print."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tfl2hw.cli.main import main

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "from_keras.md").read_text(encoding="utf-8")


def command(name: str) -> tuple[list[str], list[str]]:
    """The arguments of the page's command ``name``, and the lines that it shows of the output."""
    found = re.search(rf"```\ntfl2hw ({name} .*?)\n```\n\n```\n(.*?)\n```", PAGE, re.DOTALL)
    assert found is not None
    return shlex.split(found[1].replace("\\\n", " ")), found[2].split("\n")


@pytest.mark.parametrize("name", ["inspect", "simulate"])
def test_output_is_as_shown(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    arguments, shown = command(name)
    with pytest.raises(SystemExit) as left:
        main(arguments)
    assert left.value.code == 0
    printed = [line.rstrip() for line in capsys.readouterr().out.split("\n")]
    assert printed[: len(shown)] == shown
    if name == "inspect":
        for board, cycles in (("12f", "9,654"), ("25f", "9,654"), ("45f", "2,981"), ("85f", "2,587")):
            assert cycles in PAGE
            assert any(re.search(rf"ulx3s-{board} *│ yes *│ *{cycles} │", line) for line in printed)
