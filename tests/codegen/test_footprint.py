"""Block RAMs counted by hand, and refusals with the numbers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.ops.agree import VALID
from tests.rtl.support import make_config
from tests.small_models import SmallModel
from tfl2hw.boards import get
from tfl2hw.codegen.compile import compile_model
from tfl2hw.codegen.footprint import block_rams, check_fit
from tfl2hw.errors import DoesNotFit


def test_ecp5_by_hand() -> None:
    """Blocks of 1024 words of 18 bits, or deeper and narrower: wider ones have no output register."""
    config = make_config(
        (8, 8, 4), bank_depth=600, parameter_depth=300, mantissa_bits=18, offset_bits=40, shift_bits=4,
        program_depth=700, scratchpad_words=4096, vector_lanes=4, table_depth=512, table_bits=24,
    )  # fmt: skip
    assert block_rams(config, "ecp5") == {
        "weights": 8 * 4,  # 1024 x 18, four beside each other
        "parameters": 4 * (1 + 3),
        "program": 2,
        "scratchpad": 16,  # 16384 bits a block and 64 x 4096 in all
        "tables": 2 * 4 * 2,
        "exponentials": 2,
    }


def test_ice40_by_hand() -> None:
    """Blocks of 256 words of 16 bits; the SPRAM scratchpad takes none, windows and loop deltas do."""
    config = make_config(
        (4, 4, 1), bank_depth=200, parameter_depth=64, mantissa_bits=18, offset_bits=30, shift_bits=4,
        program_depth=300, scratchpad_words=32768, scratchpad="spram", softmax=False, coordinate_bits=9,
        window=3, places=4,
    )  # fmt: skip
    assert block_rams(config, "ice40") == {
        "weights": 4 * 2,
        "parameters": 2 + 3,
        "program": 4,
        "loop deltas": 2 + 1 + 1,
        "windows": 4,
    }
    blocks = [
        block_rams(replace(config, window=window, places=places), "ice40")["windows"]
        for window, places in ((0, 1), (4, 1), (2, 2), (4, 16))
    ]
    assert blocks == [0, 0, 4, 8], "a window's bytes but the newest; a register where there is one place"


def test_entries_that_come_in_words_have_memories_for_each() -> None:
    """The offset, the shift and the last bit are bits 23 to 69: of words of 32 bits 9, 32 and 6."""
    config = make_config((4, 4, 1), parameter_depth=64, mantissa_bits=23, offset_bits=42, shift_bits=4)
    assert block_rams(config, "ice40")["parameters"] == 2 + 1 + 2 + 1


@pytest.mark.parametrize(
    ("depth", "blocks"), [(256, 2), (257, 4), (512, 4), (513, 6), (2048, 16), (2049, 18)]
)
def test_the_cheapest_shape_is_taken(depth: int, blocks: int) -> None:
    config = make_config((4, 4, 1), program_depth=depth)
    assert block_rams(config, "ice40")["program"] == blocks


def test_fixed_point_machines() -> None:
    """Tables with the program's words, and the program itself."""
    config = make_config((8, 8, 4), log_softmax=True, log_tables=3, l2_normalize=True)
    needed = block_rams(config, "ecp5")
    assert (needed["logarithms"], needed["L2 normalisation"]) == (4 + 1, 1 + 1)
    needed = block_rams(replace(config, log_tables=1), "ice40")
    assert (needed["logarithms"], needed["L2 normalisation"]) == (6 + 1, 4 + 1)


def test_wide_scratchpads_and_several_exponentials() -> None:
    """Each 32 bits of a word have blocks of their own; three tables take two blocks of 512 words."""
    config = make_config((16, 8, 4), scratchpad_words=2048, softmax_tables=3)
    needed = block_rams(config, "ecp5")
    assert (needed["scratchpad"], needed["exponentials"]) == (4 * 4, 2)


def test_unaligned_scratchpads_have_blocks_for_every_byte() -> None:
    config = make_config((8, 8, 4), scratchpad_words=2049, unaligned=True)
    assert block_rams(config, "ecp5")["scratchpad"] == 8 * 2


def test_simulation_has_no_limits() -> None:
    check_fit(make_config((32, 32, 8), bank_depth=1 << 16), get("sim-large"), "net.tflite")


def test_refuses_too_much_memory() -> None:
    """The sum, its parts, largest first, and what the chip has."""
    config = make_config((8, 8, 4), bank_depth=1 << 14)
    needed = block_rams(config, "ecp5")
    with pytest.raises(DoesNotFit) as refusal:
        check_fit(config, get("ulx3s-85f"), "net.tflite")
    text = str(refusal.value)
    assert f"needs {sum(needed.values())} block RAMs (weights {needed['weights']}, " in text
    assert "ulx3s-85f" in text
    assert "has 208" in text


def test_what_just_fits_is_accepted() -> None:
    chip = get("ulx3s-85f").chip
    assert chip is not None
    depth = 512
    while True:
        config = make_config((8, 8, 4), bank_depth=depth)
        if sum(block_rams(config, "ecp5").values()) > chip.block_rams:
            break
        check_fit(config, get("ulx3s-85f"), "net.tflite")
        depth += 512
    with pytest.raises(DoesNotFit):
        check_fit(config, get("ulx3s-85f"), "net.tflite")


def test_refuses_a_filter_too_deep_for_a_streamed_bank(tmp_path: Path) -> None:
    model = SmallModel(1)
    model.sink(model.dense(model.input((1, 1100)), 4))
    with pytest.raises(
        DoesNotFit, match="a filter takes 275 words of a column's weight bank, the board has 256"
    ):
        compile_model(model.write(tmp_path, "deep"), "icebreaker")


def test_refuses_maps_too_large_for_the_scratchpad(tmp_path: Path) -> None:
    model = SmallModel(1)
    model.sink(model.conv(model.input((1, 150, 150, 4)), 4, (1, 1)))
    with pytest.raises(
        DoesNotFit, match=r"bank 0 of the scratchpad needs 90\d{3} bytes, the board has 65536"
    ):
        compile_model(model.write(tmp_path, "large"), "icebreaker")


def test_refuses_a_residual_over_one_layer_in_single_port_memory(tmp_path: Path) -> None:
    """Three maps that pairwise must be in different banks, of which there are two."""
    model = SmallModel(1)
    x = model.input((1, 4, 4, 4))
    model.sink(model.add(x, model.conv(x, 4, (1, 1))))
    path = model.write(tmp_path, "residual")
    with pytest.raises(DoesNotFit, match="no way to keep them in different single-port memories"):
        compile_model(path, "icebreaker")
    compile_model(path, "ulx3s-85f")


def test_more_channels_than_any_board_holds(tmp_path: Path) -> None:
    """Refused before the parameters of a million channels are fitted."""
    model = SmallModel(1)
    model.sink(model.pool(model.input((1, 1, 1, 1 << 16)), (1, 1), (1, 1)))
    with pytest.raises(DoesNotFit, match="have 65536 output channels in all, at most 16384"):
        compile_model(model.write(tmp_path, "wide"), "sim-large")


def test_windows_are_shorter_where_block_ram_is_scarce(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On the UP5K they take one block a column or two; without one, a tap at a time."""
    model = SmallModel(1)
    model.sink(model.depthwise(model.input((1, 9, 9, 8)), (4, 4), padding=VALID))
    path, board = model.write(tmp_path, "model"), get("icebreaker")
    assert board.chip is not None
    config = compile_model(path, "icebreaker", lanes=4, columns=4).config
    needed = sum(block_rams(config, "ice40").values())
    assert (config.window, config.columns) == (4, 4)
    for missing, window in ((1, 2), (4, 2), (5, 0)):
        chip = replace(board.chip, block_rams=needed - missing)
        monkeypatch.setattr("tfl2hw.codegen.compile.get", lambda name, chip=chip: replace(board, chip=chip))
        assert compile_model(path, "icebreaker", lanes=4, columns=4).config.window == window
