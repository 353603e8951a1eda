"""What tells contents apart that share a design: the witness, and headroom for them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.retrained import retrained
from tfl2hw.codegen import Compiled, compile_model
from tfl2hw.codegen.witness import BLOCK_WORDS, WITNESS_BYTES, witness_address, words_with_witness
from tfl2hw.errors import DoesNotFit

DIGITS = Path("examples/digits/digits_int8.tflite")
HARD_SEED = 0
"""Of a training whose offsets are a bit longer than the first one's."""


def again(folder: Path, seed: int, change: float = 0.1) -> Path:
    path = folder / f"{seed}.tflite"
    path.write_bytes(retrained(DIGITS.read_bytes(), seed, change=change))
    return path


@pytest.fixture(scope="module")
def first() -> Compiled:
    return compile_model(DIGITS, "ulx3s-25f")


def test_it_stands_behind_all_that_the_program_uses(first: Compiled) -> None:
    assert first.witness is not None
    address, data = first.witness
    assert address >= max(first.schedule.memory.used)
    assert address + first.config.lanes == first.config.scratchpad_words * first.config.lanes
    assert len(data) == WITNESS_BYTES
    assert first.core_image.scratchpad == (*first.image.scratchpad, first.witness)


def test_it_tells_other_contents(first: Compiled, tmp_path: Path) -> None:
    """Identity and place are those of the core, which is the same."""
    second = compile_model(again(tmp_path, 1), "ulx3s-25f", core=first.config)
    assert second.config == first.config
    assert first.witness is not None
    assert second.witness is not None
    assert second.witness[0] == first.witness[0]
    assert second.witness[1] != first.witness[1]


def test_it_costs_no_block_ram(first: Compiled) -> None:
    for family, words in BLOCK_WORDS.items():
        assert words_with_witness(words - 1, family) == words
        assert words_with_witness(words, family) == words
        full = replace(first.config, scratchpad_words=words)
        assert witness_address(full, words * full.lanes) is None
        assert witness_address(full, words * full.lanes - full.lanes) is not None


def test_no_bitstream_carries_it_in_spram() -> None:
    assert compile_model(DIGITS, "icebreaker").witness is None


@pytest.mark.parametrize("board", ["icebreaker", "ulx3s-25f"])
def test_headroom_takes_what_does_not_fit(board: str, tmp_path: Path) -> None:
    """It costs few cycles: at most those of a shorter window, where block RAM is scarce."""
    path = again(tmp_path, HARD_SEED)
    narrow, wide = compile_model(DIGITS, board), compile_model(DIGITS, board, headroom=True)
    with pytest.raises(DoesNotFit, match=r"needs \d+ bits of a requantizer's offset, the core has \d+;"):
        compile_model(path, board, core=narrow.config)
    assert compile_model(path, board, core=wide.config).config == wide.config
    assert narrow.predicted_cycles <= wide.predicted_cycles <= 1.05 * narrow.predicted_cycles
