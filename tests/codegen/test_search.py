"""The search for a shape: what it considers, what it chooses, what it says where nothing fits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests import small_models
from tests.rtl.support import make_config
from tfl2hw.boards import Board, get
from tfl2hw.codegen import compile_model
from tfl2hw.codegen.program import Program
from tfl2hw.codegen.search import CEILING, search, shapes_of
from tfl2hw.errors import DoesNotFit, UsageError
from tfl2hw.rtl_templates.config import CoreConfig
from tfl2hw.rtl_templates.isa import Opcode, instruction
from tfl2hw.schedule.shape import Shape

ROOT = Path(__file__).parents[2]
DIGITS = ROOT / "examples" / "digits" / "digits_int8.tflite"
WORK = 4096


def attempt(shape: Shape) -> tuple[Program, CoreConfig]:
    """A program that takes as long as the shape has few products and requantizers."""
    length = WORK // (shape.lanes * shape.columns) + WORK // 16 // shape.requantizers
    words = (*(instruction(Opcode.WAIT) for _ in range(length)), instruction(Opcode.END))
    return Program(words=words, breaks=()), make_config((shape.lanes, shape.columns, shape.requantizers))


def names(shapes: list[Shape]) -> set[tuple[int, int]]:
    return {(shape.lanes, shape.columns) for shape in shapes}


def test_shapes_of_a_board() -> None:
    every = shapes_of(get("ulx3s-85f"), None, None)
    assert {(4, 2), (8, 8), (16, 8), (32, 4)} <= names(every)
    assert not {(4, 8), (16, 16), (32, 8)} & names(every)  # more columns than lanes, more products than DSPs
    assert {shape.requantizers for shape in every if shape.columns == 8} == {1, 2, 4, 8}
    assert names(shapes_of(get("ulx3s-85f"), 16, None)) == {(16, 2), (16, 4), (16, 8)}
    assert names(shapes_of(get("ulx3s-85f"), None, 8)) == {(8, 8), (16, 8)}
    assert names(shapes_of(get("icebreaker"), None, None)) == {(4, 2), (4, 4)}
    assert shapes_of(get("icebreaker"), 8, None) == shapes_of(get("ulx3s-85f"), 5, None) == []
    assert shapes_of(get("sim-large"), None, None) == []
    assert shapes_of(get("ulx3s-85f-overlay"), None, None) == []


def found_on(board: Board) -> Shape:
    return search(attempt, shapes_of(board, None, None), board, "net").chosen.shape


def test_the_most_products_that_fit_are_chosen() -> None:
    board = get("ulx3s-85f")
    found = search(attempt, shapes_of(board, None, None), board, "net")
    assert found.chosen.shape == Shape(lanes=16, columns=8, requantizers=8)
    assert found_on(get("ulx3s-25f")).lanes * found_on(get("ulx3s-25f")).columns == 16
    arrays = [(each.shape.lanes, each.shape.columns) for each in found.by_array()]
    assert len(arrays) == len(set(arrays))
    assert found.chosen in found.by_array()


def test_of_equals_the_smallest_core() -> None:
    def alike(shape: Shape) -> tuple[Program, CoreConfig]:
        return attempt(Shape(lanes=4, columns=4, requantizers=4))[0], attempt(shape)[1]

    board = get("ulx3s-85f")
    chosen = search(alike, shapes_of(board, None, None), board, "net").chosen.shape
    assert chosen == Shape(lanes=4, columns=2, requantizers=1)


def test_logic_has_a_ceiling() -> None:
    """With half the LUTs of what the largest needs, a smaller one is chosen."""
    board = get("ulx3s-85f")
    assert board.chip is not None
    largest = search(attempt, shapes_of(board, None, None), board, "net").chosen
    assert largest.resources is not None
    luts = int(0.9 * largest.resources.luts / CEILING["ecp5"])
    small = replace(board, chip=replace(board.chip, luts=luts))
    found = search(attempt, shapes_of(board, None, None), small, "net")
    assert found.chosen.shape != largest.shape
    (reason,) = (each.refused for each in found.considered if each.shape == largest.shape)
    assert reason is not None
    assert f"it needs about {largest.resources.luts} LUTs" in reason


def test_where_nothing_fits() -> None:
    def refuse(shape: Shape) -> tuple[Program, CoreConfig]:
        raise DoesNotFit(f"net: {shape.lanes} lanes are too many")

    with pytest.raises(DoesNotFit, match=r"^net: 4 lanes are too many$"):
        search(refuse, shapes_of(get("ulx3s-85f"), None, None), get("ulx3s-85f"), "net")


def test_compile_searches_unless_told(tmp_path: Path) -> None:
    path = small_models.network(1).write(tmp_path, "model")
    free = compile_model(path, "ulx3s-85f")
    assert free.search is not None
    chosen = free.search.chosen
    config = free.config
    assert chosen.shape == Shape(lanes=config.lanes, columns=config.columns, requantizers=config.requantizers)
    assert chosen.cycles == free.predicted_cycles
    again = compile_model(path, "ulx3s-85f", "litert-ref", config.lanes, config.columns, config.requantizers)
    assert again.search is None
    assert again.config == config
    half = compile_model(path, "ulx3s-85f", "litert-ref", lanes=8)
    assert half.search is not None
    assert half.config.lanes == 8
    assert compile_model(path, "sim-large").search is None


def test_a_shape_that_cannot_be(tmp_path: Path) -> None:
    path = small_models.network(1, residual=False).write(tmp_path, "model")
    with pytest.raises(UsageError, match="an array of 5 lanes"):
        compile_model(path, "ulx3s-85f", lanes=5)
    with pytest.raises(UsageError, match="icebreaker reads 4 bytes a cycle"):
        compile_model(path, "icebreaker", lanes=8)


def test_no_shape_is_better_by_more_than_a_twentieth() -> None:
    found = compile_model(DIGITS, "ulx3s-85f").search
    assert found is not None
    best = min(each.milliseconds or 1e9 for each in found.considered if each.refused is None)
    assert found.chosen.milliseconds is not None
    assert found.chosen.milliseconds <= 1.05 * best
