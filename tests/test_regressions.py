"""Models that went wrong once. bench/fuzz.py writes them; the note beside each says what happened."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fuzz.chain import Chain
from tests.fuzz.regression import kept, numerics_of, samples_of


@pytest.fixture(scope="module")
def chain() -> Iterator[Chain]:
    with Chain() as made:
        yield made


@pytest.mark.parametrize("path", kept(), ids=lambda path: path.stem)
def test_it_is_right_now(path: Path, chain: Chain) -> None:
    verdict = chain.check_file(path, samples_of(path), numerics_of(path))
    assert verdict.fault is None, str(verdict.fault)
