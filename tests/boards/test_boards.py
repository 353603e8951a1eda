"""Every board makes sense, and an unknown one is refused with a suggestion."""

from dataclasses import replace

import pytest

from tfl2hw import boards
from tfl2hw.boards import BOARDS, UnknownBoard
from tfl2hw.codegen.bitstream import pll_for, uart_divisor


@pytest.mark.parametrize("name", BOARDS)
def test_name_is_the_key_and_the_array_is_a_valid_shape(name: str) -> None:
    board = boards.get(name)
    assert board.name == name
    assert board.lanes % board.columns == 0
    count = board.requantizers_for(board.lanes, board.columns)
    dsps = board.requantizer_dsps(board.lanes, board.columns, count)
    assert count == (1 if board.family == "ice40" else board.columns)
    if board.chip is not None:
        assert board.lanes * board.columns <= board.chip.multipliers or board.family == "ecp5"
    if board.family == "ecp5":
        assert board.chip is not None
        assert board.lanes * board.columns + count * dsps <= board.chip.dsps


@pytest.mark.parametrize(
    ("name", "shape", "wanted"),
    [
        ("ulx3s-85f", (8, 8), (8, 2)),
        ("ulx3s-85f", (16, 8), (8, 2)),
        ("ulx3s-85f", (32, 4), (4, 2)),
        ("ulx3s-45f", (8, 8), (8, 1)),
        ("ulx3s-45f", (16, 4), (4, 2)),
        ("ulx3s-25f", (4, 4), (4, 2)),
        ("ulx3s-25f", (8, 8), (1, 1)),  # no room for the array itself
        ("icebreaker", (4, 4), (1, 1)),
        ("sim-large", (16, 16), (16, 2)),
    ],
)
def test_requantizers_take_the_dsps_that_the_array_leaves(
    name: str, shape: tuple[int, int], wanted: tuple[int, int]
) -> None:
    board = boards.get(name)
    count = board.requantizers_for(*shape)
    assert (count, board.requantizer_dsps(*shape, count)) == wanted


def test_fewer_requantizers_where_dsps_are_fewer_than_columns() -> None:
    board = boards.get("ulx3s-45f")
    assert board.chip is not None
    tight = replace(board, chip=replace(board.chip, dsps=70))
    assert (tight.requantizers_for(8, 8), tight.requantizer_dsps(8, 8, 4)) == (4, 1)
    assert tight.requantizer_dsps(8, 8, 2) == 2


@pytest.mark.parametrize("name", [name for name, board in BOARDS.items() if board.chip])
def test_clock_and_uart_are_within_reach(name: str) -> None:
    board = boards.get(name)
    pll = pll_for(board)
    assert pll.mhz == pytest.approx(board.target_mhz, rel=0.01)
    assert pll.mhz * 1e6 / uart_divisor(pll.mhz, board.baud) == pytest.approx(board.baud, rel=0.02)


@pytest.mark.parametrize("name", [name for name, board in BOARDS.items() if board.chip])
def test_platform_has_what_the_top_asks_for(name: str) -> None:
    pytest.importorskip("amaranth_boards")
    platform = boards.get(name).make_platform()
    assert {(platform.default_clk, 0), ("uart", 0)} <= set(platform.resources)


def test_unknown_board_is_refused() -> None:
    with pytest.raises(
        UnknownBoard, match=r"no board 'ulx3s85f' \(did you mean 'ulx3s-85f'\?\); the boards are ice"
    ):
        boards.get("ulx3s85f")
    with pytest.raises(UnknownBoard, match="no board 'zcu104'; the boards are icebreaker, "):
        boards.get("zcu104")


def test_simulation_board_has_no_platform() -> None:
    with pytest.raises(ValueError, match="sim-large is for simulation alone"):
        boards.get("sim-large").make_platform()
