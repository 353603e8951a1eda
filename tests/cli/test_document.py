"""docs/supported_ops.md is what the constraints say today."""

from __future__ import annotations

from pathlib import Path

import pytest

from tfl2hw.cli.main import main
from tfl2hw.ops import OPERATORS

PAGE = Path(__file__).parents[2] / "docs" / "supported_ops.md"


def test_the_committed_page_is_current(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["ops", "--markdown"])
    assert left.value.code == 0
    printed = capsys.readouterr().out
    assert PAGE.read_text() == printed, "run: .venv/bin/tfl2hw ops --markdown > docs/supported_ops.md"
    for name in OPERATORS:
        assert f"\n## {name}\n" in printed
