"""Every board makes sense and elaborates; an unknown or broken one is refused in a sentence."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from tests.rtl.support import make_config
from tfl2hw import boards
from tfl2hw.boards import OURS, Board, BrokenBoard, UnknownBoard
from tfl2hw.codegen.bitstream import elaborate, pll_for, uart_divisor
from tfl2hw.rtl_templates.core import Core

REAL = [board for board in OURS if board.chip]


def each(known: Any) -> Any:
    return pytest.mark.parametrize("board", known, ids=lambda board: board.name)


@each(OURS)
def test_the_array_is_a_valid_shape(board: Board) -> None:
    assert boards.get(board.name) is board
    assert board.lanes % board.columns == 0
    count = board.requantizers_for(board.columns)
    if board.core is None or board.chip is None:
        assert count == (1 if board.family == "ice40" else board.columns)
    else:
        core = board.core(board.lanes, board.columns)
        assert (core.lanes, core.columns, core.requantizers) == (board.lanes, board.columns, count)
        assert (core.scratchpad_words, core.bank_depth) == (board.scratchpad_words, board.bank_depth)


def test_names_are_different() -> None:
    assert len({board.name for board in OURS}) == len(OURS)


@pytest.mark.parametrize(
    ("name", "shape", "wanted"),
    [
        ("ulx3s-85f", (8, 8), (8, 2)),
        ("ulx3s-85f", (16, 8), (8, 2)),
        ("ulx3s-85f", (16, 16), (16, 1)),
        ("ulx3s-45f", (8, 8), (8, 1)),
        ("ulx3s-45f", (16, 4), (4, 2)),
        ("ulx3s-25f", (4, 4), (4, 2)),
        ("icebreaker", (4, 4), (1, 1)),
        ("sim-large", (16, 16), (16, 2)),
    ],
)
def test_requantizers_take_the_dsps_that_the_array_leaves(
    name: str, shape: tuple[int, int], wanted: tuple[int, int]
) -> None:
    board = boards.get(name)
    count = board.requantizers_for(shape[1])
    assert (count, board.requantizer_dsps(*shape, count)) == wanted


@each(REAL)
def test_clock_and_uart_are_within_reach(board: Board) -> None:
    pll = pll_for(board)
    assert pll.mhz == pytest.approx(board.target_mhz, rel=0.03)
    assert pll.mhz * 1e6 / uart_divisor(pll.mhz, board.baud) == pytest.approx(board.baud, rel=0.02)


@each(REAL)
def test_platform_is_the_chip_that_the_board_names(board: Board) -> None:
    pytest.importorskip("amaranth_boards")
    platform = board.make_platform()
    assert board.chip is not None
    assert platform.device.upper() == board.chip.name.upper()
    assert ("uart", 0) in platform.resources
    if board.family == "ecp5":
        options = dict(zip(board.chip.nextpnr[1::2], board.chip.nextpnr[2::2], strict=True))
        assert options["--speed"] == platform.speed
        assert options["--package"].endswith(platform.package[2:])
    if board.oscillator != "SB_HFOSC":
        assert platform.default_clk_constraint.frequency == board.clock_mhz * 1e6


@each(REAL)
def test_elaborates(board: Board, tmp_path: Path) -> None:
    """A core, its PLL, and pins for clock, UART and flash, on every board."""
    pytest.importorskip("amaranth_boards")
    core = Core(make_config(), boots=board.flash is not None)
    elaborate(core, board, pll_for(board), tmp_path)
    text = (tmp_path / "top.il").read_text()
    assert ("EHXPLLL" if board.family == "ecp5" else "SB_PLL40") in text
    constraints = (tmp_path / ("top.lpf" if board.family == "ecp5" else "top.pcf")).read_text()
    for port in ("uart_0__rx__io", "uart_0__tx__io"):
        assert port in constraints
    flash = [f"spi_flash_1x_0__{name}__io" for name in ("cs", "clk", "copi", "cipo")]
    assert all((port in constraints) == (board.flash is not None) for port in flash)
    assert "__wp" not in constraints
    assert "__hold" not in constraints
    assert ("SB_PLL40_PAD" in text) == (board.oscillator == "pad")
    assert ("SB_HFOSC" in text) == (board.oscillator == "SB_HFOSC")


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


MINE = """
from dataclasses import replace
from tfl2hw.boards import get
BOARD = replace(get("ulx3s-25f"), name="mine", clock_mhz=50.0)
"""


def test_a_board_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(MINE)
    board = boards.get(str(file))
    assert (board.name, board.clock_mhz, board.chip) == ("mine", 50.0, boards.get("ulx3s-25f").chip)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("BOARD = 3", "BOARD is int, not a tfl2hw.boards.Board"),
        ("board = 3", "has no variable BOARD"),
        ("1 / 0", "cannot be run: ZeroDivisionError"),
    ],
)
def test_broken_files_are_refused(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "mine.py"
    file.write_text(text)
    with pytest.raises(BrokenBoard, match=message) as refusal:
        boards.get(str(file))
    assert str(file) in str(refusal.value)


def test_a_file_that_is_not_there_is_refused() -> None:
    with pytest.raises(UnknownBoard, match=r"nowhere\.py: no such file"):
        boards.get("nowhere.py")


def installed(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    entry = EntryPoint(name="mine", value=value, group="tfl2hw.boards")
    boards.boards.cache_clear()
    monkeypatch.setattr(boards, "entry_points", lambda group: [entry] if group == entry.group else [])


@pytest.fixture(autouse=True)
def _forget_installed_boards() -> Any:
    yield
    boards.boards.cache_clear()


def test_a_board_of_another_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "their_board.py").write_text(MINE)
    monkeypatch.syspath_prepend(tmp_path)
    installed(monkeypatch, "their_board:BOARD")
    assert boards.get("mine").clock_mhz == 50.0
    assert list(boards.boards())[:-1] == [board.name for board in OURS]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("nothing_like_it:BOARD", "cannot be loaded: No module named 'nothing_like_it'"),
        ("tfl2hw.boards:get", "is function, not a tfl2hw.boards.Board"),
        ("tfl2hw.boards.icebreaker:ICEBREAKER", "is a board named 'icebreaker', which there is already"),
    ],
)
def test_broken_boards_of_other_packages(monkeypatch: pytest.MonkeyPatch, value: str, message: str) -> None:
    installed(monkeypatch, value)
    with pytest.raises(BrokenBoard, match=message) as refusal:
        boards.boards()
    assert f"the entry point 'mine' = {value!r}" in str(refusal.value)
