"""Printed pages of the documentation are what the values say today."""

from __future__ import annotations

from pathlib import Path

import pytest

from tfl2hw.boards import OURS
from tfl2hw.cli.main import main
from tfl2hw.ops import OPERATORS

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize(
    ("command", "page", "sections"),
    [
        ("ops", "supported_ops.md", list(OPERATORS)),
        ("boards", "boards.md", [board.title for board in OURS if board.chip]),
    ],
)
def test_the_committed_page_is_current(
    command: str, page: str, sections: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        main([command, "--markdown"])
    assert left.value.code == 0
    printed = capsys.readouterr().out
    assert (DOCS / page).read_text() == printed, f"run: .venv/bin/tfl2hw {command} --markdown > docs/{page}"
    for name in sections:
        assert f"\n## {name}\n" in printed
